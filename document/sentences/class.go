package sentences

import (
	"unicode"
	"unicode/utf8"
)

// class is a character's value of Sentence_Break (UAX #29, table 4). Line ends are spaces: blocks have taken those that end sentences.
type class uint8

const (
	other   class = iota
	extend        // marks and formats, which belong to the character before
	space         // Sp, Sep, CR, LF
	lower         // Lower
	upper         // Upper
	letter        // OLetter: of alphabets without case
	digit         // Numeric
	dot           // ATerm
	ends          // STerm
	closes        // Close: quotes and brackets of both sides
	carries       // SContinue
)

// ascii are the classes of the first 128 characters.
var ascii = func() (t [utf8.RuneSelf]class) {
	for c := range t {
		t[c] = classOf(rune(c))
	}
	return t
}()

// classify returns the class of a character.
func classify(r rune) class {
	if r < utf8.RuneSelf {
		return ascii[r]
	}
	return classOf(r)
}

// quotes are the characters of Line_Break QU that are not of the categories of initial and final quotes.
const quotes = "\"'\u275b\u275c\u275d\u275e\u275f\u2760\U0001f676\U0001f677\U0001f678"

// joiners are the characters of SContinue.
const joiners = ",-:;\u037e\u055d\u060c\u060d\u07f8\u1802\u1808\u2013\u2014\u3001\ufe10\ufe11\ufe13\ufe14\ufe31\ufe32\ufe50\ufe51\ufe54" +
	"\ufe55\ufe58\ufe63\uff0c\uff0d\uff1a\uff1b\uff64"

// sets are membership tables of the short lists.
var quoteSet, joinerSet = setOf(quotes), setOf(joiners)

func setOf(s string) map[rune]bool {
	set := map[rune]bool{}
	for _, r := range s {
		set[r] = true
	}
	return set
}

func classOf(r rune) class {
	switch {
	case isSpace(r):
		return space
	case r == '.', r == '\u2024', r == '\ufe52', r == '\uff0e':
		return dot
	case joinerSet[r]:
		return carries
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc, unicode.Cf):
		return extend
	case unicode.Is(unicode.Nd, r):
		return digit
	case '\u10d0' <= r && r <= '\u10ff' && unicode.IsLetter(r): // Georgian is written without capitals, though it has them
		return letter
	case unicode.IsLower(r), unicode.Is(unicode.Other_Lowercase, r):
		return lower
	case unicode.IsUpper(r), unicode.IsTitle(r), unicode.Is(unicode.Other_Uppercase, r):
		return upper
	case unicode.IsLetter(r), unicode.Is(unicode.Nl, r), unicode.Is(unicode.Other_Alphabetic, r):
		return letter
	case unicode.Is(unicode.Sentence_Terminal, r):
		return ends
	case quoteSet[r], unicode.In(r, unicode.Ps, unicode.Pe, unicode.Pi, unicode.Pf):
		return closes
	}
	return other
}

func isSpace(r rune) bool {
	if r < utf8.RuneSelf {
		return r == ' ' || '\t' <= r && r <= '\r' || 0x1c <= r && r <= 0x1f
	}
	return unicode.IsSpace(r)
}

// at is the class of the character at a byte, and the byte after it and the marks that belong to it.
func at(text string, i int) (c class, next int) {
	r, n := utf8.DecodeRuneInString(text[i:])
	return classify(r), i + n
}

// unspaced reports a letter of a script that is written without spaces between words.
func unspaced(r rune) bool {
	return r >= 0x0e00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer,
		unicode.Myanmar)
}
