package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// readObjects reads a field of JSON objects: of lines, or of the elements of one array.
func readObjects(name, text, field string) (set []summaryText, err error) {
	if strings.HasPrefix(strings.TrimSpace(text), "[") {
		var elements []json.RawMessage
		if err := json.Unmarshal([]byte(text), &elements); err != nil {
			return nil, fmt.Errorf("%s: %w; expected one array of JSON objects, or an object a line", name, err)
		}
		for i, e := range elements {
			s, err := readObject(fmt.Sprintf("%s, element %d", name, i+1), e, field)
			if err != nil {
				return nil, err
			}
			set = append(set, s)
		}
		return set, nil
	}
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		if strings.TrimSpace(line) == "" {
			continue
		}
		s, err := readObject(fmt.Sprintf("%s:%d", name, number), []byte(line), field)
		if err != nil {
			return nil, err
		}
		set = append(set, s)
	}
	return set, nil
}

// readObject reads a field of a JSON object. at is its place.
func readObject(at string, text []byte, field string) (s summaryText, err error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		return s, fmt.Errorf("%s: %w; expected a JSON object: one a line, or the elements of one array", at, err)
	}
	raw, ok := object[field]
	if !ok {
		return s, fmt.Errorf("%s: found no field %s; name another with --reference-field or --candidate-field", at, field)
	}
	s = summaryText{name: at, id: sameID(object["id"])}
	if s.text, err = textOrLines(raw); err != nil {
		return s, fmt.Errorf("%s: the field %s: %w", at, field, err)
	}
	return s, nil
}

// sameID is an id as JSON, the same for the same value: without white space, and with characters in place of their escapes. It is empty
// where there is none.
func sameID(raw json.RawMessage) string {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // large numbers keep their digits
	var id any
	if decoder.Decode(&id) != nil || id == nil {
		return ""
	}
	text, err := json.Marshal(id)
	if err != nil {
		return string(raw)
	}
	return string(text)
}

// textOrLines reads a text, or an array of sentences, which become lines.
func textOrLines(raw json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var lines []string
	if json.Unmarshal(raw, &lines) != nil {
		return "", errors.New("found neither a text nor an array of texts")
	}
	return strings.Join(lines, "\n"), nil
}
