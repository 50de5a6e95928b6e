package mechanism

import (
	"fmt"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// KeyValues is the State of softmax attention: the keys and values of one sequence that a later query may see, by the pattern, and
// as many more as make room for them cheap. Under a pattern of bounded reach it is bounded too. Its memory comes from a pool.
type KeyValues struct {
	pool      *tensor.Pool
	layer     softmaxLayer
	k, v      tensor.Mat     // [room, Hkv·D]
	positions []pattern.Span // of the rows in use: ascending, not touching
	rows      int            // in use
	tokens    int            // appended so far
	last      int            // of the last Append
}

// NewKeyValues returns an empty store for keys that are not the queries' own tokens, such as those of a source: Attend reads all of
// them, whatever the pattern of l. The mechanism of l must be softmax attention.
func NewKeyValues(pool *tensor.Pool, l Layer) (*KeyValues, error) {
	s, ok := l.(softmaxLayer)
	if !ok {
		return nil, fmt.Errorf("mechanism: found a layer of %T, expected softmax attention over a pattern", l)
	}
	s.c.Pattern = pattern.Full()
	return &KeyValues{pool: pool, layer: s}, nil
}

// Widths are those of the layer.
func (c *KeyValues) Widths() Widths { return c.layer.Widths() }

// Learned is that of the layer.
func (c *KeyValues) Learned() []Learned { return c.layer.Learned() }

// Tokens is the number of keys appended: the position of the next.
func (c *KeyValues) Tokens() int { return c.tokens }

// Rows is the number of keys in memory.
func (c *KeyValues) Rows() int { return c.rows }

// Oldest is the position of the first key that a later query may see: Tokens if there is none.
func (c *KeyValues) Oldest() int {
	if retained := pattern.Retained(nil, c.layer.c.Pattern, c.tokens); len(retained) > 0 {
		return retained[0].Lo
	}
	return c.tokens
}

// Work is two products with every key in memory.
func (c *KeyValues) Work(n int) (flops, bytes int64) {
	w, rows := c.Widths(), int64(c.rows)
	return 4 * rows * int64(n) * int64(w.Q), rows * int64(2*w.KV*c.k.Type.Size())
}

// Step appends the keys and values of in, and attends its queries to the keys that the pattern shows them. Rows of r in in.Learned are
// the distances from 0 on.
func (c *KeyValues) Step(x tensor.Exec, out tensor.Mat, in In) error {
	c.Append(in.K, in.V)
	return attention.DecodeCached(x, c.config(in.Learned), c.positions, attention.Out{O: out}, c.in(in.Q))
}

// Attend attends queries q [n, H·D] to all keys, which stay as they are.
func (c *KeyValues) Attend(x tensor.Exec, out, q tensor.Mat, learned []tensor.Mat) error {
	config := c.config(learned)
	config.Pattern = nil
	if q.Rows <= c.rows {
		return attention.DecodeCached(x, config, c.positions, attention.Out{O: out}, c.in(q))
	}
	// DecodeCached takes each query for one of the keys; here there are more queries.
	a, err := attention.New(config, []attention.Seq{{Q: q.Rows, K: c.rows}})
	if err != nil {
		return err
	}
	return a.Forward(x, attention.Out{O: out}, c.in(q))
}

func (c *KeyValues) in(q tensor.Mat) attention.In {
	return attention.In{Q: q, K: c.k.SliceRows(0, c.rows), V: c.v.SliceRows(0, c.rows)}
}

func (c *KeyValues) config(learned []tensor.Mat) attention.Config {
	config := c.layer.c
	config.Sinks, config.Bias = c.layer.bind(learned, 0)
	return config
}

// Reset empties the store, and keeps its memory for another sequence.
func (c *KeyValues) Reset() { c.positions, c.rows, c.tokens, c.last = c.positions[:0], 0, 0, 0 }

// Free returns the memory to the pool, and empties the store.
func (c *KeyValues) Free() {
	c.pool.Put(c.k)
	c.pool.Put(c.v)
	*c = KeyValues{pool: c.pool, layer: c.layer}
}

// Append adds rows of K and V. To make room it evicts keys that no later query sees.
func (c *KeyValues) Append(k, v tensor.Mat) {
	n := k.Rows
	if c.rows+n > c.k.Rows || c.last > cacheSlack { // a long prompt, few of whose keys may be seen again
		c.makeRoom(k)
	}
	if !k.Dry() {
		c.k.SliceRows(c.rows, c.rows+n).CopyFrom(k)
		c.v.SliceRows(c.rows, c.rows+n).CopyFrom(v)
	}
	c.positions = appendSpan(c.positions, pattern.Span{Lo: c.tokens, Hi: c.tokens + n})
	c.rows, c.tokens, c.last = c.rows+n, c.tokens+n, n
}

// appendSpan appends s, which begins at or after the last, and joins it to that where they touch.
func appendSpan(spans []pattern.Span, s pattern.Span) []pattern.Span {
	if last := len(spans) - 1; last >= 0 && spans[last].Hi == s.Lo {
		spans[last].Hi = s.Hi
		return spans
	}
	return append(spans, s)
}

// cacheSlack is the least number of free rows after a move: a retained key is moved once in cacheSlack tokens or more.
const cacheSlack = 128

// makeRoom moves retained keys to the front, or to other memory where the present one is too small, or more than twice as large as
// needed. Half of the retained rows are left free: a state that retains everything grows by half, and another moves two rows a token.
func (c *KeyValues) makeRoom(like tensor.Mat) {
	kept := c.retained()
	rows := like.Rows
	for _, s := range kept {
		rows += s.Len()
	}
	if rows == c.rows+like.Rows && rows <= c.k.Rows {
		return
	}
	room := rows + max(cacheSlack, rows/2)
	k, v := c.k, c.v
	if c.k.Rows < rows+max(cacheSlack, rows/4) || c.k.Rows > 2*room {
		k, v = c.pool.Get(like.Type, room, like.Cols), c.pool.Get(like.Type, room, like.Cols)
	}
	if !like.Dry() {
		c.moveTo(k, v, kept)
	}
	if k.Rows != c.k.Rows {
		c.pool.Put(c.k)
		c.pool.Put(c.v)
	}
	c.k, c.v, c.positions, c.rows = k, v, kept, rows-like.Rows
}

// retained lists the positions in memory that a later query may see.
func (c *KeyValues) retained() []pattern.Span {
	var kept []pattern.Span
	i := 0
	for _, s := range pattern.Retained(nil, c.layer.c.Pattern, c.tokens) {
		for ; i < len(c.positions) && c.positions[i].Hi <= s.Lo; i++ {
		}
		for j := i; j < len(c.positions) && c.positions[j].Lo < s.Hi; j++ {
			kept = appendSpan(kept, pattern.Span{Lo: max(s.Lo, c.positions[j].Lo), Hi: min(s.Hi, c.positions[j].Hi)})
		}
	}
	return kept
}

// moveTo copies the rows at the positions kept, all in memory, to the first rows of k and v, which may be the state's own.
func (c *KeyValues) moveTo(k, v tensor.Mat, kept []pattern.Span) {
	i, row, to := 0, 0, 0 // positions[i] begins at row
	for _, s := range kept {
		for ; c.positions[i].Hi <= s.Lo; i++ {
			row += c.positions[i].Len()
		}
		from := row + s.Lo - c.positions[i].Lo
		k.SliceRows(to, to+s.Len()).CopyFrom(c.k.SliceRows(from, from+s.Len()))
		v.SliceRows(to, to+s.Len()).CopyFrom(c.v.SliceRows(from, from+s.Len()))
		to += s.Len()
	}
}
