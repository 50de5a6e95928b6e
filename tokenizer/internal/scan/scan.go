// Package scan reads JSON by hand. A tokenizer.json of 33 MB is nearly all vocabulary and merges; they are read in one pass, without a
// value for each of them, ten times faster than encoding/json reads them. RFC 8259 is the format. A string is valid UTF-8, and an escape
// of half a surrogate pair is an error, as in the library tokenizers.
package scan

import (
	"errors"
	"fmt"
)

// maxDepth is the largest number of values inside one another.
const maxDepth = 128

// Scanner reads values in the order of the text. The text must be valid UTF-8.
type Scanner struct {
	b       []byte
	i       int
	depth   int
	scratch []byte // of strings with escapes
}

// New returns a scanner at the beginning of b.
func New(b []byte) *Scanner { return &Scanner{b: b} }

// fail returns an error that names the place.
func (s *Scanner) fail(want string) error {
	if s.i >= len(s.b) {
		return fmt.Errorf("the JSON ends at byte %d; expected %s", s.i, want)
	}
	return fmt.Errorf("%q at byte %d; expected %s", s.b[s.i], s.i, want)
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *Scanner) peek() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// End returns an error where anything but white space is left.
func (s *Scanner) End() error {
	if s.peek() != 0 || s.i < len(s.b) {
		return s.fail("the end")
	}
	return nil
}

// Kind returns the first byte of the next value: { [ " t f n or that of a number.
func (s *Scanner) Kind() byte { return s.peek() }

func (s *Scanner) enter(open byte, what string) error {
	if s.peek() != open {
		return s.fail(what)
	}
	if s.depth++; s.depth > maxDepth {
		return fmt.Errorf("more than %d values inside one another at byte %d", maxDepth, s.i)
	}
	s.i++
	return nil
}

// Object reads an object. The function f is called with each key, which is valid until the next one, and reads the value.
func (s *Scanner) Object(f func(key []byte) error) error {
	if err := s.enter('{', "an object"); err != nil {
		return err
	}
	defer func() { s.depth-- }()
	if s.peek() == '}' {
		s.i++
		return nil
	}
	for {
		key, err := s.Bytes()
		if err != nil {
			return err
		}
		if s.peek() != ':' {
			return s.fail("a colon")
		}
		s.i++
		if err := f(key); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.i++
		case '}':
			s.i++
			return nil
		default:
			return s.fail("a comma or the end of an object")
		}
	}
}

// Array reads an array. The function f is called before each value, and reads it.
func (s *Scanner) Array(f func() error) error {
	if err := s.enter('[', "an array"); err != nil {
		return err
	}
	defer func() { s.depth-- }()
	if s.peek() == ']' {
		s.i++
		return nil
	}
	for {
		if err := f(); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.i++
		case ']':
			s.i++
			return nil
		default:
			return s.fail("a comma or the end of an array")
		}
	}
}

// Raw reads a value and returns its text.
func (s *Scanner) Raw() ([]byte, error) {
	c := s.peek()
	start := s.i
	var err error
	switch c {
	case '{':
		err = s.Object(func([]byte) error { return s.skip() })
	case '[':
		err = s.Array(s.skip)
	case '"':
		_, err = s.Bytes()
	case 't', 'f', 'n':
		err = s.word()
	default:
		_, err = s.number()
	}
	return s.b[start:s.i], err
}

func (s *Scanner) skip() error {
	_, err := s.Raw()
	return err
}

// Null reads null where it is next, and says whether it was.
func (s *Scanner) Null() bool {
	if s.peek() == 'n' && s.word() == nil {
		return true
	}
	return false
}

var errWord = errors.New("expected true, false or null")

func (s *Scanner) word() error {
	for _, word := range []string{"true", "false", "null"} {
		if s.i+len(word) <= len(s.b) && string(s.b[s.i:s.i+len(word)]) == word {
			s.i += len(word)
			return nil
		}
	}
	return fmt.Errorf("%w at byte %d", errWord, s.i)
}
