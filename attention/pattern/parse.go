package pattern

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxText is the longest text that Parse reads, in bytes: enough for some 100,000 positions.
const MaxText = 1 << 20

// SyntaxError tells where a text stops being a pattern.
type SyntaxError struct {
	Text    string // all that was parsed
	Column  int    // the character at fault, counted from 1
	Message string // what was found, what was expected, what to do
}

// Error is one line: "pattern: column 1: found …, expected …".
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("pattern: column %d: %s", e.Column, e.Message)
}

// Parse reads the text form of a pattern:
//
//	pattern = both { "|" both }
//	both    = one { "&" one }
//	one     = "(" pattern ")" | name [ "(" [ argument { "," argument } ] ")" ]
//
// An argument is a whole number, key=number, or a run such as 0..63 in a list of positions. White space may stand
// anywhere between. [Names] lists the names. An error is a *SyntaxError.
//
// Arguments are checked here as far as they can be without a sequence; Check does the rest.
func Parse(text string) (Pattern, error) {
	p := &parser{text: text, forms: forms()}
	if len(text) > MaxText {
		return nil, p.errorAt(0, fmt.Sprintf("found a text of %d bytes, expected at most %d; write runs of positions as 0..63", len(text),
			MaxText))
	}
	p.next()
	pattern, err := p.or(1)
	if err != nil {
		return nil, err
	}
	if p.token != "" {
		return nil, p.expected(`"&", "|" or the end`)
	}
	return pattern, nil
}

// parser reads one token ahead. A token is a name, a number, one sign, or "" at the end.
type parser struct {
	text   string
	forms  []form
	at     int // byte offset of token
	token  string
	number bool // token is a number
}

func (p *parser) errorAt(offset int, message string) error {
	return &SyntaxError{p.text, utf8.RuneCountInString(p.text[:offset]) + 1, message}
}

// expected is the error of a token that is not what may stand here.
func (p *parser) expected(what string) error {
	if p.token == "" {
		return p.errorAt(p.at, "found the end, expected "+what)
	}
	return p.errorAt(p.at, fmt.Sprintf("found %q, expected %s", clip(p.token), what))
}

// maxQuoted is how much of a text an error repeats, in characters: a bigbird with all its arguments fits.
const maxQuoted = 80

// clip keeps an error short when what was found is not.
func clip(s string) string {
	if r := []rune(s); len(r) > maxQuoted {
		return string(r[:maxQuoted]) + "…"
	}
	return s
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }
func isName(r rune) bool  { return r == '_' || unicode.IsLetter(r) || isDigit(r) }

// next moves to the token after this one.
func (p *parser) next() {
	rest := p.text[p.at+len(p.token):]
	trimmed := strings.TrimLeft(rest, " \t\r\n")
	p.at += len(p.token) + len(rest) - len(trimmed)
	p.token, p.number = "", false
	first, size := utf8.DecodeRuneInString(trimmed)
	negative := first == '-' && len(trimmed) > 1 && isDigit(rune(trimmed[1]))
	switch {
	case trimmed == "":
	case isDigit(first) || negative:
		p.number = true
		end := strings.IndexFunc(trimmed[1:], func(r rune) bool { return !isDigit(r) })
		if end < 0 {
			end = len(trimmed) - 1
		}
		p.token = trimmed[:1+end]
	case isName(first):
		end := strings.IndexFunc(trimmed, func(r rune) bool { return !isName(r) })
		if end < 0 {
			end = len(trimmed)
		}
		p.token = trimmed[:end]
	case strings.HasPrefix(trimmed, ".."):
		p.token = ".."
	default:
		p.token = trimmed[:size]
	}
}

func (p *parser) or(depth int) (Pattern, error)  { return p.list("|", Or, p.and, depth) }
func (p *parser) and(depth int) (Pattern, error) { return p.list("&", And, p.one, depth) }

// list reads parts with a sign between them and joins them.
func (p *parser) list(sign string, join func(...Pattern) Pattern, part func(int) (Pattern, error), depth int) (Pattern, error) {
	start := p.at
	var parts []Pattern
	for {
		one, err := part(depth)
		if err != nil {
			return nil, err
		}
		parts = append(parts, one)
		if p.token != sign {
			return p.valid(join(parts...), start)
		}
		p.next()
	}
}

// valid returns an error at its place in the text for a pattern that a constructor refused.
func (p *parser) valid(made Pattern, start int) (Pattern, error) {
	if bad, ok := made.(invalid); ok {
		return nil, p.errorAt(start, strings.TrimPrefix(bad.err.Error(), "pattern: "))
	}
	return made, nil
}

func (p *parser) one(depth int) (Pattern, error) {
	switch {
	case depth > MaxDepth:
		return nil, p.errorAt(p.at, fmt.Sprintf("found parentheses %d deep, expected at most %d; write it flatter", depth, MaxDepth))
	case p.token == "(":
		p.next()
		inner, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.token != ")" {
			return nil, p.expected(`"&", "|" or ")"`)
		}
		p.next()
		return inner, nil
	case p.token == "" || p.number || !isName([]rune(p.token)[0]):
		return nil, p.expected(`a pattern, such as window(512), or "("`)
	}
	start := p.at
	f, err := p.form()
	if err != nil {
		return nil, err
	}
	p.next()
	args, err := p.arguments(f)
	if err != nil {
		return nil, err
	}
	return p.valid(f.build(args), start)
}

// form finds the form that the token names.
func (p *parser) form() (form, error) {
	names := make([]string, len(p.forms))
	for i, f := range p.forms {
		if f.name == p.token {
			return f, nil
		}
		names[i] = f.name
	}
	what := "the name of a pattern: " + strings.Join(names, ", ")
	if near := nearest(clip(p.token), names); near != "" {
		what = fmt.Sprintf("the name of a pattern; did you mean %q?", near)
	}
	return form{}, p.expected(what)
}
