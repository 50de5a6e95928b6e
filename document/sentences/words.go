package sentences

import "unicode/utf8"

// Words counts the words of a text: runs of characters between white space, as wc -w. In scripts without spaces between words (Han,
// Hiragana, Katakana, Thai, Lao, Khmer and Burmese) each letter is a word.
func Words(text string) int {
	n := 0
	eachWord(text, 0, len(text), func(int, int) bool { n++; return true })
	return n
}

// eachWord yields the places of words until use returns false. A letter that is a word takes the marks after it.
func eachWord(text string, from, to int, use func(from, to int) bool) {
	begin, single := -1, false // single: the word is a letter by itself
	for i := from; i < to; {
		r, n := utf8.DecodeRuneInString(text[i:to])
		space := isSpace(r)
		alone := r >= utf8.RuneSelf && unspaced(r) && classOf(r) != extend
		if space || alone || single && inWord(r) {
			if begin >= 0 && !use(begin, i) {
				return
			}
			begin = -1
		}
		if begin < 0 && !space {
			begin, single = i, alone
		}
		i += n
	}
	if begin >= 0 {
		use(begin, to)
	}
}

// inWord reports a letter or a digit.
func inWord(r rune) bool {
	switch classify(r) {
	case lower, upper, letter, digit:
		return true
	}
	return false
}

// longWord is the largest number of bytes of a word that is not cut.
const longWord = 1000

// appendPieces appends a sentence, in pieces if it is too long.
func (o Options) appendPieces(dst []Span, text string, from, to int) []Span {
	p := pieces{most: o.MostWords, text: text, from: from, end: to, all: dst}
	if o.MostWords > 0 {
		eachWord(text, from, to, p.word)
	}
	return append(p.all, Span{p.from, to, p.from > from})
}

// pieces cuts a sentence in one pass over its words.
type pieces struct {
	most         int
	text         string
	all          []Span
	from, end    int   // of the rest
	words        int   // of the rest so far
	strong, weak place // the last places after a semicolon or colon, and after a comma, in the second half of a piece
}

// place is a place between words, and the number of words before it.
type place struct{ at, words int }

// word takes the next word.
func (p *pieces) word(from, to int) bool {
	if p.words == p.most {
		switch {
		case p.strong.at > 0:
			p.cut(p.strong)
		case p.weak.at > 0:
			p.cut(p.weak)
		default:
			p.cut(place{from, p.words})
		}
	}
	if to-from > longWord && from > p.from {
		p.cut(place{from, p.words})
	}
	for to-from > longWord {
		from += longWord
		for from < to && !utf8.RuneStart(p.text[from]) {
			from++
		}
		if from < to {
			p.cut(place{from, p.words})
		}
	}
	p.words++
	if p.words >= p.most/2 {
		switch p.text[to-1] {
		case ';', ':':
			p.strong = place{to, p.words}
		case ',':
			p.weak = place{to, p.words}
		}
	}
	return true
}

// cut ends a piece.
func (p *pieces) cut(at place) {
	_, to := trim(p.text, p.from, at.at)
	p.all = append(p.all, Span{p.from, to, true})
	p.from, _ = trim(p.text, at.at, p.end)
	p.words -= at.words
	p.strong, p.weak = place{}, place{}
}
