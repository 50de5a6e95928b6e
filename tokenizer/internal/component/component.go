// Package component reads the parts of a tokenizer.json that have a type, such as {"type": "Split", …}. Each key of a part must be asked
// for: a key that nothing asked for could change what the file means, and is an error.
package component

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Fields are the keys of one part. Methods remember the first error; Done returns it.
type Fields struct {
	path string
	left map[string]json.RawMessage
	kind string
	err  error
}

// Open reads the part at a path such as pre_tokenizer.pretokenizers[0].
func Open(path string, raw json.RawMessage) (*Fields, error) {
	f := &Fields{path: path}
	if err := json.Unmarshal(raw, &f.left); err != nil || f.left == nil {
		return nil, fmt.Errorf("the component %s is %s; expected an object", path, Show(raw))
	}
	if f.kind = f.String("type"); f.err != nil {
		return nil, f.err
	}
	return f, nil
}

// Type is the type of the part.
func (f *Fields) Type() string { return f.kind }

// Path is where the part stands in the file.
func (f *Fields) Path() string { return f.path }

// Unknown is the error for a type that the package does not know.
func (f *Fields) Unknown(known ...string) error {
	return fmt.Errorf("the component %s has the type %q, which is not known; expected %s", f.path, f.kind, strings.Join(known, ", "))
}

// Fail remembers an error about a key.
func (f *Fields) Fail(key, format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf("the component %s: %s "+format, append([]any{f.path, key}, args...)...)
	}
}

// Raw takes a key. It is nil where there is none, or null.
func (f *Fields) Raw(key string) json.RawMessage {
	raw := f.left[key]
	delete(f.left, key)
	if string(raw) == "null" {
		return nil
	}
	return raw
}

// take reads a key into v, and says whether it was there.
func (f *Fields) take(key string, v any, want string) bool {
	raw := f.Raw(key)
	if raw == nil {
		return false
	}
	if err := json.Unmarshal(raw, v); err != nil {
		f.Fail(key, "is %s; expected %s", Show(raw), want)
		return false
	}
	return true
}

// String takes a string that must be there.
func (f *Fields) String(key string) (s string) {
	if !f.take(key, &s, "a string") {
		f.Fail(key, "is missing; expected a string")
	}
	return s
}

// Bool takes a boolean that must be there.
func (f *Fields) Bool(key string) (b bool) {
	if !f.take(key, &b, "true or false") {
		f.Fail(key, "is missing; expected true or false")
	}
	return b
}

// BoolOr takes a boolean with a default.
func (f *Fields) BoolOr(key string, absent bool) bool {
	b := absent
	f.take(key, &b, "true or false")
	return b
}

// Int takes a whole number from 0 on with a default.
func (f *Fields) IntOr(key string, absent int) int {
	n := absent
	f.take(key, &n, "a whole number")
	if n < 0 {
		f.Fail(key, "is %d; expected 0 or more", n)
	}
	return n
}

// Char takes a string of one character.
func (f *Fields) Char(key string) rune {
	s := f.String(key)
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 || size != len(s) {
		f.Fail(key, "is %q; expected one character", s)
	}
	return r
}

// StringOr takes a string with a default.
func (f *Fields) StringOr(key, absent string) string {
	s := absent
	f.take(key, &s, "a string")
	return s
}

// List takes an array that must be there.
func (f *Fields) List(key string) (all []json.RawMessage) {
	if !f.take(key, &all, "an array") {
		f.Fail(key, "is missing; expected an array")
	}
	return all
}

// Into takes a key into v.
func (f *Fields) Into(key string, v any, want string) {
	if !f.take(key, v, want) {
		f.Fail(key, "is missing; expected %s", want)
	}
}

// Has says whether a key is there and is not null.
func (f *Fields) Has(key string) bool {
	raw, ok := f.left[key]
	return ok && string(raw) != "null"
}

// One takes a string that is one of some words.
func (f *Fields) One(key string, words ...string) string {
	s := f.String(key)
	if f.err == nil && !slices.Contains(words, s) {
		f.Fail(key, "is %q; expected one of %s", s, strings.Join(words, ", "))
	}
	return s
}

// Done returns the first error, or an error about keys that were not taken.
func (f *Fields) Done() error {
	if f.err != nil {
		return f.err
	}
	for _, key := range slices.Sorted(maps.Keys(f.left)) {
		if string(f.left[key]) == "null" {
			continue
		}
		return fmt.Errorf("the component %s of type %s has the key %q, which is not known; it is %s", f.path, f.kind, key, Show(f.left[key]))
	}
	return nil
}

// Err returns the first error so far.
func (f *Fields) Err() error { return f.err }

// ErrDepth is returned for parts inside one another without end.
var ErrDepth = errors.New("sequences inside one another more than 16 deep")

// MaxDepth is the largest number of sequences inside one another.
const MaxDepth = 16

// Show is a JSON value for an error, cut where it is long.
func Show(raw json.RawMessage) string {
	const longest = 160
	switch {
	case len(raw) == 0:
		return "missing"
	case len(raw) > longest:
		return strings.ToValidUTF8(string(raw[:longest]), "") + "…"
	}
	return string(raw)
}

// Of returns the fields of a part whose keys are read already.
func Of(path, kind string, left map[string]json.RawMessage) *Fields {
	return &Fields{path: path, kind: kind, left: left}
}
