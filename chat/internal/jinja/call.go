package jinja

import (
	"fmt"
	"slices"
)

// builtin is a filter, a test, a function or a method. The first argument of a filter and of a test is its operand.
type builtin func(c *call) (any, error)

// call is a call with its arguments.
type call struct {
	m          *machine
	scope      *scope
	name       string
	positional []any
	names      []string
	named      []any
}

// unsupported is a filter or a test that this package does not have.
func unsupported(what, name string) builtin {
	return func(*call) (any, error) {
		return nil, fmt.Errorf("found the %s %q, which is not supported", what, clip(name))
	}
}

// absent is the value of an argument that is not given.
var absent any = &struct{ absent bool }{true}

// bind returns the arguments of the given names, absent where one is not given. The first ones are required.
func (c *call) bind(required int, names ...string) ([]any, error) {
	if len(c.positional) > len(names) {
		return nil, fmt.Errorf("found %d arguments of %s, expected at most %d", len(c.positional), c.name, len(names))
	}
	values := slices.Repeat([]any{absent}, len(names))
	copy(values, c.positional)
	for i, name := range c.names {
		at := slices.Index(names, name)
		if at < 0 {
			return nil, fmt.Errorf("found the argument %s of %s, which does not have it, or is not supported with it", clip(name), c.name)
		}
		if values[at] != absent {
			return nil, fmt.Errorf("found the argument %s of %s twice, expected once", name, c.name)
		}
		values[at] = c.named[i]
	}
	for i := range required {
		if values[i] == absent {
			return nil, fmt.Errorf("found no argument %s of %s, expected one", names[i], c.name)
		}
	}
	return values, nil
}

// strings are the arguments of the given names as strings, with defaults.
func (c *call) strings(required int, names []string, defaults ...string) ([]string, error) {
	values, err := c.bind(required, names...)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(names))
	for i, v := range values {
		text, ok := v.(string)
		switch {
		case v == absent:
			text = defaults[i]
		case !ok:
			return nil, fmt.Errorf("found %s as the argument %s of %s, expected a string", typeName(v), names[i], c.name)
		}
		texts[i] = text
	}
	return texts, nil
}

// integer is an argument as a number, with a default.
func (c *call) integer(v any, otherwise int64) (int64, error) {
	if v == absent || v == nil {
		return otherwise, nil
	}
	n, _, isInt, _ := number(v)
	if !isInt {
		return 0, fmt.Errorf("found %s as an argument of %s, expected an int", typeName(v), c.name)
	}
	return n, nil
}

// make evaluates arguments behind the operands.
func (a arguments) make(m *machine, s *scope, name string, operands ...any) (*call, error) {
	positional, err := m.evalAll(a.positional, s)
	if err != nil {
		return nil, err
	}
	named, err := m.evalAll(a.named, s)
	return &call{m, s, name, append(operands, positional...), a.names, named}, err
}

func (i *invocation) eval(m *machine, s *scope) (any, error) {
	callee, err := m.eval(i.callee, s)
	if err != nil {
		return nil, err
	}
	switch f := callee.(type) {
	case function:
		c, err := i.make(m, s, f.name)
		if err != nil {
			return nil, err
		}
		return f.call(c)
	case *macro:
		c, err := i.make(m, s, f.name)
		if err != nil {
			return nil, err
		}
		return f.invoke(m, c)
	}
	return nil, fmt.Errorf("found a call of %s, expected a function", typeName(callee))
}

func (f *filtered) eval(m *machine, s *scope) (any, error) {
	v, err := m.eval(f.of, s)
	if err != nil {
		return nil, err
	}
	return f.apply(m, s, v)
}

func (f *filtered) apply(m *machine, s *scope, v any) (any, error) {
	c, err := f.make(m, s, "the filter "+f.name, v)
	if err != nil {
		return nil, err
	}
	return f.filter(c)
}

func (t *tested) eval(m *machine, s *scope) (any, error) {
	v, err := m.eval(t.of, s)
	if err != nil {
		return nil, err
	}
	c, err := t.make(m, s, "the test "+t.name, v)
	if err != nil {
		return nil, err
	}
	ok, err := t.test(c)
	if err != nil {
		return nil, err
	}
	return truth(ok) != t.negated, nil
}
