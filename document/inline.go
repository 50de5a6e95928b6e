package document

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// inline takes the marks off the text of a paragraph of Markdown. The lines of a paragraph are given one by one and read together, since
// code, links and comments go over line ends.
type inline struct {
	*builder
	from, to int // of the source; lines follow each other
	begun    bool
	gaps     [][2]int // between lines: marks of quotes and indents
	plain    int      // where the text begins that is not added yet
	kept     bool     // the text before a mark is added
	open     bool     // a comment has no end
}

// farthest is the number of bytes in which a mark must find its end. It bounds the time.
const farthest = 2000

// line takes the next line; next is where the line after it begins.
func (p *inline) line(from, to, next int) {
	if !p.begun {
		p.from, p.begun = from, true
	} else if p.to < from {
		p.gaps = append(p.gaps, [2]int{p.to, from})
	}
	p.to = to
}

// end adds the text of the lines so far.
func (p *inline) end() {
	if !p.begun {
		return
	}
	from := p.from
	for _, g := range p.gaps {
		p.span(from, g[0])
		p.put("\n", g[0], g[1])
		from = g[1]
	}
	p.span(from, p.to)
	p.begun, p.open, p.gaps = false, false, p.gaps[:0]
}

// span adds source[from:to] without its marks.
func (p *inline) span(from, to int) {
	p.plain = from
	for i := from; i < to; {
		p.kept = false
		next := p.mark(i, to)
		if p.kept {
			p.plain = next
		}
		i = max(next, i+1)
	}
	p.add(p.plain, to)
}

// keep adds the text before a mark.
func (p *inline) keep(i int) {
	p.add(p.plain, i)
	p.kept = true
}

// mark reads what may be a mark at i and returns where to go on. If it is one, it is replaced by what it stands for.
func (p *inline) mark(i, to int) int {
	s := p.source[i:to]
	switch s[0] {
	case '\\':
		if len(s) > 1 && s[1] < utf8.RuneSelf && (unicode.IsPunct(rune(s[1])) || unicode.IsSymbol(rune(s[1]))) {
			p.keep(i)
			p.add(i+1, i+2)
			return i + 2
		}
	case '`':
		return i + codeEnd(s)
	case '*', '_', '~':
		return p.emphasis(i, to)
	case '!', '[', ']':
		return p.link(i, to)
	case '<':
		return p.tag(i, to)
	case '&':
		if text, n := entity(s); n > 0 {
			p.keep(i)
			p.put(text, i, i+n)
			return i + n
		}
	}
	return i
}

// codeEnd is where code between backticks ends, or where the backticks end.
func codeEnd(s string) int {
	ticks := len(s) - len(strings.TrimLeft(s, "`"))
	window := s[ticks:min(len(s), ticks+farthest)]
	end := strings.Index(window, s[:ticks])
	if end < 0 {
		return ticks
	}
	return ticks + end + ticks
}

// emphasis takes off stars that do not stand between digits, and underscores and tildes that do not stand inside of a word.
func (p *inline) emphasis(i, to int) int {
	c := p.source[i]
	end := i
	for end < to && p.source[end] == c {
		end++
	}
	before, after := byte(' '), byte(' ')
	if i > 0 {
		before = p.source[i-1]
	}
	if end < to {
		after = p.source[end]
	}
	inner := wordByte(before) && wordByte(after) && (c != '*' || before <= '9' && after <= '9')
	lone := blankByte(before) && blankByte(after)
	if !lone && !inner && (c != '~' || end-i == 2) {
		p.keep(i)
	}
	return end
}

func wordByte(c byte) bool {
	return c >= utf8.RuneSelf || unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c))
}

func blankByte(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// link takes the marks and the address off a link or an image, and leaves its text. A footnote's mark is left out.
func (p *inline) link(i, to int) int {
	s := p.source[i:to]
	switch {
	case strings.HasPrefix(s, "[^"):
		if end := strings.IndexByte(s[:min(len(s), 100)], ']'); end > 0 && !strings.ContainsAny(s[:end], " \n") {
			p.keep(i)
			return i + end + 1
		}
	case strings.HasPrefix(s, "!["):
		p.keep(i)
		return i + 2
	case s[0] == '[' && closesLink(s):
		p.keep(i)
		return i + 1
	case strings.HasPrefix(s, "]("):
		if end := addressEnd(s[1:]); end > 0 {
			p.keep(i)
			return i + 1 + end
		}
	case strings.HasPrefix(s, "]["):
		if name := strings.IndexByte(s[2:min(len(s), 200)], ']'); name >= 0 {
			p.keep(i)
			return i + 2 + name + 1
		}
	}
	return i
}

// closesLink reports a bracket after whose text an address or a name stands.
func closesLink(s string) bool {
	end := strings.IndexByte(s[:min(len(s), farthest)], ']')
	return end > 0 && end+1 < len(s) && (s[end+1] == '(' || s[end+1] == '[')
}

// addressEnd is the length of an address in brackets, or 0.
func addressEnd(s string) int {
	depth := 0
	for i := 0; i < len(s) && i < farthest; i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		case '\\':
			i++
		}
	}
	return 0
}

// tag leaves out a comment or an HTML tag. An address in angle brackets is text.
func (p *inline) tag(i, to int) int {
	s := p.source[i:to]
	if strings.HasPrefix(s, "<!--") {
		end := -1
		if !p.open {
			end = strings.Index(s, "-->")
		}
		if p.open = end < 0; p.open { // another would be looked for in vain
			return i
		}
		p.keep(i)
		p.leave("comment", i, i+end+3)
		return i + end + 3
	}
	end := strings.IndexByte(s[:min(len(s), farthest)], '>')
	if end < 2 {
		return i
	}
	name := strings.TrimPrefix(s[1:end], "/")
	switch {
	case strings.Contains(name, "://") || strings.Contains(name, "@") && !strings.ContainsAny(name, " ="):
		p.keep(i)
		p.add(i+1, i+end)
	case name != "" && wordByte(name[0]) && name[0] > '9':
		p.keep(i)
		p.space(i)
	default:
		return i
	}
	return i + end + 1
}

// entity is the text of a character reference at the beginning of s, and its length; 0: there is none.
func entity(s string) (text string, n int) {
	end := strings.IndexByte(s[:min(len(s), 40)], ';')
	if end < 2 {
		return "", 0
	}
	text = html.UnescapeString(s[:end+1])
	if text == s[:end+1] {
		return "", 0
	}
	return text, end + 1
}
