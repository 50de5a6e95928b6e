package jinja

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// method is a method of a value.
type method = func(c *call, of any) (any, error)

// textMethods are those of strings.
var textMethods = map[string]method{
	"strip":        strip(strings.TrimFunc),
	"lstrip":       strip(strings.TrimLeftFunc),
	"rstrip":       strip(strings.TrimRightFunc),
	"upper":        changed(upper),
	"lower":        changed(lower),
	"title":        changed(title),
	"capitalize":   changed(capitalize),
	"startswith":   affix(strings.HasPrefix),
	"endswith":     affix(strings.HasSuffix),
	"removeprefix": removed(strings.TrimPrefix),
	"removesuffix": removed(strings.TrimSuffix),
	"split":        split,
	"splitlines":   splitLines,
	"replace":      replace,
	"join":         joinMethod,
	"find":         find,
	"format":       formatText,
	"count":        count,
	"isdigit":      every(unicode.IsDigit),
	"isalpha":      every(unicode.IsLetter),
	"isspace":      every(isSpace),
}

// unsupportedMethods are methods of strings in Python that this package does not have. A template that looks for one must not find nothing.
var unsupportedMethods = map[string]bool{}

func init() {
	for _, name := range strings.Fields("casefold center encode expandtabs format_map index isalnum isascii isdecimal isidentifier " +
		"islower isnumeric isprintable istitle isupper ljust maketrans partition rfind rindex rjust rpartition rsplit swapcase translate zfill") {
		unsupportedMethods[name] = true
	}
}

func upper(s string) string { return cases.Upper(language.Und).String(s) }

func lower(s string) string { return cases.Lower(language.Und).String(s) }

// title writes each run of letters with a large first letter, as str.title does.
func title(s string) string {
	var b strings.Builder
	letter := false
	for _, r := range s {
		switch {
		case !unicode.IsLetter(r):
			letter = false
			b.WriteRune(r)
			continue
		case letter:
			b.WriteString(lower(string(r)))
		default:
			b.WriteRune(unicode.ToTitle(r))
		}
		letter = true
	}
	return b.String()
}

func capitalize(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToTitle(r)) + lower(s[n:])
}

// changed is a method without arguments.
func changed(change func(string) string) method {
	return func(c *call, of any) (any, error) {
		if _, err := c.bind(0); err != nil {
			return nil, err
		}
		return c.m.text(change(of.(string)))
	}
}

// every tests that a string has characters, all of a kind.
func every(kind func(rune) bool) method {
	return func(c *call, of any) (any, error) {
		_, err := c.bind(0)
		text := of.(string)
		return text != "" && strings.IndexFunc(text, func(r rune) bool { return !kind(r) }) < 0, err
	}
}

// strip drops characters at the ends: white space, or those of the argument.
func strip(trim func(string, func(rune) bool) string) method {
	return func(c *call, of any) (any, error) {
		values, err := c.bind(0, "chars")
		if err != nil {
			return nil, err
		}
		if values[0] == absent || values[0] == nil {
			return c.m.text(trim(of.(string), isSpace))
		}
		chars, ok := values[0].(string)
		if !ok {
			return nil, fmt.Errorf("found %s as the argument of %s, expected a string", typeName(values[0]), c.name)
		}
		return c.m.text(trim(of.(string), func(r rune) bool { return strings.ContainsRune(chars, r) }))
	}
}

// affix tests one affix, or those of a tuple.
func affix(has func(text, affix string) bool) method {
	return func(c *call, of any) (any, error) {
		values, err := c.bind(1, "affix")
		if err != nil {
			return nil, err
		}
		all := []any{values[0]}
		if l, ok := values[0].(*List); ok && l.tuple {
			all = l.items
		}
		for _, v := range all {
			text, ok := v.(string)
			if !ok {
				return nil, fmt.Errorf("found %s as the argument of %s, expected a string", typeName(v), c.name)
			}
			if has(of.(string), text) {
				return true, nil
			}
		}
		return false, nil
	}
}

func removed(remove func(text, affix string) string) method {
	return func(c *call, of any) (any, error) {
		texts, err := c.strings(1, []string{"affix"}, "")
		if err != nil {
			return nil, err
		}
		return c.m.text(remove(of.(string), texts[0]))
	}
}

func split(c *call, of any) (any, error) {
	values, err := c.bind(0, "sep", "maxsplit")
	if err != nil {
		return nil, err
	}
	most, err := c.integer(values[1], -1)
	if err != nil {
		return nil, err
	}
	text := of.(string)
	if err := c.m.spend(itemBytes * len(text)); err != nil {
		return nil, err
	}
	limit := -1
	if most >= 0 {
		limit = int(min(most, int64(len(text)))) + 1
	}
	switch sep := values[0].(type) {
	case string:
		if sep == "" {
			return nil, errors.New("found an empty separator of split, expected a longer one")
		}
		return c.m.list(anys(strings.SplitN(text, sep, limit)))
	default:
		if values[0] != absent && values[0] != nil {
			return nil, fmt.Errorf("found %s as the separator of split, expected a string", typeName(sep))
		}
	}
	return c.m.list(anys(words(text, limit)))
}

// words are the runs of a text without white space, and the rest from the limit-th on; a limit below 0 is none.
func words(text string, limit int) (all []string) {
	text = strings.TrimLeftFunc(text, isSpace)
	for text != "" {
		end := strings.IndexFunc(text, isSpace)
		if end < 0 || limit > 0 && len(all) == limit-1 {
			return append(all, text)
		}
		all = append(all, text[:end])
		text = strings.TrimLeftFunc(text[end:], isSpace)
	}
	return all
}

func anys(texts []string) []any {
	all := make([]any, len(texts))
	for i, t := range texts {
		all[i] = t
	}
	return all
}

// splitLines cuts at the line ends of Python.
func splitLines(c *call, of any) (any, error) {
	if _, err := c.bind(0); err != nil {
		return nil, err
	}
	text := of.(string)
	if err := c.m.spend(itemBytes * len(text)); err != nil {
		return nil, err
	}
	var lines []any
	for text != "" {
		end := strings.IndexAny(text, "\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029")
		if end < 0 {
			lines = append(lines, text)
			break
		}
		lines = append(lines, text[:end])
		_, n := utf8.DecodeRuneInString(text[end:])
		if strings.HasPrefix(text[end:], "\r\n") {
			n = 2
		}
		text = text[end+n:]
	}
	return c.m.list(lines)
}

func replace(c *call, of any) (any, error) {
	values, err := c.bind(2, "old", "new", "count")
	if err != nil {
		return nil, err
	}
	old, okOld := values[0].(string)
	with, okNew := values[1].(string)
	n, err := c.integer(values[2], -1)
	if err != nil || !okOld || !okNew {
		return nil, errors.Join(err, fmt.Errorf("found %s and %s as arguments of replace, expected two strings",
			typeName(values[0]), typeName(values[1])))
	}
	text := of.(string)
	times := strings.Count(text, old)
	if len(with) > 0 && times > c.m.most/len(with) {
		return nil, c.m.spend(c.m.most + 1)
	}
	return c.m.text(strings.Replace(text, old, with, int(max(-1, min(n, int64(times))))))
}

func joinMethod(c *call, of any) (any, error) {
	values, err := c.bind(1, "iterable")
	if err != nil {
		return nil, err
	}
	all, err := c.m.elements(values[0])
	if err != nil {
		return nil, err
	}
	for _, v := range all {
		if _, ok := v.(string); !ok {
			return nil, fmt.Errorf("found %s to join, expected a string", typeName(v))
		}
	}
	return c.m.joinAll(all, of.(string))
}

// joinAll joins the texts of values.
func (m *machine) joinAll(all []any, between string) (any, error) {
	var b strings.Builder
	for i, v := range all {
		if i > 0 {
			b.WriteString(between)
		}
		text, err := m.str(v)
		if err != nil {
			return nil, err
		}
		b.WriteString(text)
		if err := m.spend(len(between) + len(text)); err != nil {
			return nil, err
		}
	}
	return b.String(), nil
}

func find(c *call, of any) (any, error) {
	texts, err := c.strings(1, []string{"sub"}, "")
	if err != nil {
		return nil, err
	}
	text := of.(string)
	at := strings.Index(text, texts[0])
	if at < 0 {
		return int64(-1), nil
	}
	return int64(utf8.RuneCountInString(text[:at])), nil
}

func count(c *call, of any) (any, error) {
	texts, err := c.strings(1, []string{"sub"}, "")
	if err != nil {
		return nil, err
	}
	return int64(strings.Count(of.(string), texts[0])), nil
}

// dictMethods are those of dicts. Those that change a dict are refused.
var dictMethods = map[string]method{
	"keys":   dictParts(func(d *Dict, key any) (any, error) { return key, nil }),
	"values": dictParts(func(d *Dict, key any) (any, error) { return d.values[key], nil }),
	"items":  dictParts(func(d *Dict, key any) (any, error) { return newList([]any{key, d.values[key]}, true) }),
	"get": func(c *call, of any) (any, error) {
		values, err := c.bind(1, "key", "default")
		if err != nil {
			return nil, err
		}
		if v, ok := of.(*Dict).get(values[0]); ok {
			return v, nil
		}
		if values[1] == absent {
			return nil, nil
		}
		return values[1], nil
	},
	"copy": func(_ *call, of any) (any, error) { return of, nil },
}

// listMethods are those of lists.
var listMethods = map[string]method{
	"count": func(c *call, of any) (any, error) {
		values, err := c.bind(1, "value")
		if err != nil {
			return nil, err
		}
		n := int64(0)
		for _, v := range of.(*List).items {
			if equal(v, values[0]) {
				n++
			}
		}
		return n, nil
	},
}

func init() {
	for _, name := range []string{"clear", "pop", "popitem", "setdefault", "update"} {
		dictMethods[name] = refuseChange
	}
	for _, name := range []string{"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"} {
		listMethods[name] = refuseChange
	}
}

func refuseChange(c *call, of any) (any, error) {
	return nil, fmt.Errorf("found %s, which changes %s; a template cannot change a value", c.name, typeName(of))
}

// dictParts lists something for each key.
func dictParts(part func(d *Dict, key any) (any, error)) method {
	return func(c *call, of any) (any, error) {
		if _, err := c.bind(0); err != nil {
			return nil, err
		}
		d := of.(*Dict)
		parts := make([]any, len(d.keys))
		for i, key := range d.keys {
			var err error
			if parts[i], err = part(d, key); err != nil {
				return nil, err
			}
		}
		return c.m.list(parts)
	}
}
