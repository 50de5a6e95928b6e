package scan

import (
	"fmt"
	"strconv"
)

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
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
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
