package jinja

import (
	"errors"
	"fmt"
)

// globals are the functions of every template.
var globals = map[string]builtin{
	"range":     rangeOf,
	"namespace": newNamespace,
	"dict":      newDict,
	"raise_exception": func(c *call) (any, error) {
		values, err := c.bind(1, "message")
		if err != nil {
			return nil, err
		}
		text, err := c.m.str(values[0])
		if err != nil {
			return nil, err
		}
		return nil, &Raised{text}
	},
}

// rangeOf is range(stop) or range(start, stop, step).
func rangeOf(c *call) (any, error) {
	values, err := c.bind(1, "start", "stop", "step")
	if err != nil {
		return nil, err
	}
	if values[1] == absent {
		values[0], values[1] = absent, values[0]
	}
	var n [3]int64
	for i, otherwise := range []int64{0, 0, 1} {
		if n[i], err = c.integer(values[i], otherwise); err != nil {
			return nil, err
		}
	}
	start, stop, step := n[0], n[1], n[2]
	if step == 0 {
		return nil, errors.New("found the step 0 of range, expected another")
	}
	const most = 100_000 // as Jinja's sandbox has it
	var items []any
	for i := start; step > 0 && i < stop || step < 0 && i > stop; {
		if len(items) == most {
			return nil, fmt.Errorf("found a range of more than %d numbers, expected fewer", most)
		}
		items = append(items, i)
		next := i + step
		if (next > i) != (step > 0) {
			break
		}
		i = next
	}
	return c.m.list(items)
}

// newNamespace is namespace(name=value, …).
func newNamespace(c *call) (any, error) {
	n := &namespace{values: map[string]any{}}
	d, err := newDict(c)
	if err != nil {
		return nil, err
	}
	for key, v := range d.(*Dict).values {
		name, ok := key.(string)
		if !ok {
			return nil, fmt.Errorf("found %s as the name of an attribute, expected a string", typeName(key))
		}
		n.values[name] = v
	}
	return n, nil
}

// newDict is dict(name=value, …), which may begin with the pairs of another dict.
func newDict(c *call) (any, error) {
	d := &Dict{}
	if len(c.positional) > 1 {
		return nil, fmt.Errorf("found %d arguments without names of %s, expected at most 1", len(c.positional), c.name)
	}
	if len(c.positional) == 1 {
		from, ok := c.positional[0].(*Dict)
		if !ok {
			return nil, fmt.Errorf("found %s as the argument of %s, expected a dict", typeName(c.positional[0]), c.name)
		}
		for _, key := range from.keys {
			if err := d.set(key, from.values[key]); err != nil {
				return nil, err
			}
		}
	}
	for i, name := range c.names {
		if err := d.set(name, c.named[i]); err != nil {
			return nil, err
		}
	}
	return d, c.m.spend(itemBytes * len(d.keys))
}
