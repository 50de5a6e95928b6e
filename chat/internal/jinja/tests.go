package jinja

import "fmt"

// tests are the tests behind is, by name.
var tests map[string]builtin

func init() { // a map of functions that read maps of functions
	tests = map[string]builtin{
		"defined":   is(func(v any) bool { return !isUndefined(v) }),
		"undefined": is(isUndefined),
		"none":      is(func(v any) bool { return v == nil }),
		"boolean":   is(func(v any) bool { _, ok := v.(bool); return ok }),
		"true":      is(func(v any) bool { return v == true }),
		"false":     is(func(v any) bool { return v == false }),
		"integer":   is(func(v any) bool { _, ok := v.(int64); return ok }),
		"float":     is(func(v any) bool { _, ok := v.(float64); return ok }),
		"number":    is(func(v any) bool { _, _, _, ok := number(v); return ok }),
		"string":    is(isText),
		"mapping":   is(func(v any) bool { _, ok := v.(*Dict); return ok }),
		"sequence":  is(isSequence),
		"iterable":  is(isSequence),
		"callable":  is(isCallable),
		"odd":       remainder(1),
		"even":      remainder(0),

		"divisibleby": func(c *call) (any, error) {
			values, err := c.bind(2, "value", "num")
			if err != nil {
				return nil, err
			}
			rest, err := c.m.operate("%", values[0], values[1])
			return err == nil && equal(rest, int64(0)), err
		},
	}
	for _, names := range [][]string{
		{"==", "eq", "equalto"}, {"!=", "ne"}, {"<", "lt", "lessthan"}, {"<=", "le"}, {">", "gt", "greaterthan"}, {">=", "ge"}, {"in", "in"},
	} {
		for _, name := range names[1:] {
			tests[name] = relation(names[0])
		}
	}
}

func isText(v any) bool {
	switch v.(type) {
	case string, markup:
		return true
	}
	return false
}

func isUndefined(v any) bool { _, ok := v.(undefined); return ok }

func isSequence(v any) bool {
	switch v.(type) {
	case string, markup, *List, *Dict, undefined: // what is undefined has no elements
		return true
	}
	return false
}

func isCallable(v any) bool {
	switch v.(type) {
	case function, *macro:
		return true
	}
	return false
}

// is makes a test without arguments.
func is(holds func(v any) bool) builtin {
	return func(c *call) (any, error) {
		values, err := c.bind(1, "value")
		if err != nil {
			return nil, err
		}
		return holds(values[0]), nil
	}
}

// remainder tests the remainder of a division by 2.
func remainder(want int64) builtin {
	return func(c *call) (any, error) {
		values, err := c.bind(1, "value")
		if err != nil {
			return nil, err
		}
		n, _, isInt, _ := number(values[0])
		if !isInt {
			return nil, fmt.Errorf("found %s to divide by 2, expected an int", typeName(values[0]))
		}
		return n&1 == want, nil
	}
}

// relation tests a comparison with an argument.
func relation(op string) builtin {
	return func(c *call) (any, error) {
		values, err := c.bind(2, "value", "other")
		if err != nil {
			return nil, err
		}
		return holds(op, values[0], values[1])
	}
}
