package vocab

import (
	"bytes"

	"golang.org/x/text/unicode/norm"
)

// blank is the character that stands for a blank in the tokens of Unigram.
const blank = "▁"

// pieces calls add for each word of the part of a document, as Unigram has them: runs of line ends are words of their own, and any other
// word begins with a blank or behind a line end. A blank is put in front of a document that does not begin with one.
func (s *splitter) pieces(text []byte, begins bool, add func(piece []byte)) {
	for len(text) > 0 {
		n := lineEnds(text)
		if n == 0 {
			n = line(text)
		}
		s.cut(text[:n], begins, add)
		text, begins = text[n:], false
	}
}

// form returns the normal form of a text. It is valid until the next call.
func (s *splitter) form(text []byte) []byte {
	form := norm.NFKC
	switch s.config.Normalizer {
	case Unnormalized:
		return text
	case NFC:
		form = norm.NFC
	}
	if form.IsNormal(text) {
		return text
	}
	s.normal = form.Append(s.normal[:0], text...)
	return s.normal
}

// lineEnds is the number of line ends in front of a text.
func lineEnds(text []byte) (n int) {
	for n < len(text) && text[n] == '\n' {
		n++
	}
	return n
}

// line is the number of bytes in front of the first line end.
func line(text []byte) int {
	if n := bytes.IndexByte(text, '\n'); n >= 0 {
		return n
	}
	return len(text)
}

// cut calls add for each word of a line, or for a run of line ends. Each blank begins a word.
func (s *splitter) cut(text []byte, begins bool, add func(piece []byte)) {
	s.word = s.word[:0]
	if begins && text[0] != ' ' && !bytes.HasPrefix(text, []byte(blank)) {
		s.word = append(s.word, blank...)
	}
	for i := 0; i < len(text); {
		size := 1
		isBlank := text[i] == ' '
		if !isBlank && bytes.HasPrefix(text[i:], []byte(blank)) {
			isBlank, size = true, len(blank)
		}
		if !isBlank {
			s.word = append(s.word, text[i])
			i++
			continue
		}
		if len(s.word) > 0 {
			add(s.word)
		}
		s.word = append(s.word[:0], blank...)
		i += size
	}
	add(s.word)
}
