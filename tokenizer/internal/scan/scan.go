// Package scan reads JSON by hand. A tokenizer.json of 33 MB is nearly all vocabulary and merges; they are read in one pass, without a
// value for each of them, ten times faster than encoding/json reads them. RFC 8259 is the format. A string is valid UTF-8, and an escape
// of half a surrogate pair is an error, as in the library tokenizers.
package scan

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
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

// Bytes reads a string. The bytes are valid until the next call.
func (s *Scanner) Bytes() ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.fail("a string")
	}
	s.i++
	start := s.i
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[start : s.i-1], nil
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			return nil, s.fail("no control character in a string")
		}
	}
	return nil, s.fail("the end of a string")
}

// escaped reads the rest of a string from its first escape on.
func (s *Scanner) escaped(start int) ([]byte, error) {
	s.scratch = append(s.scratch[:0], s.b[start:s.i]...)
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.scratch, nil
		case c == '\\':
			r, err := s.escape()
			if err != nil {
				return nil, err
			}
			s.scratch = utf8.AppendRune(s.scratch, r)
		case c < ' ':
			return nil, s.fail("no control character in a string")
		default:
			s.scratch = append(s.scratch, c)
			s.i++
		}
	}
	return nil, s.fail("the end of a string")
}

// escape reads one escape.
func (s *Scanner) escape() (rune, error) {
	s.i++
	if s.i >= len(s.b) {
		return 0, s.fail("an escape")
	}
	c := s.b[s.i]
	s.i++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return s.unicodeEscape()
	}
	s.i--
	return 0, s.fail("an escape")
}

// unicodeEscape reads the digits of an escape, and a second escape where the first is half a pair.
func (s *Scanner) unicodeEscape() (rune, error) {
	r, err := s.hex()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	at := s.i
	if s.i+2 <= len(s.b) && s.b[s.i] == '\\' && s.b[s.i+1] == 'u' {
		s.i += 2
		low, err := s.hex()
		if err != nil {
			return 0, err
		}
		if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
			return r, nil
		}
	}
	return 0, fmt.Errorf("half a surrogate pair at byte %d; expected both halves", at)
}

func (s *Scanner) hex() (rune, error) {
	if s.i+4 > len(s.b) {
		s.i = len(s.b)
		return 0, s.fail("four hexadecimal digits")
	}
	n, err := strconv.ParseUint(string(s.b[s.i:s.i+4]), 16, 16)
	if err != nil {
		return 0, s.fail("four hexadecimal digits")
	}
	s.i += 4
	return rune(n), nil
}

// number returns the text of a number.
func (s *Scanner) number() ([]byte, error) {
	s.peek()
	start := s.i
	for s.i < len(s.b) {
		if c := s.b[s.i]; '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E' {
			s.i++
			continue
		}
		break
	}
	if text := s.b[start:s.i]; isNumber(text) {
		return text, nil
	}
	s.i = start
	return nil, s.fail("a number")
}

// isNumber says whether text is a number of the format, which has no leading zeros and no plus sign.
func isNumber(text []byte) bool {
	digits := func() (n int) {
		for len(text) > 0 && '0' <= text[0] && text[0] <= '9' {
			text = text[1:]
			n++
		}
		return n
	}
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	zero := len(text) > 0 && text[0] == '0'
	if n := digits(); n == 0 || zero && n > 1 {
		return false
	}
	if len(text) > 0 && text[0] == '.' {
		text = text[1:]
		if digits() == 0 {
			return false
		}
	}
	if len(text) > 0 && text[0]|0x20 == 'e' {
		text = text[1:]
		if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
			text = text[1:]
		}
		if digits() == 0 {
			return false
		}
	}
	return len(text) == 0
}

// Int reads a number without a fraction.
func (s *Scanner) Int() (int64, error) {
	start := s.i
	text, err := s.number()
	if err != nil {
		return 0, err
	}
	var n int64
	if len(text) <= 18 && text[0] != '-' {
		for _, c := range text {
			if c < '0' {
				n = -1
				break
			}
			if c > '9' {
				n = -1
				break
			}
			n = 10*n + int64(c-'0')
		}
		if n >= 0 {
			return n, nil
		}
	}
	if n, err = strconv.ParseInt(string(text), 10, 64); err != nil {
		s.i = start
		s.peek()
		return 0, s.fail("a whole number")
	}
	return n, nil
}

// Float reads a number.
func (s *Scanner) Float() (float64, error) {
	text, err := s.number()
	if err != nil {
		return 0, err
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return 0, fmt.Errorf("the number %s before byte %d is beyond a float64", text, s.i)
	}
	return f, nil
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
