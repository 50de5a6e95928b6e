package document

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// definers are the commands that define a macro, by the form of what follows them.
var definers = map[string]string{
	"newcommand": "command", "renewcommand": "command", "DeclareRobustCommand": "command", "newrobustcmd": "command",
	"renewrobustcmd": "command", "providecommand": "command", "def": "def", "gdef": "def", "edef": "def", "xdef": "def", "let": "let",
	"DeclareMathOperator": "operator", "NewDocumentCommand": "document", "RenewDocumentCommand": "document",
	"ProvideDocumentCommand": "document", "DeclareDocumentCommand": "document",
}

// macro is a command that the document defines.
type macro struct {
	arguments int
	optional  bool // the first argument is […], and absent if it stands for first
	first     string
	parts     []macroPart
	ordered   bool // each argument stands at most once in parts, in order
}

// macroPart is text, or the argument of that number, which counts from 1.
type macroPart struct {
	text     string
	argument int
}

// macroDefinition is a macro with its name. Macro is nil if this reader does not expand it, as its arguments or its text are a program.
type macroDefinition struct {
	name  string
	macro *macro
	same  string // the command that it is another name of
	next  int    // where the definition ends
}

// readDefinition reads the definition by a command that ends at at. ok is false if it is none.
func readDefinition(s, command string, at, end int) (d macroDefinition, ok bool) {
	form := definers[command]
	if form == "" {
		return d, false
	}
	name, i := definedName(s, at, end)
	if name == "" {
		return d, false
	}
	d.name = name
	m := &macro{}
	switch form {
	case "let":
		return readLet(s, d, i, end)
	case "def":
		m.arguments, i = parameters(s, i, end)
	case "command":
		i = m.options(s, i, end)
	case "document":
		from, to, next := group(s, i, end)
		spec := strings.Join(strings.Fields(s[from:to]), "")
		if next == i {
			return d, false
		}
		if m.arguments, i = len(spec), next; strings.Trim(spec, "m") != "" {
			m.arguments = -1
		}
	}
	if i < 0 {
		return d, false
	}
	from, to, next := group(s, i, end)
	if next == i {
		return d, false
	}
	d.next = next
	if m.arguments >= 0 && m.arguments <= 9 && m.setBody(s[from:to]) {
		d.macro = m
	}
	return d, true
}

// blanks is where white space at i ends.
func blanks(s string, i, end int) int { return end - len(strings.TrimLeft(s[i:end], " \t\r\n")) }

// definedName is the name of the command at i, in braces or without, and where it ends.
func definedName(s string, i, end int) (name string, next int) {
	if from, to, next := group(s, i, end); next > i {
		text := strings.TrimSpace(s[from:to])
		if !strings.HasPrefix(text, `\`) {
			return "", i
		}
		name, n := nameWithAt(text, 0, len(text))
		if n != len(text) {
			return "", i
		}
		return name, next
	}
	if i = blanks(s, i, end); i >= end || s[i] != '\\' {
		return "", i
	}
	return nameWithAt(s, i, end)
}

// nameWithAt is the name of the command at i, in which @ is a letter, and where it ends.
func nameWithAt(s string, i, end int) (string, int) {
	k := i + 1
	for k < end && (letterByte(s[k]) || s[k] == '@') {
		k++
	}
	if k == i+1 && k < end {
		_, n := utf8.DecodeRuneInString(s[k:end])
		k += n
	}
	return s[i+1 : k], k
}

// readLet reads the command of which d is another name.
func readLet(s string, d macroDefinition, i, end int) (macroDefinition, bool) {
	i = blanks(s, i, end)
	if i < end && s[i] == '=' {
		i = blanks(s, i+1, end)
	}
	switch {
	case i >= end || s[i] == '{' || s[i] == '}':
		return d, false
	case s[i] == '\\':
		d.same, d.next = nameWithAt(s, i, end)
		return d, true
	}
	_, n := utf8.DecodeRuneInString(s[i:end])
	d.macro, d.next = &macro{}, i+n
	if !d.macro.setBody(s[i : i+n]) {
		d.macro = nil
	}
	return d, true
}

// parameters counts the parameters #1#2… of \def at i and returns where they end, -1 if nowhere. The number is -1 if other text is among
// them.
func parameters(s string, i, end int) (count, next int) {
	window := s[i:min(end, i+200)]
	open := strings.IndexByte(window, '{')
	if open < 0 {
		return 0, -1
	}
	text := strings.TrimSpace(window[:open])
	for k := 0; k < len(text); k += 2 {
		if !strings.HasPrefix(text[k:], "#"+strconv.Itoa(k/2+1)) {
			return -1, i + open
		}
	}
	return len(text) / 2, i + open
}

// options reads the number of arguments and the first one's default, and returns where they end.
func (m *macro) options(s string, i, end int) int {
	for k := range 2 {
		at := blanks(s, i, end)
		if at >= end || s[at] != '[' {
			break
		}
		n := strings.IndexByte(s[at:min(end, at+farthest)], ']')
		if n < 0 {
			break
		}
		text := s[at+1 : at+n]
		if k == 1 {
			m.optional, m.first = true, text
		} else if count, err := strconv.Atoi(strings.TrimSpace(text)); err == nil && count >= 0 {
			m.arguments = count
		} else {
			m.arguments = -1
		}
		i = at + n + 1
	}
	if m.optional && m.arguments < 1 {
		m.arguments = -1
	}
	return i
}

// setBody takes a macro's text apart. It reports false if the text is a program.
func (m *macro) setBody(body string) bool {
	body = uncommented(body)
	if program(body) {
		return false
	}
	m.ordered = true
	last := 0
	var text strings.Builder
	for i := 0; i < len(body); i++ {
		switch {
		case body[i] == '\\' && i+1 < len(body):
			text.WriteString(body[i : i+2])
			i++
		case body[i] != '#':
			text.WriteByte(body[i])
		case i+1 < len(body) && body[i+1] == '#':
			text.WriteByte('#')
			i++
		case i+1 < len(body) && body[i+1] >= '1' && int(body[i+1]-'0') <= m.arguments:
			n := int(body[i+1] - '0')
			m.parts = append(m.parts, macroPart{text: text.String()}, macroPart{argument: n})
			text.Reset()
			m.ordered = m.ordered && n > last
			last = n
			i++
		default:
			return false
		}
	}
	m.parts = append(m.parts, macroPart{text: text.String()})
	return true
}

// uncommented takes comments off, with the line ends and the white space that belong to them.
func uncommented(s string) string {
	var b strings.Builder
	for {
		n := commentAt(s)
		b.WriteString(s[:n])
		if n == len(s) {
			return b.String()
		}
		_, s, _ = strings.Cut(s[n:], "\n")
		s = strings.TrimLeft(s, " \t")
	}
}

// commentAt is where the first comment begins, or the length of s.
func commentAt(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '%':
			return i
		}
	}
	return len(s)
}

// programming are commands that only TeX can carry out.
var programming = setOf(`else fi or csname endcsname expandafter futurelet catcode loop repeat write immediate string noexpand the read
	afterassignment aftergroup romannumeral number uppercase lowercase begingroup endgroup`)

// program reports commands that only TeX can carry out: conditions, expansion by hand, and the inner commands of LaTeX, which have @.
func program(body string) bool {
	for i := strings.IndexByte(body, '\\'); i >= 0 && i < len(body); {
		name, at := nameWithAt(body, i, len(body))
		if programming[name] || strings.HasPrefix(name, "if") && name != "iff" || len(name) > 1 && strings.Contains(name, "@") {
			return true
		}
		n := strings.IndexByte(body[at:], '\\')
		if n < 0 {
			break
		}
		i = at + n
	}
	return false
}
