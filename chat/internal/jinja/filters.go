package jinja

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// filters are the filters, by name.
var filters map[string]builtin

func init() { // a map of functions that read maps of functions
	filters = map[string]builtin{
		"trim":       onText("strip"),
		"upper":      onText("upper"),
		"lower":      onText("lower"),
		"title":      onText("title"),
		"capitalize": onText("capitalize"),
		"replace":    onText("replace"),
		"string":     func(c *call) (any, error) { return operand(c, c.m.strAny) },
		"safe":       func(c *call) (any, error) { return operand(c, c.m.safe) },
		"length":     length,
		"count":      length,
		"default":    otherwise,
		"d":          otherwise,
		"first":      end(0),
		"last":       end(-1),
		"list":       func(c *call) (any, error) { return operand(c, listOf(c)) },
		"items":      items,
		"join":       join,
		"tojson":     toJSON,
		"int":        toInt,
		"float":      toFloat,
		"abs":        absolute,
		"round":      round,
		"sum":        sum,
		"min":        extreme(-1),
		"max":        extreme(1),
		"sort":       sortFilter,
		"dictsort":   dictSort,
		"reverse":    reverse,
		"unique":     unique,
		"map":        mapFilter,
		"select":     choose(true, false),
		"reject":     choose(false, false),
		"selectattr": choose(true, true),
		"rejectattr": choose(false, true),
		"indent":     indent,
		"attr":       attr,
	}
}

// operand calls f with the operand of a filter without arguments.
func operand(c *call, f func(v any) (any, error)) (any, error) {
	values, err := c.bind(1, "value")
	if err != nil {
		return nil, err
	}
	return f(values[0])
}

// strAny is str as a value.
func (m *machine) strAny(v any) (any, error) {
	s, err := m.str(v)
	return s, err
}

// safe makes a value markup.
func (m *machine) safe(v any) (any, error) {
	s, err := m.str(v)
	return markup(s), err
}

// onText makes a filter of a method of strings: it reads its operand as text.
func onText(name string) builtin {
	return func(c *call) (any, error) {
		if _, ok := c.positional[0].(markup); ok {
			return nil, fmt.Errorf("found %s before the filter %s, which is not supported", typeName(c.positional[0]), name)
		}
		text, err := c.m.str(c.positional[0])
		if err != nil {
			return nil, err
		}
		rest := *c
		rest.positional = c.positional[1:]
		return textMethods[name](&rest, text)
	}
}

func listOf(c *call) func(v any) (any, error) {
	return func(v any) (any, error) {
		all, err := c.m.elements(v)
		if err != nil {
			return nil, err
		}
		return c.m.list(all)
	}
}

func length(c *call) (any, error) {
	return operand(c, func(v any) (any, error) {
		if text, ok := v.(string); ok {
			return int64(utf8.RuneCountInString(text)), nil
		}
		all, err := c.m.elements(v)
		return int64(len(all)), err
	})
}

// otherwise is default(value, default_value, boolean).
func otherwise(c *call) (any, error) {
	values, err := c.bind(1, "value", "default_value", "boolean")
	if err != nil {
		return nil, err
	}
	for i, usual := range []any{nil, "", false} {
		if values[i] == absent {
			values[i] = usual
		}
	}
	if isUndefined(values[0]) || truth(values[2]) && !truth(values[0]) {
		return values[1], nil
	}
	return values[0], nil
}

// end is the first or the last element.
func end(at int64) builtin {
	return func(c *call) (any, error) {
		return operand(c, func(v any) (any, error) {
			all, err := c.m.elements(v)
			if err != nil {
				return nil, err
			}
			found, err := index(all, at)
			if err != nil {
				return undefined{"the " + map[int64]string{0: "first", -1: "last"}[at] + " of no elements"}, nil
			}
			return found, nil
		})
	}
}

func items(c *call) (any, error) {
	return operand(c, func(v any) (any, error) {
		if isUndefined(v) {
			return c.m.list(nil)
		}
		d, ok := v.(*Dict)
		if !ok {
			return nil, fmt.Errorf("found %s before the filter items, expected a dict", typeName(v))
		}
		return dictMethods["items"](&call{m: c.m, name: "items"}, d)
	})
}

func join(c *call) (any, error) {
	values, err := c.bind(1, "value", "d", "attribute")
	if err != nil {
		return nil, err
	}
	between := ""
	if values[1] != absent {
		if between, err = c.m.str(values[1]); err != nil {
			return nil, err
		}
	}
	all, err := c.m.elements(values[0])
	if err != nil {
		return nil, err
	}
	if values[2] != absent {
		if all, err = c.attributes(all, values[2], absent); err != nil {
			return nil, err
		}
	}
	return c.m.joinAll(all, between)
}

// attributes lists an attribute of each element; path may have dots, and a default may stand for what is undefined.
func (c *call) attributes(all []any, path, otherwise any) ([]any, error) {
	if err := c.m.spend(itemBytes * len(all)); err != nil {
		return nil, err
	}
	some := make([]any, len(all))
	for i, v := range all {
		got, err := c.path(v, path)
		if err != nil {
			return nil, err
		}
		if isUndefined(got) && otherwise != absent {
			got = otherwise
		}
		some[i] = got
	}
	return some, nil
}

// path is the attribute of a value that a path with dots leads to.
func (c *call) path(v, path any) (any, error) {
	if err := c.m.step(); err != nil {
		return nil, err
	}
	name, ok := path.(string)
	if !ok {
		return nil, fmt.Errorf("found %s as an attribute of %s, expected a string", typeName(path), c.name)
	}
	for _, part := range strings.Split(name, ".") {
		var key any = part
		if n, err := strconv.ParseInt(part, 10, 64); err == nil {
			key = n
		}
		var err error
		if v, err = (&item{&constant{v}, &constant{key}}).eval(c.m, nil); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// toJSON is that of transformers: json.dumps without escapes for HTML.
func toJSON(c *call) (any, error) {
	values, err := c.bind(1, "value", "ensure_ascii", "indent", "separators", "sort_keys")
	if err != nil {
		return nil, err
	}
	s := jsonStyle{item: ", ", key: ": ", wide: values[1] == absent || !truth(values[1]), sorted: values[4] != absent && truth(values[4])}
	switch v := values[2].(type) {
	case int64:
		s.indent, s.item = strings.Repeat(" ", int(min(max(v, 0), 64))), ","
		if s.indent == "" {
			return nil, errors.New("found an indent of 0 of tojson, expected at least 1 or none")
		}
	case string:
		s.indent, s.item = v, ","
	default:
		if v != absent && v != nil {
			return nil, fmt.Errorf("found %s as the indent of tojson, expected an int or a string", typeName(v))
		}
	}
	if values[3] != absent && values[3] != nil {
		l, ok := values[3].(*List)
		if !ok || len(l.items) != 2 {
			return nil, errors.New("found separators of tojson that are no pair, expected two strings")
		}
		var okItem, okKey bool
		s.item, okItem = l.items[0].(string)
		s.key, okKey = l.items[1].(string)
		if !okItem || !okKey {
			return nil, errors.New("found separators of tojson that are no strings, expected two strings")
		}
	}
	var b strings.Builder
	err = c.m.json(&b, values[0], s, "")
	return b.String(), err
}

// toInt is int(value, default): text that is no number becomes the default.
func toInt(c *call) (any, error) {
	values, err := c.bind(1, "value", "default")
	if err != nil {
		return nil, err
	}
	if values[1] == absent {
		values[1] = int64(0)
	}
	v := values[0]
	if text, ok := v.(string); ok {
		if n, err := strconv.ParseInt(strings.TrimFunc(text, isSpace), 10, 64); err == nil {
			return n, nil
		}
		f, err := strconv.ParseFloat(strings.TrimFunc(text, isSpace), 64)
		if err != nil {
			return values[1], nil
		}
		v = f
	}
	i, f, isInt, ok := number(v)
	switch {
	case !ok:
		return values[1], nil
	case isInt:
		return i, nil
	case math.IsNaN(f) || math.Abs(f) >= 1<<63:
		return values[1], nil
	}
	return int64(f), nil
}

func toFloat(c *call) (any, error) {
	values, err := c.bind(1, "value", "default")
	if err != nil {
		return nil, err
	}
	if values[1] == absent {
		values[1] = 0.0
	}
	if text, ok := values[0].(string); ok {
		if f, err := strconv.ParseFloat(strings.TrimFunc(text, isSpace), 64); err == nil {
			return f, nil
		}
		return values[1], nil
	}
	if _, f, _, ok := number(values[0]); ok {
		return f, nil
	}
	return values[1], nil
}

func absolute(c *call) (any, error) {
	return operand(c, func(v any) (any, error) {
		i, f, isInt, ok := number(v)
		switch {
		case !ok:
			return nil, fmt.Errorf("found %s before the filter abs, expected a number", typeName(v))
		case isInt && i >= 0:
			return i, nil
		case isInt:
			return intOp("-", 0, i)
		}
		return math.Abs(f), nil
	})
}

func round(c *call) (any, error) {
	values, err := c.bind(1, "value", "precision", "method")
	if err != nil {
		return nil, err
	}
	digits, err := c.integer(values[1], 0)
	if err != nil {
		return nil, err
	}
	_, f, _, ok := number(values[0])
	if !ok || digits < 0 || digits > 15 {
		return nil, fmt.Errorf("found %s to round to %d digits, expected a number and 0 to 15", typeName(values[0]), digits)
	}
	scale := math.Pow(10, float64(digits))
	switch values[2] {
	case absent, "common":
		rounded, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(digits), 64), 64) // ties of binary fractions to even
		return rounded, err
	case "ceil":
		return math.Ceil(f*scale) / scale, nil
	case "floor":
		return math.Floor(f*scale) / scale, nil
	}
	return nil, errors.New("found another method of round, expected common, ceil or floor")
}

func sum(c *call) (any, error) {
	values, err := c.bind(1, "iterable", "attribute", "start")
	if err != nil {
		return nil, err
	}
	all, err := c.m.elements(values[0])
	if err == nil && values[1] != absent && values[1] != nil {
		all, err = c.attributes(all, values[1], absent)
	}
	if err != nil {
		return nil, err
	}
	total := values[2]
	if total == absent {
		total = int64(0)
	}
	for _, v := range all {
		if total, err = c.m.operate("+", total, v); err != nil {
			return nil, err
		}
	}
	return total, nil
}

// key returns what values are ordered by: an attribute, in lower case unless case matters.
func (c *call) key(attribute, sensitive any) func(v any) (any, error) {
	return func(v any) (any, error) {
		if attribute != absent && attribute != nil {
			var err error
			if v, err = c.path(v, attribute); err != nil {
				return nil, err
			}
		}
		if text, ok := v.(string); ok && (sensitive == absent || !truth(sensitive)) {
			return c.m.text(lower(text))
		}
		return v, nil
	}
}

// extreme is the least or the greatest element, the first of equal ones.
func extreme(sign int) builtin {
	return func(c *call) (any, error) {
		values, err := c.bind(1, "value", "case_sensitive", "attribute")
		if err != nil {
			return nil, err
		}
		all, err := c.m.elements(values[0])
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			return undefined{"the extreme of no elements"}, nil
		}
		key := c.key(values[2], values[1])
		best := all[0]
		bestKey, err := key(best)
		if err != nil {
			return nil, err
		}
		for _, v := range all[1:] {
			k, err := key(v)
			if err != nil {
				return nil, err
			}
			order, err := compare(k, bestKey)
			if err != nil {
				return nil, err
			}
			if order*sign > 0 {
				best, bestKey = v, k
			}
		}
		return best, nil
	}
}

// sorted orders values by a key, equal ones as they come.
func sorted(m *machine, all []any, key func(v any) (any, error), reverse bool) ([]any, error) {
	type pair struct{ key, value any }
	pairs := make([]pair, len(all))
	for i, v := range all {
		k, err := key(v)
		if err != nil {
			return nil, err
		}
		pairs[i] = pair{k, v}
	}
	if err := m.spend(4 * itemBytes * len(all)); err != nil {
		return nil, err
	}
	var failed error
	slices.SortStableFunc(pairs, func(a, b pair) int {
		order, err := compare(a.key, b.key)
		if stepped := m.step(); err == nil {
			err = stepped
		}
		if failed == nil {
			failed = err
		}
		if reverse {
			order = -order
		}
		return order
	})
	some := make([]any, len(pairs))
	for i, p := range pairs {
		some[i] = p.value
	}
	return some, failed
}

func sortFilter(c *call) (any, error) {
	values, err := c.bind(1, "value", "reverse", "case_sensitive", "attribute")
	if err != nil {
		return nil, err
	}
	all, err := c.m.elements(values[0])
	if err != nil {
		return nil, err
	}
	some, err := sorted(c.m, all, c.key(values[3], values[2]), values[1] != absent && truth(values[1]))
	if err != nil {
		return nil, err
	}
	return c.m.list(some)
}

func dictSort(c *call) (any, error) {
	values, err := c.bind(1, "value", "case_sensitive", "by", "reverse")
	if err != nil {
		return nil, err
	}
	d, ok := values[0].(*Dict)
	if !ok {
		return nil, fmt.Errorf("found %s before the filter dictsort, expected a dict", typeName(values[0]))
	}
	at := "0"
	if values[2] == "value" {
		at = "1"
	}
	pairs, err := dictMethods["items"](&call{m: c.m, name: "items"}, d)
	if err != nil {
		return nil, err
	}
	some, err := sorted(c.m, pairs.(*List).items, c.key(at, values[1]), values[3] != absent && truth(values[3]))
	if err != nil {
		return nil, err
	}
	return c.m.list(some)
}

func reverse(c *call) (any, error) {
	return operand(c, func(v any) (any, error) {
		all, err := c.m.elements(v)
		if err != nil {
			return nil, err
		}
		some := slices.Clone(all)
		slices.Reverse(some)
		if _, ok := v.(string); ok {
			return c.m.joinAll(some, "")
		}
		return c.m.list(some)
	})
}

func unique(c *call) (any, error) {
	values, err := c.bind(1, "value", "case_sensitive", "attribute")
	if err != nil {
		return nil, err
	}
	all, err := c.m.elements(values[0])
	if err != nil {
		return nil, err
	}
	key := c.key(values[2], values[1])
	seen, some := &Dict{}, []any(nil)
	for _, v := range all {
		k, err := key(v)
		if err != nil {
			return nil, err
		}
		if _, ok := seen.get(k); ok {
			continue
		}
		if err := seen.set(k, true); err != nil {
			return nil, err
		}
		some = append(some, v)
	}
	return c.m.list(some)
}

// mapFilter is map(attribute=…, default=…), or map of a filter and its arguments.
func mapFilter(c *call) (any, error) {
	all, err := c.orNothing(c.positional[0])
	if err != nil {
		return nil, err
	}
	if len(c.positional) == 1 {
		values, err := c.bind(1, "value", "attribute", "default")
		if err != nil {
			return nil, err
		}
		some, err := c.attributes(all, values[1], values[2])
		if err != nil {
			return nil, err
		}
		return c.m.list(some)
	}
	name, _ := c.positional[1].(string)
	f := filters[name]
	if f == nil {
		return nil, fmt.Errorf("found the filter %q, which is not supported", clip(name))
	}
	some := make([]any, len(all))
	for i, v := range all {
		if some[i], err = c.each(f, "the filter "+name, v, c.positional[2:]); err != nil {
			return nil, err
		}
	}
	return c.m.list(some)
}

// orNothing lists the elements of a value; none has none.
func (c *call) orNothing(v any) ([]any, error) {
	if !truth(v) {
		return nil, nil
	}
	return c.m.elements(v)
}

// each calls a filter or a test with one element.
func (c *call) each(f builtin, name string, v any, rest []any) (any, error) {
	if err := errors.Join(c.m.step(), c.m.deeper()); err != nil {
		return nil, err
	}
	defer func() { c.m.depth-- }()
	return f(&call{c.m, c.scope, name, append([]any{v}, rest...), c.names, c.named})
}

// choose is select, reject, selectattr and rejectattr: the elements for which a test holds, or does not hold.
func choose(want, byAttribute bool) builtin {
	return func(c *call) (any, error) {
		all, err := c.orNothing(c.positional[0])
		if err != nil {
			return nil, err
		}
		of, rest := all, c.positional[1:]
		if byAttribute {
			if len(rest) == 0 {
				return nil, fmt.Errorf("found no attribute of %s, expected one", c.name)
			}
			if of, err = c.attributes(all, rest[0], absent); err != nil {
				return nil, err
			}
			rest = rest[1:]
		}
		test, name := is(truth), "truth"
		if len(rest) > 0 {
			name, _ = rest[0].(string)
			if test = tests[name]; test == nil {
				return nil, fmt.Errorf("found the test %q, which is not supported", clip(name))
			}
			rest = rest[1:]
		}
		var some []any
		for i, v := range all {
			ok, err := c.each(test, "the test "+name, of[i], rest)
			if err != nil {
				return nil, err
			}
			if truth(ok) == want {
				some = append(some, v)
			}
		}
		return c.m.list(some)
	}
}

// indent is indent(width, first, blank): white space before lines.
func indent(c *call) (any, error) {
	values, err := c.bind(1, "s", "width", "first", "blank")
	if err != nil {
		return nil, err
	}
	text, err := c.m.str(values[0])
	if err != nil {
		return nil, err
	}
	margin, ok := values[1].(string)
	if !ok {
		n, err := c.integer(values[1], 4)
		if err != nil {
			return nil, err
		}
		margin = strings.Repeat(" ", int(min(max(n, 0), 1000)))
	}
	first, blank := values[2] != absent && truth(values[2]), values[3] != absent && truth(values[3])
	lines := strings.Split(text, "\n")
	if err := c.m.spend(len(text) + (len(margin)+itemBytes)*len(lines)); err != nil {
		return nil, err
	}
	for i, line := range lines {
		if (i > 0 || first) && (line != "" || blank || i == 0) {
			lines[i] = margin + line
		}
	}
	return c.m.text(strings.Join(lines, "\n"))
}

func attr(c *call) (any, error) {
	values, err := c.bind(2, "obj", "name")
	if err != nil {
		return nil, err
	}
	name, ok := values[1].(string)
	if !ok {
		return nil, fmt.Errorf("found %s as an attribute, expected a string", typeName(values[1]))
	}
	return attributeOf(values[0], name)
}
