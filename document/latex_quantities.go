package document

import "strings"

// quantities are the commands of the package siunitx, with their arguments: n is a number, u a unit, d a number of degrees.
var quantities = map[string]string{
	"SI": "nu", "qty": "nu", "num": "n", "si": "u", "unit": "u", "ang": "d", "SIrange": "nnu", "qtyrange": "nnu", "numrange": "nn",
}

// prefixes of units are one word with the unit.
var prefixes = setOf(`quecto ronto yocto zepto atto femto pico nano micro milli centi deci deca deka hecto kilo mega giga tera peta exa
	zetta yotta ronna quetta kibi mebi gibi tebi pebi exbi zebi yobi`)

// unitSigns are units that are written as signs. Other units are written by their names.
var unitSigns = map[string]string{
	"percent": "%", "%": "%", "degree": "°", "arcminute": "′", "arcsecond": "″", "celsius": "°C", "degreeCelsius": "°C", "$": "$", "#": "#",
	"of": "of", "tothe": "^", "raiseto": "^", ",": " ", ";": " ", " ": " ", "~": " ",
}

// closeUnits stand beside the number without a space.
var closeUnits = setOf("% ° ′ ″")

// quantity adds a number with its unit: \SI{5}{\kilo\metre\per\second} is 5 kilometre per second.
func (l *latex) quantity(arguments string, i, at, end int) int {
	for k := range len(arguments) {
		begin := l.options(at, end)
		from, to, next := l.argument(begin, end)
		if next == begin {
			return begin
		}
		switch kind := arguments[k]; {
		case kind == 'u':
			text := unit(l.source[from:to])
			if k > 0 && text != "" && !closeUnits[text] {
				text = " " + text
			}
			l.put(text, i, next)
		case k > 0:
			l.put(" to ", i, from)
			l.read(from, to)
		default:
			l.read(from, to)
			if kind == 'd' {
				l.put("°", to, next)
			}
		}
		i, at = next, next
	}
	return at
}

// unit is a unit in words: \kilo\metre\per\second is kilometre per second, and km/h stays.
func unit(s string) string {
	var b strings.Builder
	joined := true // what follows belongs to the same word
	word := func(w string) {
		if !joined {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\\':
			name, at := commandName(s, i, len(s))
			i = at
			sign, ok := unitSigns[name]
			switch {
			case !ok:
				word(name)
			case sign == "^" || sign == " ":
				b.WriteString(sign)
			default:
				word(sign)
			}
			joined = prefixes[name] || sign == "^" || sign == " "
		case c == '{' || c == '}':
			i++
		case c == '.' || c == '~' || blankByte(c):
			b.WriteByte(' ')
			joined = true
			i++
		default:
			n := strings.IndexAny(s[i+1:], "\\{}.~ \t\r\n")
			if n < 0 {
				n = len(s) - i - 1
			}
			b.WriteString(s[i : i+1+n])
			i += 1 + n
			joined = strings.IndexByte("/^(", s[i-1]) >= 0
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
