package hf

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
)

// setting is a key of a JSON object and its new value; a nil value takes the key away.
type setting struct {
	key   string
	value any
}

// edit returns the text of a JSON object with other values of some keys, in place where the object has the key, and else at its end. All
// other bytes stay: the order of the keys, the spelling of numbers, and NaN and Infinity as Python writes them.
func edit(text []byte, settings []setting) ([]byte, error) {
	if len(settings) == 0 {
		return text, nil
	}
	o, err := splitObject(text)
	if err != nil {
		return nil, err
	}
	for _, s := range settings {
		if err := o.set(s); err != nil {
			return nil, err
		}
	}
	out := append([]byte(nil), o.head...)
	for i, m := range o.members {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, m.before...), m.value...)
	}
	return append(out, o.tail...), nil
}

// objectText is the text of a JSON object in pieces.
type objectText struct {
	head, tail []byte // up to and with the opening brace; from the white space before the closing one on
	members    []memberText
}

// memberText is a key and its value. Before has the white space, the key and the colon.
type memberText struct {
	key           string
	before, value []byte
}

var errNoObject = errors.New("found no JSON object")

// splitObject cuts the text of an object, which is valid JSON but for Python's numbers.
func splitObject(text []byte) (o objectText, err error) {
	at := bytes.IndexByte(text, '{')
	if at < 0 || len(bytes.TrimSpace(text[:at])) > 0 {
		return o, errNoObject
	}
	at++
	o.head = text[:at]
	for {
		end := endOfValue(text, at) // of a whole member: its comma, or the closing brace
		if end < 0 {
			return o, errNoObject
		}
		piece := text[at:end]
		body := bytes.TrimRight(piece, " \t\r\n")
		if len(bytes.TrimSpace(body)) > 0 {
			m, ok := splitMember(body)
			if !ok {
				return o, errNoObject
			}
			o.members = append(o.members, m)
		}
		if text[end] == '}' {
			o.tail = text[at+len(body):]
			return o, nil
		}
		at = end + 1
	}
}

// splitMember cuts "key": value.
func splitMember(body []byte) (m memberText, ok bool) {
	open := bytes.IndexByte(body, '"')
	if open < 0 {
		return m, false
	}
	stop := endOfText(body, open)
	if stop < 0 || json.Unmarshal(body[open:stop], &m.key) != nil {
		return m, false
	}
	colon := bytes.IndexByte(body[stop:], ':')
	if colon < 0 {
		return m, false
	}
	from := stop + colon + 1
	for from < len(body) && slices.Contains([]byte(" \t\r\n"), body[from]) {
		from++
	}
	m.before, m.value = body[:from], body[from:]
	return m, len(m.value) > 0
}

// endOfText is the place after the text that opens with the quote at a place; −1: it has no end.
func endOfText(text []byte, open int) int {
	for i := open + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// endOfValue is the place of the first comma or closing bracket outside of texts and inner brackets; −1: there is none.
func endOfValue(text []byte, from int) int {
	depth := 0
	for i := from; i < len(text); i++ {
		switch text[i] {
		case '"':
			end := endOfText(text, i)
			if end < 0 {
				return -1
			}
			i = end - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

// set changes a member, adds it or takes it away.
func (o *objectText) set(s setting) error {
	at := slices.IndexFunc(o.members, func(m memberText) bool { return m.key == s.key })
	if s.value == nil {
		if at >= 0 {
			o.members = slices.Delete(o.members, at, at+1)
		}
		return nil
	}
	value, err := marshal(s.value)
	if err != nil {
		return err
	}
	if at >= 0 {
		o.members[at].value = value
		return nil
	}
	key, err := marshal(s.key)
	if err != nil {
		return err
	}
	before := []byte("\n  ")
	if n := len(o.members); n > 0 {
		first := o.members[0].before
		before = slices.Clone(first[:bytes.IndexByte(first, '"')])
	} else if len(bytes.TrimRight(o.tail, "\n")) == 1 {
		o.tail = append([]byte("\n"), o.tail...)
	}
	o.members = append(o.members, memberText{key: s.key, before: append(append(before, key...), ": "...), value: value})
	return nil
}

// marshal is a value as JSON as Python indents it, inside of an object. Letters stay letters.
func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("  ", "  ")
	err := e.Encode(value)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}
