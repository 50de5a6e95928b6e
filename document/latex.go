package document

import (
	"fmt"
	"strings"
)

// latex reads LaTeX: commands are taken off, and what they set in type stays. Formulas inside of a paragraph stay as they are, others are
// [formula]. Macros that the document defines are expanded before. The name of a command that is not known is taken off and counted, and
// its arguments stay.
type latex struct {
	*builder
	kind    Kind
	depth   int             // of arguments that are read by themselves
	last    int             // the end of the document
	open    map[string]bool // environments without an end
	unknown map[string]int  // uses of commands that are not known
}

// deepest bounds arguments inside of arguments.
const deepest = 8

// longestArgument and longestFormula are the numbers of bytes in which they must end. They bound the time where they do not.
const (
	longestArgument = 4000
	longestFormula  = 20_000
)

func readLaTeX(name, source string, base int64) *Document {
	expanded, failed := expandMacros(source, base)
	var d *Document
	if expanded == nil {
		d = readExpanded(name, source, base)
	} else {
		d = readExpanded(name, expanded.Text, 0)
		d.relocate(expanded)
		d.Size = int64(len(source))
	}
	if len(failed) > 0 {
		d.Notes = append(d.Notes, "macros that do not end, or are too long, are not expanded: "+mostFrequent(failed))
	}
	return d
}

// readExpanded reads a source whose macros are expanded.
func readExpanded(name, source string, base int64) *Document {
	l := &latex{builder: newBuilder(name, LaTeX, source, base), open: map[string]bool{}, unknown: map[string]int{}}
	from, to := 0, len(source)
	if begin := strings.Index(source, `\begin{document}`); begin >= 0 {
		from = begin + len(`\begin{document}`)
		l.preamble(begin)
		l.leave("preamble", 0, from)
	}
	if end := strings.Index(source[from:], `\end{document}`); end >= 0 {
		to = from + end
		l.leave("text after the document", min(len(source), to+len(`\end{document}`)), len(source))
	}
	l.last = to
	l.read(from, to)
	l.end()
	d := l.done()
	if uses := total(l.unknown); uses > 0 {
		d.Notes = append(d.Notes, fmt.Sprintf("left out: %s not known: %s", commands(uses), mostFrequent(l.unknown)))
	}
	return d
}

// preamble takes the title from the text before the document.
func (l *latex) preamble(end int) {
	if at := strings.Index(l.source[:end], `\title`); at >= 0 {
		l.setTitle(l.options(at+len(`\title`), end), end)
	}
}

// setTitle reads the title, which is the argument at i, and returns where it ends.
func (l *latex) setTitle(i, end int) int {
	from, to, next := l.argument(i, end)
	if next == i {
		return i
	}
	l.aside(from, to, func(b Block) {
		if l.Title == "" {
			l.Title = Clean(strings.TrimSpace(b.Text))
		}
	})
	return next
}

// aside reads an argument by itself and gives its text to use.
func (l *latex) aside(from, to int, use func(Block)) {
	if l.depth == deepest {
		l.read(from, to)
		return
	}
	text, places, kind := l.text, l.places, l.kind
	l.text, l.places = nil, nil
	l.depth++
	l.read(from, to)
	l.depth--
	if b, ok := l.take(Paragraph); ok {
		use(b)
	}
	l.text, l.places, l.kind = text, places, kind
}

// end ends the paragraph or item under way. An argument that is read by itself has no paragraphs.
func (l *latex) end() {
	if l.depth > 0 {
		l.space(0)
		return
	}
	l.flush(l.kind)
	l.kind = Paragraph
}

// read adds source[from:end].
func (l *latex) read(from, end int) {
	plain := from
	for i := from; i < end; {
		next, special := l.step(i, end, func() { l.add(plain, i) })
		if special {
			plain = next
		}
		i = next
	}
	l.add(plain, end)
}

// step reads what stands at i and returns where to go on. If it is special, it first calls keep, which adds the text before it.
func (l *latex) step(i, end int, keep func()) (next int, special bool) {
	s := l.source[i:end]
	switch s[0] {
	case '\\':
		keep()
		return l.command(i, end), true
	case '{', '}':
		keep()
		return i + 1, true
	case '%':
		keep()
		n := strings.IndexByte(s, '\n')
		if n < 0 {
			n = len(s) - 1
		}
		l.leave("comment", i, i+n+1)
		rest := strings.TrimLeft(s[n+1:], " \t")
		return end - len(rest), true
	case '$':
		if n := dollars(s); n > 0 {
			keep()
			l.formula(i, i+n, strings.HasPrefix(s, "$$"))
			return i + n, true
		}
	case '~':
		keep()
		l.put(" ", i, i+1)
		return i + 1, true
	case '\n':
		if n := blankLines(s); n > 0 {
			keep()
			l.end()
			return i + n, true
		}
	case '-', '`', '\'':
		for _, d := range []struct{ from, to string }{{"---", "—"}, {"--", "–"}, {"``", "“"}, {"''", "”"}} {
			if strings.HasPrefix(s, d.from) {
				keep()
				l.put(d.to, i, i+len(d.from))
				return i + len(d.from), true
			}
		}
	}
	return i + 1, false
}

// blankLines is the length of the white space at the beginning of s if it has two line ends or more, or 0.
func blankLines(s string) int {
	n, lines := 0, 0
	for n < len(s) && blankByte(s[n]) {
		if s[n] == '\n' {
			lines++
		}
		n++
	}
	if lines < 2 {
		return 0
	}
	return n
}

// formula adds a formula: as it is inside of a line, else as a token.
func (l *latex) formula(from, to int, display bool) {
	if display {
		l.put("[formula]", from, to)
		return
	}
	l.add(from, to)
}

// argument is the content of the group {…} at i, after white space; next is i if there is none.
func (l *latex) argument(i, end int) (from, to, next int) { return group(l.source, i, end) }

// options is where the options […] at i end, or i.
func (l *latex) options(i, end int) int {
	for i < end && l.source[i] == '[' {
		n := strings.IndexByte(l.source[i:min(end, i+farthest)], ']')
		if n < 0 {
			return i
		}
		i += n + 1
	}
	return i
}
