package pattern

import (
	"errors"
	"fmt"
	"strings"
)

// translator turns a pattern in the syntax of Oniguruma for Ruby into one of the engine regexp2. Classes become ranges of the characters
// that the library's tables have in them.
type translator struct {
	in   string
	out  strings.Builder
	i    int
	open []group
	fold bool // case does not matter
	atom int  // where the last atom begins in out, -1 where there is none
	look bool // the pattern looks around, or has no way back
}

// group is a group that is open.
type group struct {
	at   int  // where it begins in out
	fold bool // of what is around it
}

func translate(text string) (Pattern, error) {
	t := translator{in: text, atom: -1}
	for t.i < len(t.in) {
		if err := t.step(); err != nil {
			return nil, fmt.Errorf("at byte %d: %w", t.i, err)
		}
	}
	if !t.look {
		if p := inLinear(t.out.String()); p != nil {
			return p, nil
		}
	}
	return inBacktracking(t.out.String())
}

// step translates one element.
func (t *translator) step() error {
	switch c := t.in[t.i]; c {
	case '\\':
		return t.escape(false)
	case '[':
		return t.class()
	case '(':
		return t.group()
	case ')':
		if len(t.open) == 0 {
			return errors.New("a group ends that did not begin")
		}
		last := t.open[len(t.open)-1]
		t.atom, t.fold, t.open = last.at, last.fold, t.open[:len(t.open)-1]
		t.out.WriteByte(c)
		t.i++
	case '*', '+', '?', '{':
		return t.quantifier()
	case '|', '^', '$':
		t.out.WriteByte(c)
		t.i++
		t.atom = -1
	default:
		t.atom = t.out.Len()
		if others := foldings[c|0x20]; t.fold && others != "" {
			t.out.WriteString("[" + string(c) + others + "]")
			t.i++
			return nil
		}
		t.out.WriteByte(c)
		for t.i++; t.i < len(t.in) && t.in[t.i]&0xc0 == 0x80; t.i++ {
			t.out.WriteByte(t.in[t.i])
		}
	}
	return nil
}

// foldings are the letters beside those of ASCII that are the same where case does not matter. One of the engines does not know them.
var foldings = map[byte]string{'s': "\u017f", 'k': "\u212a"}

// group translates what opens a group. The option m, by which a dot matches a line end, is the engine's s.
func (t *translator) group() error {
	t.open = append(t.open, group{t.out.Len(), t.fold})
	t.atom = -1
	for _, known := range []struct{ in, out string }{
		{"(?:", "(?:"}, {"(?=", "(?="}, {"(?!", "(?!"}, {"(?<=", "(?<="}, {"(?<!", "(?<!"}, {"(?>", "(?>"},
		{"(?i:", "(?i:"}, {"(?m:", "(?s:"}, {"(?mi:", "(?si:"}, {"(?im:", "(?si:"}, {"(?i)", "(?i)"}, {"(?m)", "(?s)"},
	} {
		if strings.HasPrefix(t.in[t.i:], known.in) {
			t.out.WriteString(known.out)
			t.i += len(known.in)
			t.look = t.look || strings.ContainsAny(known.in, "=!>")
			t.fold = t.fold || strings.Contains(known.in, "i")
			if strings.HasSuffix(known.in, ")") {
				t.open = t.open[:len(t.open)-1]
			}
			return nil
		}
	}
	if strings.HasPrefix(t.in[t.i:], "(?") || strings.HasPrefix(t.in[t.i:], "(*") {
		return errors.New("a group of a kind that is not supported; expected one of (?: (?= (?! (?<= (?<! (?> (?i: (?m: with its pattern")
	}
	t.out.WriteByte('(')
	t.i++
	return nil
}

// quantifier translates * + ? {n,m} and what follows: ? for as few as possible, + for no way back.
func (t *translator) quantifier() error {
	text := t.in[t.i : t.i+1]
	if text == "{" {
		end := strings.IndexByte(t.in[t.i:], '}')
		if end < 0 || strings.Trim(t.in[t.i+1:t.i+end], "0123456789,") != "" || end == 1 {
			t.atom = t.out.Len()
			t.out.WriteString(`\{`)
			t.i++
			return nil
		}
		text = t.in[t.i : t.i+end+1]
		if strings.HasPrefix(text, "{,") {
			text = "{0" + text[1:]
			t.i--
		}
	}
	if t.atom < 0 {
		return fmt.Errorf("%s with nothing to repeat", text)
	}
	t.i += len(text)
	next := byte(0)
	if t.i < len(t.in) {
		next = t.in[t.i]
	}
	switch {
	case next == '+' && text[0] != '{':
		all := t.out.String()
		t.out.Reset()
		t.out.WriteString(all[:t.atom] + "(?>" + all[t.atom:] + text + ")")
		t.look = true
		t.i++
		return nil
	case strings.IndexByte("*+{", next) >= 0 && next != 0 || text[0] == '{' && next == '?':
		return fmt.Errorf("%s%c: a quantifier of a quantifier is not supported", text, next)
	case next == '?':
		text += "?"
		t.i++
	}
	t.out.WriteString(text)
	t.atom = -1
	return nil
}

// class translates a class in brackets.
func (t *translator) class() error {
	t.atom = t.out.Len()
	t.out.WriteByte('[')
	t.i++
	if t.i < len(t.in) && t.in[t.i] == '^' {
		t.out.WriteByte('^')
		t.i++
	}
	for first := true; t.i < len(t.in); first = false {
		switch c := t.in[t.i]; {
		case c == ']' && !first:
			t.out.WriteByte(c)
			t.i++
			return nil
		case c == '[':
			return errors.New("a class inside a class is not supported")
		case strings.HasPrefix(t.in[t.i:], "&&"):
			return errors.New("&& in a class is not supported")
		case c == '\\':
			if err := t.escape(true); err != nil {
				return err
			}
		default:
			t.out.WriteByte(c)
			if t.fold {
				t.out.WriteString(foldings[c|0x20])
			}
			t.i++
		}
	}
	return errors.New("a class without its end")
}
