package jinja

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is the kind of a token.
type kind int

const (
	dataToken   kind = iota // text outside of tags
	nameToken               // a name or a keyword
	intToken                // digits
	floatToken              // digits with a point or an exponent
	textToken               // a string, without quotes and escapes
	opToken                 // an operator or a bracket
	beginBlock              // {%
	endBlock                // %}
	beginOutput             // {{
	endOutput               // }}
	endToken                // the end of the template
)

// token is a piece of a template.
type token struct {
	kind kind
	text string
	line int
}

// String is the token as an error shows it.
func (t token) String() string {
	switch t.kind {
	case endToken:
		return "the end of the template"
	case textToken:
		return fmt.Sprintf("the string %q", clip(t.text))
	case dataToken:
		return "text"
	}
	return fmt.Sprintf("%q", clip(t.text))
}

// clip cuts a text for an error.
func clip(text string) string {
	if utf8.RuneCountInString(text) <= 60 {
		return text
	}
	return string([]rune(text)[:60]) + "…"
}

// lexer cuts a template into tokens.
type lexer struct {
	source    string
	at, line  int
	lineStart bool // the last tag ended with the end of a line
	tokens    []token
}

// lex returns the tokens of a template. Line ends become \n, and one at the end of the template is dropped.
func lex(source string) ([]token, error) {
	source = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source)
	l := &lexer{source: strings.TrimSuffix(source, "\n"), line: 1, lineStart: true}
	for l.at < len(l.source) {
		if err := l.next(); err != nil {
			return nil, err
		}
	}
	l.add(endToken, "")
	return l.tokens, nil
}

func (l *lexer) add(k kind, text string) { l.tokens = append(l.tokens, token{k, text, l.line}) }

func (l *lexer) fail(format string, args ...any) error {
	return fmt.Errorf("line %d: %s", l.line, fmt.Sprintf(format, args...))
}

// advance moves past n bytes.
func (l *lexer) advance(n int) {
	l.line += strings.Count(l.source[l.at:l.at+n], "\n")
	l.at += n
}

// next reads text up to a tag, and the tag.
func (l *lexer) next() error {
	rest := l.source[l.at:]
	tag := nextTag(rest)
	if tag < 0 {
		l.add(dataToken, rest)
		l.advance(len(rest))
		return nil
	}
	data, opened := rest[:tag], rest[tag:tag+2]
	sign := byte(0)
	if tag+2 < len(rest) && (rest[tag+2] == '-' || rest[tag+2] == '+') {
		sign = rest[tag+2]
	}
	switch {
	case sign == '-':
		data = strings.TrimRightFunc(data, isSpace)
	case sign == 0 && opened != "{{":
		data = l.withoutIndent(data)
	}
	if data != "" {
		l.add(dataToken, data)
	}
	l.advance(tag + 2)
	if sign != 0 {
		l.advance(1)
	}
	if opened == "{#" {
		return l.comment()
	}
	return l.tag(opened)
}

// nextTag is the place of the next {{, {% or {#; −1: none.
func nextTag(text string) int {
	for at := 0; ; at++ {
		i := strings.IndexByte(text[at:], '{')
		if i < 0 || at+i+1 >= len(text) {
			return -1
		}
		at += i
		if c := text[at+1]; c == '{' || c == '%' || c == '#' {
			return at
		}
	}
}

// withoutIndent drops the blanks before a tag that is the first on its line.
func (l *lexer) withoutIndent(data string) string {
	line := strings.LastIndexByte(data, '\n') + 1
	if (line > 0 || l.lineStart) && strings.TrimLeftFunc(data[line:], isSpace) == "" {
		return data[:line]
	}
	return data
}

// close ends a tag whose end is n bytes long. A minus drops the white space behind it; a block drops the end of its line.
func (l *lexer) close(sign byte, n int, block bool) {
	from := l.at
	l.advance(n)
	rest := l.source[l.at:]
	switch {
	case sign == '-':
		l.advance(len(rest) - len(strings.TrimLeftFunc(rest, isSpace)))
	case sign == 0 && block && strings.HasPrefix(rest, "\n"):
		l.advance(1)
	}
	l.lineStart = l.at > from && l.source[l.at-1] == '\n'
}

func (l *lexer) comment() error {
	n := strings.Index(l.source[l.at:], "#}")
	if n < 0 {
		return l.fail("found a comment without end, expected #}")
	}
	sign := byte(0)
	if n > 0 && (l.source[l.at+n-1] == '-' || l.source[l.at+n-1] == '+') {
		sign = l.source[l.at+n-1]
	}
	l.advance(n)
	l.close(sign, 2, true)
	return nil
}

// tag reads the tokens of {{ … }} or {% … %}.
func (l *lexer) tag(opened string) error {
	begin, end, closing := beginBlock, endBlock, "%}"
	if opened == "{{" {
		begin, end, closing = beginOutput, endOutput, "}}"
	}
	l.add(begin, opened)
	for depth := 0; ; {
		l.advance(len(l.source[l.at:]) - len(strings.TrimLeftFunc(l.source[l.at:], isSpace)))
		rest := l.source[l.at:]
		if depth == 0 {
			if sign, n := ends(rest, closing); n > 0 {
				l.add(end, closing)
				l.close(sign, n, end == endBlock)
				return nil
			}
		}
		if rest == "" {
			return l.fail("found a tag without end, expected %s", closing)
		}
		if err := l.expression(rest); err != nil {
			return err
		}
		if last := l.tokens[len(l.tokens)-1]; last.kind == opToken {
			switch last.text {
			case "(", "[", "{":
				depth++
			case ")", "]", "}":
				depth--
			}
		}
	}
}

// ends finds the end of a tag at the beginning of text, and its sign.
func ends(text, closing string) (sign byte, n int) {
	if strings.HasPrefix(text, closing) {
		return 0, 2
	}
	if len(text) > 2 && (text[0] == '-' || text[0] == '+' && closing == "%}") && strings.HasPrefix(text[1:], closing) {
		return text[0], 3
	}
	return 0, 0
}

// operators are those of the language, the longer ones first.
var operators = []string{"==", "!=", ">=", "<=", "//", "**", "+", "-", "*", "/", "%", "~", "<", ">", "=", ".", ":", "|", ",", ";",
	"(", ")", "[", "]", "{", "}"}

// expression reads one token inside a tag.
func (l *lexer) expression(rest string) error {
	switch c := rest[0]; {
	case c == '"' || c == '\'':
		return l.quoted(rest)
	case c >= '0' && c <= '9':
		l.number(rest)
		return nil
	}
	if n := nameLength(rest); n > 0 {
		l.add(nameToken, rest[:n])
		l.advance(n)
		return nil
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			l.add(opToken, op)
			l.advance(len(op))
			return nil
		}
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return l.fail("found %q, expected an expression", r)
}

// nameLength is the length of the name that text begins with; 0: none.
func nameLength(text string) int {
	for i, r := range text {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return i
		}
	}
	return len(text)
}

// number reads digits, which may be grouped by underscores, with a fraction or an exponent.
func (l *lexer) number(rest string) {
	digits := func(from int) int {
		i := from
		for i < len(rest) && (rest[i] >= '0' && rest[i] <= '9' || rest[i] == '_' && i > from) {
			i++
		}
		return i
	}
	n, k := digits(0), intToken
	if n+1 < len(rest) && rest[n] == '.' && digits(n+1) > n+1 {
		n, k = digits(n+1), floatToken
	}
	if n < len(rest) && (rest[n] == 'e' || rest[n] == 'E') {
		from := n + 1
		if from < len(rest) && (rest[from] == '-' || rest[from] == '+') {
			from++
		}
		if end := digits(from); end > from {
			n, k = end, floatToken
		}
	}
	l.add(k, strings.ReplaceAll(rest[:n], "_", ""))
	l.advance(n)
}

// quoted reads a string.
func (l *lexer) quoted(rest string) error {
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case rest[0]:
			text, err := unescape(rest[1:i])
			if err != nil {
				return l.fail("%v", err)
			}
			l.add(textToken, text)
			l.advance(i + 1)
			return nil
		}
	}
	return l.fail("found a string without end, expected %c", rest[0])
}

// isSpace reports white space, as Python's str.isspace does.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }
