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
