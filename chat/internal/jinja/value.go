package jinja

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// A value is nil (none), a bool, an int64, a float64, a string, a markup, a *List, a *Dict, a *namespace, a *loop, a *macro, a function
// or an undefined.

// List is a list or a tuple of Python. It does not change.
type List struct {
	items []any
	tuple bool
	depth int
}

// Dict is a dict of Python, in the order of its keys. It does not change.
type Dict struct {
	keys   []any
	values map[any]any
	depth  int
}

// undefined is the value of a name that nothing is bound to. It is empty text, no element and false; other uses are errors.
type undefined struct{ what string }

// namespace is a value whose attributes a template may set, in a loop too.
type namespace struct{ values map[string]any }

// markup is text behind the filter safe. Text that is added to it by + is escaped for HTML, as in Jinja. It can also be written, tested and
// joined by ~; other uses are errors here.
type markup string

// macro is a part of a template that is called like a function.
type macro struct {
	name       string
	parameters []string
	defaults   []expr // nil: undefined
	body       []stmt
	scope      *scope // in which it is defined
}

// function is a function or a method.
type function struct {
	name string
	call builtin
}

// maxDepth bounds lists and dicts within one another.
const maxDepth = 200

var errDepth = fmt.Errorf("found more than %d lists or dicts within one another", maxDepth)

// depthOf is the number of lists and dicts within one another.
func depthOf(v any) int {
	switch v := v.(type) {
	case *List:
		return v.depth
	case *Dict:
		return v.depth
	}
	return 0
}

// newList makes a list of items, which the caller does not change any more.
func newList(items []any, tuple bool) (*List, error) {
	l := &List{items: items, tuple: tuple, depth: 1}
	for _, v := range items {
		l.depth = max(l.depth, 1+depthOf(v))
	}
	if l.depth > maxDepth {
		return nil, errDepth
	}
	return l, nil
}

// set binds a key of a dict that is being made.
func (d *Dict) set(key, value any) error {
	key, err := hashable(key)
	if err != nil {
		return err
	}
	if d.values == nil {
		d.values, d.depth = map[any]any{}, 1
	}
	if _, ok := d.values[key]; !ok {
		d.keys = append(d.keys, key)
	}
	d.values[key] = value
	if d.depth = max(d.depth, 1+depthOf(value)); d.depth > maxDepth {
		return errDepth
	}
	return nil
}

// get is the value of a key.
func (d *Dict) get(key any) (v any, ok bool) {
	if key, err := hashable(key); err == nil {
		v, ok = d.values[key]
	}
	return v, ok
}

// hashable is a value as the key of a dict: numbers that are equal are one key, as in Python.
func hashable(key any) (any, error) {
	switch k := key.(type) {
	case nil, string, int64:
		return k, nil
	case bool:
		return asInt(k), nil
	case float64:
		if k == math.Trunc(k) && math.Abs(k) < 1<<62 {
			return int64(k), nil
		}
		if k == k {
			return k, nil
		}
	}
	return nil, fmt.Errorf("found %s as a key, expected text or a number", typeName(key))
}

func asInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// typeName is the type of a value, for errors.
func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case bool:
		return "a bool"
	case int64:
		return "an int"
	case float64:
		return "a float"
	case string:
		return "a string"
	case markup:
		return "text behind the filter safe"
	case *List:
		if v.tuple {
			return "a tuple"
		}
		return "a list"
	case *Dict:
		return "a dict"
	case undefined:
		return v.what + ", which is undefined"
	case *namespace:
		return "a namespace"
	case *loop:
		return "loop"
	}
	return "a function"
}

// truth is bool(v) of Python.
func truth(v any) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case markup:
		return v != ""
	case *List:
		return len(v.items) > 0
	case *Dict:
		return len(v.keys) > 0
	}
	return true
}

// number is a value as a number; a bool counts as 0 or 1.
func number(v any) (i int64, f float64, isInt, ok bool) {
	switch v := v.(type) {
	case bool:
		return asInt(v), float64(asInt(v)), true, true
	case int64:
		return v, float64(v), true, true
	case float64:
		return 0, v, false, true
	}
	return 0, 0, false, false
}

// equal is a == b of Python.
func equal(a, b any) bool {
	x, xf, xInt, xOK := number(a)
	y, yf, yInt, yOK := number(b)
	if xOK || yOK {
		return xOK && yOK && (xInt && yInt && x == y || !(xInt && yInt) && xf == yf)
	}
	if m, ok := b.(markup); ok {
		b = string(m)
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case markup:
		return b == string(a)
	case undefined:
		_, ok := b.(undefined)
		return ok
	case string:
		s, ok := b.(string)
		return ok && s == a
	case *List:
		l, ok := b.(*List)
		if !ok || l.tuple != a.tuple || len(l.items) != len(a.items) {
			return false
		}
		for i := range a.items {
			if !equal(a.items[i], l.items[i]) {
				return false
			}
		}
		return true
	case *Dict:
		d, ok := b.(*Dict)
		if !ok || len(d.keys) != len(a.keys) {
			return false
		}
		for k, v := range a.values {
			if w, ok := d.values[k]; !ok || !equal(v, w) {
				return false
			}
		}
		return true
	case *namespace:
		return any(a) == b
	}
	return false
}

// compare orders two numbers, two strings or two lists.
func compare(a, b any) (int, error) {
	x, xf, xInt, xOK := number(a)
	y, yf, yInt, yOK := number(b)
	switch {
	case xOK && yOK && xInt && yInt:
		return order(x < y, x > y), nil
	case xOK && yOK:
		return order(xf < yf, xf > yf), nil
	}
	if s, ok := a.(string); ok {
		if t, ok := b.(string); ok {
			return strings.Compare(s, t), nil
		}
	}
	l, lOK := a.(*List)
	r, rOK := b.(*List)
	if !lOK || !rOK || l.tuple != r.tuple {
		return 0, fmt.Errorf("found %s and %s to compare, expected two numbers, strings or lists", typeName(a), typeName(b))
	}
	for i := range min(len(l.items), len(r.items)) {
		if !equal(l.items[i], r.items[i]) {
			return compare(l.items[i], r.items[i])
		}
	}
	return len(l.items) - len(r.items), nil
}

func order(less, more bool) int {
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
}

// elements lists what a loop over v goes through: elements, keys or characters.
func (m *machine) elements(v any) ([]any, error) {
	switch v := v.(type) {
	case *List:
		return v.items, nil
	case *Dict:
		return v.keys, nil
	case undefined:
		return nil, nil
	case string:
		if err := m.spend(itemBytes * len(v)); err != nil {
			return nil, err
		}
		var all []any
		for _, r := range v {
			all = append(all, string(r))
		}
		return all, nil
	}
	return nil, fmt.Errorf("found %s to go through, expected a list, a dict or text", typeName(v))
}

// contains is needle in v of Python.
func contains(v, needle any) (bool, error) {
	switch v := v.(type) {
	case undefined:
		return false, nil
	case string:
		s, ok := needle.(string)
		if !ok {
			return false, fmt.Errorf("found %s to look for in a string, expected a string", typeName(needle))
		}
		return strings.Contains(v, s), nil
	case *List:
		for _, e := range v.items {
			if equal(e, needle) {
				return true, nil
			}
		}
		return false, nil
	case *Dict:
		_, ok := v.get(needle)
		return ok, nil
	}
	return false, fmt.Errorf("found %s to look in, expected a list, a dict or text", typeName(v))
}

var errNoIndex = errors.New("no index")

// index is the element of a list or the character of a text at i; negative indices count from the end.
func index[T any](of []T, i int64) (v T, err error) {
	if i < 0 {
		i += int64(len(of))
	}
	if i < 0 || i >= int64(len(of)) {
		return v, errNoIndex
	}
	return of[i], nil
}
