package jinja

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// plainEscapes are the escapes of one letter in a string of Python.
var plainEscapes = map[byte]string{'\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t",
	'v': "\v", '\n': ""}

// hexEscapes are the escapes with a number of hexadecimal digits.
var hexEscapes = map[byte]int{'x': 2, 'u': 4, 'U': 8}

// unescape replaces the escapes of a string. Python keeps the backslash of an escape that it does not know.
func unescape(text string) (string, error) {
	if !strings.Contains(text, "\\") {
		return text, nil
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		c := text[i]
		if plain, ok := plainEscapes[c]; ok {
			b.WriteString(plain)
			continue
		}
		if n := hexEscapes[c]; n > 0 {
			r, err := codePoint(text[i+1:min(len(text), i+1+n)], n)
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
			i += n
			continue
		}
		if n := octal(text[i:]); n > 0 {
			v, _ := strconv.ParseUint(text[i:i+n], 8, 32) // three octal digits at most
			b.WriteRune(rune(v))
			i += n - 1
			continue
		}
		b.WriteByte('\\')
		b.WriteByte(c)
	}
	return b.String(), nil
}

// octal is the number of octal digits that text begins with, up to three.
func octal(text string) (n int) {
	for n < min(3, len(text)) && text[n] >= '0' && text[n] <= '7' {
		n++
	}
	return n
}

// codePoint is the character of n hexadecimal digits.
func codePoint(digits string, n int) (rune, error) {
	v, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || len(digits) != n || !utf8.ValidRune(rune(v)) || v > utf8.MaxRune {
		return 0, fmt.Errorf("found the escape of %q in a string, expected %d hexadecimal digits of a character", digits, n)
	}
	return rune(v), nil
}
