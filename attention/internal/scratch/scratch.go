// Package scratch cuts the memory of one goroutine into slices.
package scratch

import "github.com/longspan/longspan/internal/ceil"

// line is the elements between two slices: 64 bytes of float32, a cache line.
const line = 16

// Cutter cuts slices from a buffer, one after the other. Without a buffer it only counts their elements.
type Cutter[T any] struct {
	buffer []T
	taken  int
}

// New returns a Cutter of a buffer, which may be nil.
func New[T any](buffer []T) Cutter[T] { return Cutter[T]{buffer: buffer} }

// Take cuts the next n elements. It returns nil without a buffer.
func (c *Cutter[T]) Take(n int) []T {
	from := c.taken
	c.taken += ceil.Multiple(n, line)
	if c.buffer == nil {
		return nil
	}
	return c.buffer[from : from+n : from+n]
}

// Taken is the number of elements that the slices so far need.
func (c *Cutter[T]) Taken() int { return c.taken }

// Rest is the elements that no slice has.
func (c *Cutter[T]) Rest() []T { return c.buffer[c.taken:] }
