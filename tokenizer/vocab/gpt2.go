package vocab

import (
	"unicode"
	"unicode/utf8"
)

// gpt2Words calls add for each word of a text, by the regular expression of GPT-2 (Radford et al. 2019):
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
func gpt2Words(text []byte, add func(piece []byte)) {
	for len(text) > 0 {
		n := gpt2Word(text)
		add(text[:n])
		text = text[n:]
	}
}

// gpt2Word is the length of the first word of a text.
func gpt2Word(text []byte) int {
	if n := contraction(text); n > 0 {
		return n
	}
	from := 0
	if text[0] == ' ' && len(text) > 1 {
		from = 1
	}
	if c, size := classAt(text[from:]); c != space {
		return from + size + run(text[from+size:], c)
	}
	return blanks(text)
}

// class is what the expression tells apart.
type class uint8

const (
	other class = iota
	letter
	number
	space
)

// classes are the classes of ASCII.
var classes = func() (all [utf8.RuneSelf]class) {
	for r := range all {
		all[r] = classOf(rune(r))
	}
	return all
}()

func classOf(r rune) class {
	switch {
	case unicode.IsLetter(r):
		return letter
	case unicode.IsNumber(r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}

// classAt is the class and the size of the first character of a text that is not empty.
func classAt(text []byte) (class, int) {
	if text[0] < utf8.RuneSelf {
		return classes[text[0]], 1
	}
	r, size := utf8.DecodeRune(text)
	return classOf(r), size
}

// run is the number of bytes in front that are of a class.
func run(text []byte, c class) (n int) {
	for n < len(text) {
		found, size := classAt(text[n:])
		if found != c {
			break
		}
		n += size
	}
	return n
}

// blanks is the length of a word of white space. The last character of several belongs to what follows them.
func blanks(text []byte) (n int) {
	last := 0
	for n < len(text) {
		c, size := classAt(text[n:])
		if c != space {
			break
		}
		n, last = n+size, size
	}
	if n < len(text) && n > last {
		return n - last
	}
	return n
}

// contraction is the length of an English contraction in front, 0 for none.
func contraction(text []byte) int {
	if text[0] != '\'' || len(text) < 2 {
		return 0
	}
	switch text[1] {
	case 's', 't', 'm', 'd':
		return 2
	}
	if len(text) > 2 {
		switch string(text[1:3]) {
		case "re", "ve", "ll":
			return 3
		}
	}
	return 0
}
