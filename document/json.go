package document

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonReader reads the text of one JSON object.
//
// The object is either {"text": …}, or has sections as {"title": …, "sections": [{"title": …, "sentences": […] or "text": …}]}. Fields
// name other strings, or arrays of strings, which are sentences.
type jsonReader struct {
	*builder
	fields []string
	at     int
	unread []string // fields of the object that are not read
}

// readJSON reads a line. base is its place in the user's file.
func readJSON(name, line string, base int64, fields []string) (*Document, error) {
	if !json.Valid([]byte(line)) {
		var any json.RawMessage
		err := json.Unmarshal([]byte(line), &any)
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("%s, column %d: %w; expected one JSON object a line", name, syntax.Offset, err)
		}
		return nil, fmt.Errorf("%s: %w; expected one JSON object a line", name, err)
	}
	r := &jsonReader{builder: newBuilder(name, JSONLines, line, base), fields: fields}
	if r.white(); r.source[r.at] != '{' {
		return nil, fmt.Errorf("%s: found %.20s, expected a JSON object, which begins with {", name, strings.TrimSpace(line))
	}
	sections := len(fields) == 0 && r.hasSections()
	if len(fields) == 0 {
		r.fields = []string{"text"}
	}
	r.object(func(key string) {
		from := r.at
		switch {
		case sections && key == "title":
			r.title()
		case sections && key == "sections":
			r.array(r.section)
		case !sections && r.chosen(key):
			r.value()
		case !sections && key == "title":
			r.title()
		default:
			r.unread = append(r.unread, key)
			r.skip()
		}
		if value := r.source[from:r.at]; key == "id" && value != "null" {
			r.ID = value
		}
	})
	if len(r.Blocks) == 0 {
		return nil, fmt.Errorf("%s: found no text in the fields %s; the line has the fields %s; name others with --fields",
			name, strings.Join(r.fields, ", "), strings.Join(r.unread, ", "))
	}
	if unread := slices.DeleteFunc(r.unread, func(key string) bool { return key == "id" }); len(unread) > 0 {
		r.Notes = append(r.Notes, "fields that are not read: "+strings.Join(unread, ", "))
	}
	return r.done(), nil
}

// hasSections reports whether the object has an array of sections.
func (r *jsonReader) hasSections() (found bool) {
	var top map[string]json.RawMessage
	if json.Unmarshal([]byte(r.source), &top) != nil {
		return false
	}
	var sections []map[string]json.RawMessage
	return json.Unmarshal(top["sections"], &sections) == nil && len(sections) > 0
}

func (r *jsonReader) chosen(key string) bool {
	for _, f := range r.fields {
		if f == key {
			return true
		}
	}
	return false
}

// white goes over white space.
func (r *jsonReader) white() {
	for r.at < len(r.source) && blankByte(r.source[r.at]) {
		r.at++
	}
}

// object reads an object; member must read the value of each key.
func (r *jsonReader) object(member func(key string)) {
	r.at++ // {
	for {
		r.white()
		switch r.source[r.at] {
		case '}':
			r.at++
			return
		case ',':
			r.at++
			continue
		}
		from := r.at
		r.skip()
		var key string
		_ = json.Unmarshal([]byte(r.source[from:r.at]), &key) // the line is valid
		r.white()
		r.at++ // :
		r.white()
		member(key)
	}
}

// array reads an array, or a value that is none as its only element.
func (r *jsonReader) array(element func()) {
	if r.source[r.at] != '[' {
		element()
		return
	}
	r.at++
	for {
		r.white()
		switch r.source[r.at] {
		case ']':
			r.at++
			return
		case ',':
			r.at++
		default:
			element()
		}
	}
}

// skip goes over a value.
func (r *jsonReader) skip() {
	depth := 0
	for {
		switch r.source[r.at] {
		case '"':
			r.at++
			for r.source[r.at] != '"' {
				if r.source[r.at] == '\\' {
					r.at++
				}
				r.at++
			}
			r.at++
		case '{', '[':
			depth++
			r.at++
		case '}', ']':
			depth--
			r.at++
		case ',', ':', ' ', '\t', '\n', '\r':
			r.at++
		default: // a number, true, false or null
			for r.at < len(r.source) && strings.IndexByte(",:]} \t\r\n", r.source[r.at]) < 0 {
				r.at++
			}
		}
		if depth == 0 {
			return
		}
	}
}

// section reads an object of sections.
func (r *jsonReader) section() {
	if r.source[r.at] != '{' {
		r.array(r.sentence)
		return
	}
	r.Sections = append(r.Sections, Section{Level: 1})
	number := len(r.Sections) - 1
	r.object(func(key string) {
		switch key {
		case "title":
			r.string()
			if b, ok := r.take(Heading); ok {
				r.Sections[number].Title = Clean(strings.TrimSpace(b.Text))
				r.Blocks = append(r.Blocks, b)
			}
		case "sentences":
			r.array(r.sentence)
		case "text", "paragraphs":
			r.array(r.paragraphs)
		default:
			r.skip()
		}
	})
}

// sentence reads a string that is one sentence.
func (r *jsonReader) sentence() {
	r.string()
	r.flush(Presplit)
}

// title reads the title.
func (r *jsonReader) title() {
	r.string()
	if b, ok := r.take(Heading); ok {
		r.Title = Clean(strings.TrimSpace(b.Text))
	}
}

// value reads the value of a chosen field: a string is text, an array of strings sentences.
func (r *jsonReader) value() {
	if r.source[r.at] == '[' {
		r.array(r.sentence)
		return
	}
	r.paragraphs()
}

// paragraphs reads a string as plain text.
func (r *jsonReader) paragraphs() {
	r.string()
	whole, ok := r.take(Paragraph)
	if !ok {
		return
	}
	plain := newBuilder("", Text, whole.Text, 0)
	plain.plain(0, len(whole.Text))
	first := len(r.Sections) - 1
	r.Sections = append(r.Sections, plain.Sections[1:]...)
	for _, b := range plain.Blocks {
		b.places = whole.part(int(b.places[0].from), len(b.Text))
		b.Section += first
		r.Blocks = append(r.Blocks, b)
	}
}

// string adds the characters of a string; any other value is gone over.
func (r *jsonReader) string() {
	if r.source[r.at] != '"' {
		r.skip()
		return
	}
	r.at++
	plain := r.at
	for r.source[r.at] != '"' {
		if r.source[r.at] != '\\' {
			r.at++
			continue
		}
		r.add(plain, r.at)
		text, n := unescape(r.source[r.at:])
		r.put(text, r.at, r.at+n)
		r.at += n
		plain = r.at
	}
	r.add(plain, r.at)
	r.at++
}

// unescape is the character of an escape at the beginning of s, and the escape's length. A half of a surrogate pair is U+FFFD.
func unescape(s string) (string, int) {
	switch s[1] {
	case 'n':
		return "\n", 2
	case 't':
		return "\t", 2
	case 'r':
		return "\r", 2
	case 'b':
		return "\b", 2
	case 'f':
		return "\f", 2
	case 'u':
		r := hexRune(s[2:6])
		if utf16.IsSurrogate(r) && len(s) >= 12 && s[6] == '\\' && s[7] == 'u' {
			if pair := utf16.DecodeRune(r, hexRune(s[8:12])); pair != utf8.RuneError {
				return string(pair), 12
			}
		}
		return string(r), 6 // string makes U+FFFD of a surrogate
	}
	return s[1:2], 2
}

func hexRune(digits string) (r rune) {
	for _, c := range []byte(digits) {
		switch {
		case c <= '9':
			c -= '0'
		default:
			c = c | 0x20 - 'a' + 10
		}
		r = r<<4 | rune(c)
	}
	return r
}
