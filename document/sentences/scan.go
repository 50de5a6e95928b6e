package sentences

import (
	"sort"
	"unicode/utf8"
)

// scanner finds the ends of sentences in a block.
type scanner struct {
	text  string
	end   int    // of the block
	kept  []keep // short brackets, formulas and code, by their ends
	plain bool   // Unicode's rules alone; of tests
}

// keep is a part of the text that no sentence ends in.
type keep struct{ from, to int }

func newScanner(text string, from, to int) *scanner {
	return &scanner{text: text, end: to, kept: keeps(text, from, to)}
}

// next returns where the sentence that begins at from ends, with the white space after it; ok is false if that is the end of the block.
func (s *scanner) next(from int) (to int, ok bool) {
	before := other // the class of the character before i
	for i := from; i < s.end; {
		c, after := at(s.text[:s.end], i)
		if c != dot && c != ends {
			if c != extend {
				before = c
			}
			i = after
			continue
		}
		b := s.boundary(from, i, before)
		if b.is {
			return b.next, b.next < s.end
		}
		before, i = c, after
	}
	return s.end, false
}

// boundary is the place after a terminator.
type boundary struct {
	is         bool
	term, stop int // the terminator, and where the sentence ends: after it and the quotes and brackets that close
	next       int // the next sentence
}

// boundary reports whether a sentence ends at the terminator at i, whose character before is of the class before. The rules' numbers are
// those of UAX #29.
func (s *scanner) boundary(from, i int, before class) (b boundary) {
	text := s.text[:s.end]
	kind, after := at(text, i)
	stop := s.skip(after, extend) // SB5
	if note := s.note(i, stop); note > stop {
		return boundary{true, i, note, s.skip(note, space)}
	}
	first := s.class(stop)
	if kind == dot && (first == digit || first == upper && (before == upper || before == lower)) { // SB6, SB7
		return b
	}
	closed := stop
	if s.plain {
		closed = s.skip(stop, closes)
	} else {
		closed = s.closing(stop)
	}
	next := s.skip(closed, space)
	b = boundary{true, i, closed, next}
	if next == s.end {
		return b
	}
	switch s.class(next) {
	case carries, dot, ends: // SB8a
		return boundary{}
	case closes:
		if next == closed && !s.plain && text[i] < utf8.RuneSelf { // an opening bracket without a space
			return boundary{}
		}
	}
	following := s.letter(next)
	if kind == dot && following == lower { // SB8
		return boundary{}
	}
	b.is = s.plain || !s.vetoed(from, b, following)
	return b
}

// class is the class of the character at i, or other at the end.
func (s *scanner) class(i int) class {
	if i >= s.end {
		return other
	}
	c, _ := at(s.text[:s.end], i)
	return c
}

// skip goes over characters of a class, and the marks after them.
func (s *scanner) skip(i int, over class) int {
	for i < s.end {
		c, next := at(s.text[:s.end], i)
		if c != over && c != extend {
			break
		}
		i = next
	}
	return i
}

// closing goes over quotes and closing brackets.
func (s *scanner) closing(i int) int {
	for i < s.end {
		r, n := utf8.DecodeRuneInString(s.text[i:s.end])
		if c := classify(r); c != closes && c != extend || opening(r) {
			break
		}
		i += n
	}
	return i
}

// letter is the class of the first character from i on that is a letter or a terminator; other: there is none.
func (s *scanner) letter(i int) class {
	for i < s.end {
		c, next := at(s.text[:s.end], i)
		switch c {
		case lower, upper, letter, dot, ends:
			return c
		}
		i = next
	}
	return other
}

// note is the end of a reference that stands right after a terminator at i, whose end is stop: a citation, as in "end.[12] Next", or the
// number of a footnote, as in "end.12 Next". It is stop where there is none.
func (s *scanner) note(i, stop int) int {
	if s.plain || stop >= s.end {
		return stop
	}
	at, open := stop, s.text[stop]
	if open == '[' || open == '(' {
		at++
	}
	begin := at
	for at < s.end && at-begin < 20 && noteByte(s.text[at]) {
		at++
	}
	if at == begin || at == s.end || !('0' <= s.text[begin] && s.text[begin] <= '9') {
		return stop
	}
	switch {
	case open == '[' && s.text[at] == ']', open == '(' && s.text[at] == ')':
		at++
	case open == '[', open == '(', at-begin > 2 || !s.afterWord(i):
		return stop
	}
	if next := s.skip(at, space); next == at || s.class(next) != upper {
		return stop
	}
	return at
}

func noteByte(c byte) bool { return '0' <= c && c <= '9' || c == ',' || c == '-' }

// afterWord reports whether four small letters of ASCII stand before i.
func (s *scanner) afterWord(i int) bool {
	if i < 4 {
		return false
	}
	for _, c := range []byte(s.text[i-4 : i]) {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// longestKept is the largest number of bytes of a bracket, formula or piece of code that is kept together: a longer one may be an error, or
// hold sentences.
const longestKept = 200

// keeps finds the short brackets, the formulas between dollars and the code between backticks of a block, in the order of their ends.
// Dollars are TeX's if no space follows the first and neither a space stands before the last nor a digit after it, so that prices are none.
func keeps(text string, from, to int) (all []keep) {
	type opened struct {
		at    int
		close rune
	}
	var stack []opened
	dollar, tick := -1, -1
	add := func(open, end int) bool {
		if open < 0 || end-open > longestKept {
			return false
		}
		all = append(all, keep{open, end})
		return true
	}
	for i := from; i < to; {
		r, n := utf8.DecodeRuneInString(text[i:to])
		switch {
		case r == '$':
			left, right := i > from && isSpace(rune(text[i-1])), i+1 < to && isSpace(rune(text[i+1]))
			price := i+1 < to && '0' <= text[i+1] && text[i+1] <= '9'
			if dollar >= 0 && !left && !price && add(dollar, i+1) {
				dollar = -1
			} else if dollar = i; right {
				dollar = -1
			}
		case r == '`':
			if add(tick, i+1) {
				tick = -1
			} else {
				tick = i
			}
		case closerOf(r) != 0:
			if len(stack) == mostOpen {
				copy(stack, stack[1:])
				stack = stack[:mostOpen-1]
			}
			stack = append(stack, opened{i, closerOf(r)})
		case isCloser(r):
			for k := len(stack) - 1; k >= 0; k-- {
				if stack[k].close == r {
					add(stack[k].at, i+n)
					stack = stack[:k]
					break
				}
			}
		}
		i += n
	}
	return all
}

// mostOpen bounds the brackets that may close.
const mostOpen = 16

// closerOf is the bracket that closes an opening one, or 0.
func closerOf(r rune) rune {
	switch r {
	case '(':
		return ')'
	case '[', '{':
		return r + 2
	case '（':
		return '）'
	case '「', '『', '【', '《', '〈', '〔':
		return r + 1
	}
	return 0
}

// isCloser reports a bracket that closerOf returns.
func isCloser(r rune) bool {
	switch r {
	case ')', ']', '}', '）', '」', '』', '】', '》', '〉', '〕':
		return true
	}
	return false
}

// opening reports an opening bracket or quote.
func opening(r rune) bool {
	switch r {
	case '“', '‘', '«', '‹', '„':
		return true
	}
	return closerOf(r) != 0
}

// inside reports whether place i lies inside of what is kept together.
func (s *scanner) inside(i int) bool {
	first := sort.Search(len(s.kept), func(k int) bool { return s.kept[k].to > i })
	for _, k := range s.kept[first:] {
		if k.from < i {
			return true
		}
		if k.to-longestKept >= i { // those that end later begin later than i
			return false
		}
	}
	return false
}
