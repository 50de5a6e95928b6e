package scan

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

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
