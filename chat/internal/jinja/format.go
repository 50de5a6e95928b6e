package jinja

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// str is str(v) of Python; what is undefined is empty.
func (m *machine) str(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case markup:
		return string(v), nil
	case undefined:
		return "", nil
	}
	var b strings.Builder
	err := m.repr(&b, v)
	return b.String(), err
}

// repr writes repr(v) of Python.
func (m *machine) repr(b *strings.Builder, v any) error {
	from := b.Len()
	switch v := v.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		b.WriteString(map[bool]string{true: "True", false: "False"}[v])
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		b.WriteString(floatText(v))
	case string:
		quote(b, v)
	case undefined:
		b.WriteString("Undefined")
	case *List:
		return m.reprList(b, v)
	case *Dict:
		return m.reprDict(b, v)
	default:
		return fmt.Errorf("found %s to show as text, expected a value", typeName(v))
	}
	return m.spend(b.Len() - from)
}

func (m *machine) reprList(b *strings.Builder, l *List) error {
	begin, end := "[", "]"
	if l.tuple {
		begin, end = "(", ")"
		if len(l.items) == 1 {
			end = ",)"
		}
	}
	b.WriteString(begin)
	for i, v := range l.items {
		if i > 0 {
			b.WriteString(", ")
		}
		if err := m.repr(b, v); err != nil {
			return err
		}
	}
	b.WriteString(end)
	return m.step()
}

func (m *machine) reprDict(b *strings.Builder, d *Dict) error {
	b.WriteString("{")
	for i, key := range d.keys {
		if i > 0 {
			b.WriteString(", ")
		}
		if err := m.repr(b, key); err != nil {
			return err
		}
		b.WriteString(": ")
		if err := m.repr(b, d.values[key]); err != nil {
			return err
		}
	}
	b.WriteString("}")
	return m.step()
}

// floatText is repr of a float: the shortest digits, with an exponent below 1e-4 and from 1e16 on.
func floatText(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "inf"
	case math.IsInf(v, -1):
		return "-inf"
	case math.IsNaN(v):
		return "nan"
	case v != 0 && (math.Abs(v) < 1e-4 || math.Abs(v) >= 1e16):
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// quote writes a string as Python shows it: in single quotes, unless it has these and no double ones.
func quote(b *strings.Builder, text string) {
	mark := '\''
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		mark = '"'
	}
	b.WriteRune(mark)
	for _, r := range text {
		switch {
		case r == mark || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == ' ' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			fmt.Fprintf(b, `\U%08x`, r)
		}
	}
	b.WriteRune(mark)
}

// jsonStyle is how JSON is written.
type jsonStyle struct {
	indent       string // of a level; empty: one line
	item, key    string // separators
	sorted, wide bool   // keys in order; characters beyond ASCII as they are
}

// json writes v as json.dumps of Python does.
func (m *machine) json(b *strings.Builder, v any, s jsonStyle, margin string) error {
	from := b.Len()
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		b.WriteString(strings.NewReplacer("inf", "Infinity", "nan", "NaN").Replace(floatText(v)))
	case string:
		jsonText(b, v, s.wide)
	case *List:
		return m.jsonItems(b, "[", "]", len(v.items), s, margin, func(i int, margin string) error {
			return m.json(b, v.items[i], s, margin)
		})
	case *Dict:
		return m.jsonDict(b, v, s, margin)
	default:
		return fmt.Errorf("found %s to write as JSON, expected text, a number, a list or a dict", typeName(v))
	}
	return m.spend(b.Len() - from)
}

func (m *machine) jsonDict(b *strings.Builder, d *Dict, s jsonStyle, margin string) error {
	keys := d.keys
	if s.sorted {
		var err error
		if keys, err = sorted(m, d.keys, func(v any) (any, error) { return v, nil }, false); err != nil {
			return err
		}
	}
	return m.jsonItems(b, "{", "}", len(keys), s, margin, func(i int, margin string) error {
		key, ok := keys[i].(string)
		if !ok {
			if _, list := keys[i].(*List); list {
				return errors.New("found a list as a key of JSON, expected text")
			}
			var k strings.Builder
			if err := m.json(&k, keys[i], s, margin); err != nil {
				return err
			}
			key = k.String()
		}
		jsonText(b, key, s.wide)
		b.WriteString(s.key)
		return m.json(b, d.values[keys[i]], s, margin)
	})
}

// jsonItems writes n items in brackets.
func (m *machine) jsonItems(b *strings.Builder, begin, end string, n int, s jsonStyle, margin string,
	write func(i int, margin string) error) error {
	b.WriteString(begin)
	inner := margin + s.indent
	for i := range n {
		if i > 0 {
			b.WriteString(s.item)
		}
		if s.indent != "" {
			b.WriteString("\n" + inner)
			if err := m.spend(len(inner)); err != nil {
				return err
			}
		}
		if err := write(i, inner); err != nil {
			return err
		}
	}
	if n > 0 && s.indent != "" {
		b.WriteString("\n" + margin)
	}
	b.WriteString(end)
	return m.step()
}

// jsonText writes a string of JSON.
func jsonText(b *strings.Builder, text string, wide bool) {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case short[r] != "":
			b.WriteString(short[r])
		case r < 0x20 || r > 0x7e && r < 0x10000 && !wide:
			fmt.Fprintf(b, `\u%04x`, r)
		case r >= 0x10000 && !wide:
			fmt.Fprintf(b, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}
