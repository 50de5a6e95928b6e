// Package pattern finds the matches of the patterns in a tokenizer.json. The library tokenizers compiles them with Oniguruma. Patterns that
// many models share have a scanner written by hand; the others run in a backtracking engine.
package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/longspan/longspan/tokenizer/internal/component"
)

// Pattern finds matches.
type Pattern interface {
	// Each calls f with each match in the order of the text. An error is one of the engine: it gave up.
	Each(s string, f func(from, to int)) error
}

// Read reads {"String": …} or {"Regex": …} under a key.
func Read(fields *component.Fields, key string) (Pattern, error) {
	raw := fields.Raw(key)
	var p map[string]string
	if err := json.Unmarshal(raw, &p); err != nil || len(p) != 1 {
		fields.Fail(key, `is %s; expected {"String": "…"} or {"Regex": "…"}`, component.Show(raw))
		return nil, fields.Err()
	}
	if text, ok := p["String"]; ok {
		if text == "" {
			fields.Fail(key, "is the empty string; expected one character or more")
			return nil, fields.Err()
		}
		return Literal(text), nil
	}
	text, ok := p["Regex"]
	if !ok {
		fields.Fail(key, `is %s; expected {"String": "…"} or {"Regex": "…"}`, component.Show(raw))
		return nil, fields.Err()
	}
	compiled, err := Compile(text)
	if err != nil {
		fields.Fail(key, "%q: %w", text, err)
		return nil, fields.Err()
	}
	return compiled, nil
}

// Literal is a pattern that matches itself.
type Literal string

// Each implements [Pattern].
func (l Literal) Each(s string, f func(from, to int)) error {
	for from := 0; ; {
		i := strings.Index(s[from:], string(l))
		if i < 0 {
			return nil
		}
		f(from+i, from+i+len(l))
		from += i + len(l)
	}
}

// maxPattern is the largest number of bytes of a regular expression.
const maxPattern = 1 << 16

// Compile returns the pattern of a regular expression in Oniguruma's syntax. What the package cannot translate is an error.
func Compile(text string) (Pattern, error) {
	if len(text) > maxPattern {
		return nil, fmt.Errorf("has %d bytes; expected at most %d", len(text), maxPattern)
	}
	if text == "" {
		return nil, errors.New("is empty; expected a pattern")
	}
	if next, ok := scanners[text]; ok {
		return scanner(next), nil
	}
	return translate(text)
}
