package text

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// errNoText marks a line without text in the chosen fields.
var errNoText = errors.New("found no text")

// extract appends the text of the chosen fields of a JSON object to dst, in the order in which the object has
// them, each string followed by a line end. A field is a path of names joined by dots. Arrays have no
// names, and a field includes everything below it: "sections.title" is the title of each section,
// "sections" every string of every section. A line without text in these fields is errNoText.
func extract(dst, line []byte, fields []string) ([]byte, error) {
	if !utf8.Valid(line) {
		return dst, errors.New("the line is not UTF-8; JSON must be")
	}
	if !json.Valid(line) {
		var raw json.RawMessage
		err := json.Unmarshal(line, &raw)
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return dst, fmt.Errorf("column %d: %w; expected one JSON object a line", syntax.Offset, err)
		}
		return dst, err
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	w := walker{d: d, fields: fields, dst: dst}
	token, err := d.Token()
	if err != nil {
		return dst, err
	}
	if token != json.Delim('{') {
		return dst, fmt.Errorf("found %v; expected a JSON object, which begins with '{'", token)
	}
	if err := w.object(""); err != nil {
		return dst, err
	}
	if len(w.dst) == len(dst) {
		return dst, fmt.Errorf("%w in the fields %s; the line has the fields %s",
			errNoText, strings.Join(fields, ", "), strings.Join(w.top, ", "))
	}
	return w.dst, nil
}

type walker struct {
	d      *json.Decoder
	fields []string
	dst    []byte
	top    []string // names of the object's own fields
}

// object reads an object whose '{' has been read.
func (w *walker) object(path string) error {
	for w.d.More() {
		token, err := w.d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string) // the decoder gives nothing else here
		at := name
		if path == "" {
			w.top = append(w.top, name)
		} else {
			at = path + "." + name
		}
		if err := w.value(at); err != nil {
			return err
		}
	}
	_, err := w.d.Token()
	return err
}

func (w *walker) value(path string) error {
	token, err := w.d.Token()
	if err != nil {
		return err
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return w.object(path)
		}
		for w.d.More() {
			if err := w.value(path); err != nil {
				return err
			}
		}
		_, err := w.d.Token()
		return err
	case string:
		if v != "" && w.chosen(path) {
			w.dst = append(append(w.dst, v...), '\n')
		}
	case nil:
	default:
		if w.chosen(path) {
			return fmt.Errorf("the field %s is %v; expected text", path, v)
		}
	}
	return nil
}

func (w *walker) chosen(path string) bool {
	for _, f := range w.fields {
		if path == f || strings.HasPrefix(path, f) && path[len(f)] == '.' {
			return true
		}
	}
	return false
}

// orText is the default of fields.
func orText(fields []string) []string {
	if len(fields) == 0 {
		return []string{"text"}
	}
	return fields
}
