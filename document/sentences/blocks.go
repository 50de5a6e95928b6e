package sentences

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// line is a line of text without its end.
type line struct {
	from, to int // without white space at both ends
	width    int // bytes up to to, with the indent
	blank    bool
	rule     bool // it has no letter and no digit
}

// eachLine yields lines. An end is \n, \r\n, \r, \v, \f, or one of Unicode's separators, mixed as they come.
func eachLine(text string, use func(from, to int)) {
	from := 0
	for i := 0; i < len(text); {
		n := 0
		switch c := text[i]; {
		case c == '\r' && i+1 < len(text) && text[i+1] == '\n':
			n = 2
		case '\n' <= c && c <= '\r':
			n = 1
		case c == 0xc2 && strings.HasPrefix(text[i:], "\u0085"):
			n = 2
		case c == 0xe2 && (strings.HasPrefix(text[i:], "\u2028") || strings.HasPrefix(text[i:], "\u2029")):
			n = 3
		}
		if n == 0 {
			i++
			continue
		}
		use(from, i)
		i += n
		from = i
	}
	if from < len(text) {
		use(from, len(text))
	}
}

func newLine(text string, from, to int) line {
	begin, end := trim(text, from, to)
	l := line{from: begin, to: end, width: end - from, blank: begin == end}
	l.rule = !strings.ContainsFunc(text[begin:end], func(r rune) bool { return inWord(r) || unicode.IsNumber(r) })
	return l
}

// Blocks returns the blocks of a text in order. Blank lines and rules, which have neither letters nor digits, are in no block.
//
// A line under which a rule of = - ~ ^ # or * stands is a heading, as are short lines after a blank line that begin with a number or are in
// capitals. A list item begins with a bullet, a number or a letter in brackets. Lines that are no prose, as of a log, are blocks of their
// own.
func Blocks(text string) []Block {
	g := grouper{text: text, free: true}
	eachLine(text, func(from, to int) { g.line(newLine(text, from, to)) })
	g.flush()
	return g.blocks
}

// grouper groups lines to blocks.
type grouper struct {
	text   string
	blocks []Block
	lines  []line // of the paragraph or item
	item   bool
	free   bool // the line before is blank or a heading
}

func (g *grouper) line(l line) {
	switch {
	case l.blank:
		g.flush()
		g.free = true
	case l.rule:
		if underline(g.text[l.from:l.to]) && len(g.lines) > 0 && !g.item {
			g.headLast()
		}
		g.flush()
		g.free = true
	case g.free && knownHeading(g.text[l.from:l.to]):
		g.flush()
		g.blocks = append(g.blocks, Block{Heading, l.from, l.to})
	case g.marked(l):
		item := l
		item.from += bullet(g.text[l.from:l.to])
		if item.from, item.to = trim(g.text, item.from, item.to); item.from < item.to {
			g.flush()
			g.lines, g.item, g.free = append(g.lines, item), true, false
		}
	case g.free && numberedHeading(g.text[l.from:l.to]) && !g.clause(l):
		g.flush()
		g.blocks = append(g.blocks, Block{Heading, l.from, l.to})
	default:
		g.lines, g.free = append(g.lines, l), false
	}
}

// headLast makes a heading of the last line.
func (g *grouper) headLast() {
	last := g.lines[len(g.lines)-1]
	if utf8.RuneCountInString(g.text[last.from:last.to]) > longestHeading {
		return
	}
	g.lines = g.lines[:len(g.lines)-1]
	g.flush()
	g.blocks = append(g.blocks, Block{Heading, last.from, last.to})
}

// marked reports whether a line begins a list item. A number or a dash may also begin a line of a paragraph, so it needs a blank line, an
// item, or the end of a sentence before it.
func (g *grouper) marked(l line) bool {
	s := g.text[l.from:l.to]
	if strings.HasPrefix(s, "•") || strings.HasPrefix(s, "‣") || strings.HasPrefix(s, "◦") {
		return true
	}
	if bullet(s) == 0 && !numbered(s) {
		return false
	}
	if g.free || g.item || len(g.lines) == 0 {
		return true
	}
	before := g.lines[len(g.lines)-1]
	return strings.ContainsRune(".:;!?", rune(g.text[before.to-1]))
}

// bullet is the number of bytes of a mark that a list item's text does not have: a dash, a star or a dot, with the space after it.
func bullet(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	switch r {
	case '-', '*', '+', '•', '‣', '◦', '–', '—', '·', '▪', '●':
		if next, m := utf8.DecodeRuneInString(s[n:]); m > 0 && isSpace(next) {
			return n + m
		}
	}
	return 0
}

// numbered reports a line that begins with a number of at most three digits or one letter and a bracket, or with a number and a full stop.
func numbered(s string) bool {
	open := strings.HasPrefix(s, "(")
	s = strings.TrimPrefix(s, "(")
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n := digits
	if n == 0 && s != "" && unicode.IsLetter(rune(s[0])) && s[0] < utf8.RuneSelf {
		n = 1
	}
	if n == 0 || n > 3 || n+1 >= len(s) || s[n+1] != ' ' && s[n+1] != '\t' {
		return false
	}
	return s[n] == ')' || s[n] == '.' && digits > 0 && !open
}

// longestHeading is in characters.
const longestHeading = 120

// numberedHeading reports a line that stands alone as a heading: short, without the end of a sentence, and with a number before a capital,
// as "2.1 Related work", or in capitals.
func numberedHeading(s string) bool {
	if len(s) > longestHeading || strings.ContainsRune(".,;:?!", rune(s[len(s)-1])) || Words(s) > 12 {
		return false
	}
	rest := strings.TrimLeft(s, "0123456789.")
	if number := len(s) - len(rest); number > 0 && number < 10 && rest != "" && (rest[0] == ' ' || rest[0] == '\t') {
		first, _ := utf8.DecodeRuneInString(strings.TrimLeft(rest, " \t"))
		return unicode.IsUpper(first) && number <= 3 || unicode.IsUpper(first) && strings.Contains(s[:number], ".")
	}
	letters := 0
	for _, r := range s {
		if unicode.IsLower(r) {
			return false
		}
		if unicode.IsUpper(r) {
			letters++
		}
	}
	return letters >= 4 && letters*2 > len(s)
}

// clause reports a line that begins with a number, and goes on in the next line with a small letter: the first of a numbered paragraph, as
// contracts have them.
func (g *grouper) clause(l line) bool {
	if first := g.text[l.from]; first < '0' || first > '9' {
		return false
	}
	_, rest, _ := strings.Cut(g.text[l.to:], "\n")
	next, _ := utf8.DecodeRuneInString(strings.TrimLeft(rest, " \t"))
	return unicode.IsLower(next)
}

// knownHeadings are titles of sections that stand on a line of their own, with or without a number.
var knownHeadings = setOfWords(`abstract introduction background motivation conclusion conclusions references bibliography acknowledgements
	acknowledgments acknowledgement acknowledgment discussion results methods summary appendix related-work experiments evaluation
	specification rationale copyright overview`)

// knownHeading reports a line that is one of them.
func knownHeading(s string) bool {
	if len(s) > 40 {
		return false
	}
	s = strings.TrimLeft(s, "0123456789. \t")
	return knownHeadings[strings.ReplaceAll(strings.ToLower(strings.TrimRight(s, ".:")), " ", "-")]
}

// underline reports a rule that marks the line above it as a heading.
func underline(s string) bool {
	return len(s) >= 3 && strings.Trim(s, s[:1]) == "" && strings.Contains("=-~^#*", s[:1])
}

// flush ends the block of the lines so far.
func (g *grouper) flush() {
	lines := g.lines
	g.lines = g.lines[:0]
	item := g.item
	g.item = false
	if len(lines) == 0 {
		return
	}
	if g.separate(lines) {
		for _, l := range lines {
			g.blocks = append(g.blocks, Block{Line, l.from, l.to})
		}
		return
	}
	kind := Paragraph
	if item {
		kind = Item
	}
	g.blocks = append(g.blocks, Block{kind, lines[0].from, lines[len(lines)-1].to})
}

// separate reports lines that are no prose. Sentences end at fewer than a third of their ends. And either two thirds begin with no letter,
// as those of a log with its times; or most end well before the width of the longest, though the next word would have fitted, and few go
// on in the next line with a small letter.
func (g *grouper) separate(lines []line) bool {
	breaks := len(lines) - 1
	if breaks < 2 {
		return false
	}
	width := 0
	for _, l := range lines {
		width = max(width, l.width)
	}
	loose, ended, continued, odd := 0, 0, 0, 0
	for i, l := range lines[:breaks] {
		next := g.text[lines[i+1].from:lines[i+1].to]
		last, _ := utf8.DecodeLastRuneInString(g.text[l.from:l.to])
		if l.width+1+firstWord(next) <= width*fullLine/100 {
			loose++
		}
		first, _ := utf8.DecodeRuneInString(next)
		if c := classify(first); !unicode.IsLetter(first) && c != closes {
			odd++
		}
		switch {
		case strings.ContainsRune(".!?", last):
			ended++
		case unicode.IsLower(first) && (inWord(last) || last == ',' || last == '-'):
			continued++
		}
	}
	return ended*3 < breaks && (breaks > 2 && odd*3 > 2*breaks || loose*2 > breaks && continued*2 < breaks)
}

// fullLine is the share of the width, in percent, from which a line is full: lines of proportional letters have different numbers of them.
const fullLine = 90

// firstWord is the bytes of the first word.
func firstWord(s string) int {
	if n := strings.IndexFunc(s, isSpace); n >= 0 {
		return n
	}
	return len(s)
}
