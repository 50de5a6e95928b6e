package jinja

import (
	"errors"
	"fmt"
)

// loop is the variable loop of a loop: where it is.
type loop struct {
	all []any
	at  int
}

func (f *forStmt) exec(m *machine, s *scope) error {
	m.line = f.line
	v, err := m.eval(f.over, s)
	if err != nil {
		return err
	}
	all, err := m.elements(v)
	if err != nil {
		return err
	}
	if f.where != nil {
		if all, err = f.chosen(m, s, all); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		return m.run(f.otherwise, &scope{around: s})
	}
	l := &loop{all: all}
	for l.at = range all {
		if err := f.turn(m, s, l); errors.Is(err, errBreak) {
			return nil
		} else if err != nil && !errors.Is(err, errContinue) {
			return err
		}
	}
	return nil
}

// turn runs the body for the element at hand. What it sets is gone at the next turn.
func (f *forStmt) turn(m *machine, s *scope, l *loop) error {
	if err := m.step(); err != nil {
		return err
	}
	inner := &scope{around: s}
	if err := f.target.bind(m, inner, l.all[l.at]); err != nil {
		return err
	}
	inner.set("loop", l)
	return m.run(f.body, inner)
}

// chosen lists the elements for which the condition of the loop holds.
func (f *forStmt) chosen(m *machine, s *scope, all []any) (some []any, err error) {
	for _, v := range all {
		inner := &scope{around: s}
		if err := f.target.bind(m, inner, v); err != nil {
			return nil, err
		}
		ok, err := m.eval(f.where, inner)
		if err != nil {
			return nil, err
		}
		if truth(ok) {
			some = append(some, v)
		}
	}
	return some, m.spend(itemBytes * len(some))
}

// attribute is loop.name.
func (l *loop) attribute(name string) (any, error) {
	n := len(l.all)
	at := func(i int, what string) any {
		if i < 0 || i >= n {
			return undefined{"loop." + what}
		}
		return l.all[i]
	}
	switch name {
	case "index":
		return int64(l.at + 1), nil
	case "index0":
		return int64(l.at), nil
	case "revindex":
		return int64(n - l.at), nil
	case "revindex0":
		return int64(n - l.at - 1), nil
	case "first":
		return l.at == 0, nil
	case "last":
		return l.at == n-1, nil
	case "length":
		return int64(n), nil
	case "depth": // of a recursive loop
		return int64(1), nil
	case "depth0":
		return int64(0), nil
	case "previtem":
		return at(l.at-1, name), nil
	case "nextitem":
		return at(l.at+1, name), nil
	case "cycle":
		return function{"loop.cycle", l.cycle}, nil
	}
	return nil, fmt.Errorf("found loop.%s, which is not supported", clip(name))
}

// cycle is loop.cycle: the argument of the turn.
func (l *loop) cycle(c *call) (any, error) {
	if len(c.positional) == 0 || len(c.names) > 0 {
		return nil, errors.New("found no arguments of loop.cycle, or named ones, expected some without names")
	}
	return c.positional[l.at%len(c.positional)], nil
}
