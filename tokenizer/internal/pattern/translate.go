package pattern

import (
	"errors"
	"fmt"
	"strings"

	"github.com/longspan/longspan/tokenizer/internal/chars"
)

// classes are the properties by their name in \p{…}. Properties of scripts keep the engine's own tables.
var classes = map[string]chars.Class{
	"L": chars.Letter, "Lu": chars.Upper, "Ll": chars.Lower, "Lt": chars.Title, "Lm": chars.Modifier, "Lo": chars.OtherLetter,
	"Letter": chars.Letter, "M": chars.Mark, "N": chars.Number, "Nd": chars.Decimal, "P": chars.Punct, "S": chars.Symbol,
}

// escapes are the properties by the letter of their escape.
var escapes = map[byte]chars.Class{'s': chars.Space, 'w': chars.Word, 'd': chars.Digit}

// translator turns a pattern in the syntax of Oniguruma for Ruby into one of the engine regexp2. Classes become ranges of the characters
// that the library's tables have in them.
type translator struct {
	in   string
	out  strings.Builder
	i    int
	open []int // where the groups that are open begin in out
	atom int   // where the last atom begins in out, -1 where there is none
	look bool  // the pattern looks around, or has no way back
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
		t.atom = t.open[len(t.open)-1]
		t.open = t.open[:len(t.open)-1]
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
		t.out.WriteByte(c)
		for t.i++; t.i < len(t.in) && t.in[t.i]&0xc0 == 0x80; t.i++ {
			t.out.WriteByte(t.in[t.i])
		}
	}
	return nil
}

// group translates what opens a group. The option m, by which a dot matches a line end, is the engine's s.
func (t *translator) group() error {
	t.open = append(t.open, t.out.Len())
	t.atom = -1
	for _, known := range []struct{ in, out string }{
		{"(?:", "(?:"}, {"(?=", "(?="}, {"(?!", "(?!"}, {"(?<=", "(?<="}, {"(?<!", "(?<!"}, {"(?>", "(?>"},
		{"(?i:", "(?i:"}, {"(?m:", "(?s:"}, {"(?mi:", "(?si:"}, {"(?im:", "(?si:"}, {"(?i)", "(?i)"}, {"(?m)", "(?s)"},
	} {
		if strings.HasPrefix(t.in[t.i:], known.in) {
			t.out.WriteString(known.out)
			t.i += len(known.in)
			t.look = t.look || strings.ContainsAny(known.in, "=!>")
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

// escape translates an escape. In a class only its ranges are written.
func (t *translator) escape(inClass bool) error {
	if t.i+1 >= len(t.in) {
		return errors.New("the pattern ends inside an escape")
	}
	if !inClass {
		t.atom = t.out.Len()
	}
	c := t.in[t.i+1]
	if class, ok := escapes[c|0x20]; ok {
		t.i += 2
		t.ranges(class, c < 'a', inClass)
		return nil
	}
	switch {
	case c|0x20 == 'p':
		return t.property(inClass)
	case c == 'h' || c == 'H':
		return errors.New(`\h is not supported; write [0-9a-fA-F]`)
	case strings.IndexByte("nrtfvae", c) >= 0 || c < 0x80 && !isAlphanumeric(c):
		t.out.WriteString(t.in[t.i : t.i+2])
		t.i += 2
	case !inClass && c|0x20 == 'b':
		t.look = true
		t.border(c == 'B')
		t.i += 2
	case !inClass && strings.IndexByte("AzZG", c) >= 0:
		t.look = true
		t.out.WriteString(t.in[t.i : t.i+2])
		t.i += 2
		t.atom = -1
	case c == 'u' && t.i+6 <= len(t.in):
		t.out.WriteString(t.in[t.i : t.i+6])
		t.i += 6
	case c == 'x':
		return t.hexadecimal()
	default:
		return fmt.Errorf(`the escape \%c is not supported`, c)
	}
	return nil
}

// border translates \b, a place with a word character on one side alone, and \B, any other place.
func (t *translator) border(not bool) {
	var word translator
	word.ranges(chars.Word, false, false)
	w, format := word.out.String(), "(?:(?<=%[1]s)(?!%[1]s)|(?<!%[1]s)(?=%[1]s))"
	if not {
		format = "(?:(?<=%[1]s)(?=%[1]s)|(?<!%[1]s)(?!%[1]s))"
	}
	fmt.Fprintf(&t.out, format, w)
	t.atom = -1
}

// hexadecimal translates \xHH and \x{H…}.
func (t *translator) hexadecimal() error {
	rest := t.in[t.i+2:]
	if strings.HasPrefix(rest, "{") {
		end := strings.IndexByte(rest, '}')
		if end < 2 || end > 7 {
			return errors.New(`\x{ without its digits`)
		}
		t.out.WriteString(t.in[t.i : t.i+2+end+1])
		t.i += 2 + end + 1
		return nil
	}
	if len(rest) < 2 || rest[0] > '7' {
		return errors.New(`\x is a byte that is no character; expected \x00 … \x7F or \x{…}`)
	}
	t.out.WriteString(t.in[t.i : t.i+4])
	t.i += 4
	return nil
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// property translates \p{Name}, \p{^Name} and \P{Name}.
func (t *translator) property(inClass bool) error {
	rest := t.in[t.i+2:]
	end := strings.IndexByte(rest, '}')
	if !strings.HasPrefix(rest, "{") || end < 2 {
		return errors.New(`\p without a name in braces`)
	}
	name, not := rest[1:end], t.in[t.i+1] == 'P'
	if strings.HasPrefix(name, "^") {
		name, not = name[1:], !not
	}
	t.i += 2 + end + 1
	if class, ok := classes[name]; ok {
		t.ranges(class, not, inClass)
		return nil
	}
	letter := "p"
	if not {
		letter = "P"
	}
	fmt.Fprintf(&t.out, `\%s{%s}`, letter, name)
	return nil
}

// ranges writes the characters of a class, or all others.
func (t *translator) ranges(class chars.Class, not, inClass bool) {
	if !inClass {
		t.out.WriteByte('[')
	}
	next := rune(0)
	write := func(from, to rune) {
		if from <= to {
			fmt.Fprintf(&t.out, `\x{%x}-\x{%x}`, from, to)
		}
	}
	chars.All().Ranges(class, func(from, to rune) {
		if not {
			write(next, from-1)
			next = to + 1
		} else {
			write(from, to)
		}
	})
	if not {
		write(next, 0x10ffff)
	}
	if !inClass {
		t.out.WriteByte(']')
	}
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
			t.i++
		}
	}
	return errors.New("a class without its end")
}
