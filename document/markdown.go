package document

import (
	"strings"
)

// markdown reads Markdown as CommonMark and its common extensions write it. Marks are taken off; a paragraph that is no valid Markdown is
// text. Libraries for CommonMark need time that grows with the square of nested quotes or links; this reader goes over the source once.
type markdown struct {
	*builder
	fence     string // of the code under way: its marks; empty: none
	code      int    // where the code under way began; −1: none
	item      bool   // the text under way is a list item's
	blank     bool   // the line before is blank
	comment   int    // where the comment of whole lines under way began; −1: none
	lines     int    // of the text under way
	paragraph inline
}

// ReadMarkdown reads Markdown. base is the place of source in the user's file.
func readMarkdown(name, source string, base int64) *Document {
	m := &markdown{builder: newBuilder(name, Markdown, source, base), code: -1, comment: -1, blank: true}
	m.paragraph.builder = m.builder
	at := m.frontMatter()
	for at < len(source) {
		end := strings.IndexByte(source[at:], '\n')
		next := at + end + 1
		if end < 0 {
			next = len(source)
		}
		m.line(at, next)
		at = next
	}
	if m.comment >= 0 {
		m.leave("comment", m.comment, len(source))
	}
	m.endCode(len(source))
	m.end()
	return m.done()
}

// frontMatter leaves out YAML between lines of --- at the beginning, but for the title, and returns where the text begins.
func (m *markdown) frontMatter() int {
	first, rest, ok := strings.Cut(m.source, "\n")
	if !ok || strings.TrimRight(first, " \t\r") != "---" {
		return 0
	}
	at := len(first) + 1
	for line := range strings.SplitAfterSeq(rest, "\n") {
		if t := strings.TrimSpace(line); t == "---" || t == "..." {
			m.leave("front matter", 0, at+len(line))
			return at + len(line)
		}
		if title, ok := strings.CutPrefix(line, "title:"); ok && m.Title == "" {
			m.Title = strings.Trim(strings.TrimSpace(title), `"'`)
		}
		at += len(line)
	}
	m.Title = ""
	return 0
}

// line takes the line source[from:to], its end included.
func (m *markdown) line(from, to int) {
	text := m.source[from:to]
	if m.comment >= 0 || m.code < 0 && strings.HasPrefix(strings.TrimLeft(text, " "), "<!--") {
		m.commented(from, to)
		return
	}
	body := strings.TrimRight(text, " \t\r\n")
	if m.code >= 0 && m.fence != "" {
		if t := strings.TrimLeft(body, " >"); strings.HasPrefix(t, m.fence) && strings.Trim(t, m.fence[:1]) == "" {
			m.endCode(to)
		}
		return
	}
	start := from + quoteMarks(body)
	body = m.source[start : from+len(body)]
	trimmed := strings.TrimLeft(body, " \t")
	indent := len(body) - len(trimmed)
	start += indent
	if strings.TrimSpace(trimmed) == "" {
		m.end()
		m.blank = true
		return
	}
	if m.indented(body, indent, from, to) {
		return
	}
	m.endCode(from)
	m.content(start, from+len(strings.TrimRight(text, " \t\r\n")), to)
	m.blank = false
}

// commented takes a line of a comment that begins at the beginning of a line.
func (m *markdown) commented(from, to int) {
	if m.comment < 0 {
		m.end()
		m.comment = from
	}
	if end := strings.Index(m.source[from:to], "-->"); end >= 0 {
		m.leave("comment", m.comment, from+end+3)
		m.comment = -1
		if strings.TrimSpace(m.source[from+end+3:to]) != "" {
			m.line(from+end+3, to)
		}
	}
}

// indented reports a line of a program by its indent, and takes it.
func (m *markdown) indented(body string, indent, from, to int) bool {
	deep := indent >= 4 || strings.HasPrefix(body, "\t")
	switch {
	case m.code >= 0 && deep:
		return true
	case deep && m.blank && !m.item:
		m.end()
		m.code = from
		return true
	}
	return false
}

// content takes a line that is no code, without its indent and its end.
func (m *markdown) content(from, to, next int) {
	line := m.source[from:to]
	switch {
	case strings.HasPrefix(line, "```"), strings.HasPrefix(line, "~~~"):
		m.end()
		m.fence, m.code = line[:len(line)-len(strings.TrimLeft(line, line[:1]))], from
	case atx(line) > 0:
		m.end()
		level := atx(line)
		body := strings.TrimRight(strings.TrimRight(line[level:], "#"), " \t")
		m.inline(from+level, from+level+len(body))
		m.heading(level)
	case m.lines > 0 && !m.item && setext(line) > 0:
		m.paragraph.end()
		m.heading(setext(line))
		m.lines = 0
	case ruleLine(line):
		m.end()
	case strings.HasPrefix(line, "|"), m.lines == 0 && strings.Contains(line, " | ") && strings.HasSuffix(line, "|"):
		m.end()
		m.row(from, to)
	case definition(line):
		m.end()
		m.leave("link definition", from, to)
	default:
		m.words(from, to, next)
	}
}

// words takes a line of a paragraph or an item.
func (m *markdown) words(from, to, next int) {
	if n := listMark(m.source[from:to]); n > 0 && (m.lines == 0 || m.item || m.source[from] < '0' || m.source[from] > '9') {
		m.end()
		m.item = true
		from += n
	}
	m.lines++
	m.paragraph.line(from, to, next)
}

// inline adds text with its marks taken off.
func (m *markdown) inline(from, to int) {
	m.paragraph.line(from, to, to)
	m.paragraph.end()
}

// row adds a row of a table.
func (m *markdown) row(from, to int) {
	if strings.Trim(m.source[from:to], "|-: \t") == "" {
		return
	}
	m.inline(from, to)
	m.flush(Table)
}

// end ends the paragraph or item under way.
func (m *markdown) end() {
	if m.lines > 0 {
		m.paragraph.end()
		kind := Paragraph
		if m.item {
			kind = Item
		}
		m.flush(kind)
	}
	m.lines, m.item = 0, false
}

// endCode ends the code under way.
func (m *markdown) endCode(at int) {
	if m.code < 0 {
		return
	}
	m.add(m.code, at)
	m.flush(Code)
	m.code, m.fence = -1, ""
}

// quoteMarks is the length of the marks of quotes at the beginning of a line.
func quoteMarks(line string) (n int) {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '>':
			n = i + 1
			if n < len(line) && line[n] == ' ' {
				n++
			}
		case ' ':
			if i-n >= 3 {
				return n
			}
		default:
			return n
		}
	}
	return n
}

// atx is the level of a heading by # marks, or 0.
func atx(line string) int {
	n := len(line) - len(strings.TrimLeft(line, "#"))
	if n < 1 || n > 6 || n < len(line) && line[n] != ' ' && line[n] != '\t' {
		return 0
	}
	return n
}

// setext is the level of the heading that a line under it makes, or 0.
func setext(line string) int {
	switch {
	case strings.Trim(line, "=") == "":
		return 1
	case strings.Trim(line, "-") == "":
		return 2
	}
	return 0
}

// ruleLine reports a line across the page.
func ruleLine(line string) bool {
	marks := strings.ReplaceAll(strings.ReplaceAll(line, " ", ""), "\t", "")
	return len(marks) >= 3 && strings.Contains("-*_", marks[:1]) && strings.Trim(marks, marks[:1]) == ""
}

// definition reports a link's address: [name]: address.
func definition(line string) bool {
	name, _, ok := strings.Cut(line, "]:")
	return ok && strings.HasPrefix(name, "[") && !strings.HasPrefix(name, "[^") && !strings.Contains(name, "] ")
}

// listMark is the length of a list item's mark and of the space after it, or 0.
func listMark(line string) int {
	n := len(line) - len(strings.TrimLeft(line, "0123456789"))
	switch {
	case n == 0 && strings.ContainsAny(line[:1], "-*+"):
		n = 1
	case n == 0 || n > 9 || n >= len(line) || line[n] != '.' && line[n] != ')':
		return 0
	default:
		n++
	}
	if n >= len(line) || line[n] != ' ' && line[n] != '\t' {
		return 0
	}
	return n + 1
}
