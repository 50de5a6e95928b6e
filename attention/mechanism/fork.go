package mechanism

import (
	"fmt"
	"slices"

	"github.com/longspan/longspan/tensor"
)

// Forker is a [State] from which the states of other continuations of its sequence begin, as those of the beams of a search.
type Forker interface {
	State
	// Fork returns a state of its own after the same tokens. It takes as much memory as s, from its pool.
	Fork() State
	// Follow makes s the state of the tokens of other, which has as many: a Fork of the same state. The first shared tokens of both are the
	// same. What belongs to them is not copied.
	Follow(other State, shared int) error
}

// Fork copies the keys and values in memory.
func (c *KeyValues) Fork() State {
	f := *c
	f.positions = slices.Clone(c.positions)
	f.k, f.v = tensor.Mat{}, tensor.Mat{}
	if c.k.Rows > 0 {
		f.k, f.v = c.pool.Get(c.k.Type, c.k.Rows, c.k.Cols), c.pool.Get(c.v.Type, c.v.Rows, c.v.Cols)
		f.copyRows(c, 0)
	}
	return &f
}

// copyRows copies rows of other, from a row on, which lie at the same places.
func (c *KeyValues) copyRows(other *KeyValues, from int) {
	if c.k.Dry() || from >= c.rows {
		return
	}
	c.k.SliceRows(from, c.rows).CopyFrom(other.k.SliceRows(from, c.rows))
	c.v.SliceRows(from, c.rows).CopyFrom(other.v.SliceRows(from, c.rows))
}

// Follow copies the keys and values of the tokens after the shared ones. Stores that began as forks and took steps of the same sizes have
// their keys at the same places.
func (c *KeyValues) Follow(other State, shared int) error {
	o, ok := other.(*KeyValues)
	if !ok || o.tokens != c.tokens || o.rows != c.rows || o.k.Rows != c.k.Rows || !slices.Equal(o.positions, c.positions) {
		return fmt.Errorf("mechanism: found a %T that is no fork after as many steps, expected one", other)
	}
	row := 0
	for _, s := range c.positions {
		row += max(0, min(s.Hi, shared)-s.Lo)
	}
	c.copyRows(o, row)
	return nil
}

// Fork copies the sums, whose size is constant.
func (s linearState) Fork() State {
	f := s
	f.s = s.s.Clone()
	return f
}

// Follow copies the sums.
func (s linearState) Follow(other State, _ int) error {
	o, ok := other.(linearState)
	if !ok {
		return fmt.Errorf("mechanism: found a %T that is no fork, expected one", other)
	}
	*s.s = *o.s.Clone()
	return nil
}
