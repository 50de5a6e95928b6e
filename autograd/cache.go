package autograd

import (
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// Cache holds keys and values of one sequence that is being decoded: those that a query yet to come may see, by the pattern, and
// as many more as make room for them cheap. Under a pattern of a bounded reach it is bounded too. Its memory comes from a pool.
type Cache struct {
	pool    *tensor.Pool
	pattern pattern.Pattern
	k, v    tensor.Mat     // [room, Hkv·D]
	held    []pattern.Span // positions of the rows in use: ascending, not touching
	rows    int            // in use
	tokens  int            // that there were
	last    int            // how many of them came last
}

// NewCache returns an empty cache for queries that see what the pattern shows; nil shows all.
func NewCache(pool *tensor.Pool, p pattern.Pattern) *Cache {
	if p == nil {
		p = pattern.Full()
	}
	return &Cache{pool: pool, pattern: p}
}

// Tokens is how many keys it was given: the position of the next.
func (c *Cache) Tokens() int { return c.tokens }

// Held is how many of them it holds.
func (c *Cache) Held() int { return c.rows }

// Oldest is the position of the first key that a query yet to come may see: Tokens if there is none.
func (c *Cache) Oldest() int {
	if needed := pattern.Retained(nil, c.pattern, c.tokens); len(needed) > 0 {
		return needed[0].Lo
	}
	return c.tokens
}

// Reset empties it, for another sequence, and keeps its memory.
func (c *Cache) Reset() { c.held, c.rows, c.tokens, c.last = c.held[:0], 0, 0, 0 }

// Free gives its memory back and empties it.
func (c *Cache) Free() {
	c.pool.Put(c.k)
	c.pool.Put(c.v)
	*c = Cache{pool: c.pool, pattern: c.pattern}
}

// append adds the rows of k and v, and lets go of keys that none of their queries, nor any after them, sees, if it must to make room.
func (c *Cache) append(k, v tensor.Mat) {
	n := k.Rows
	if c.rows+n > c.k.Rows || c.last > cacheSlack { // few of the tokens of a prompt may be needed behind it
		c.makeRoom(k)
	}
	if !k.Dry() {
		copyRows(c.k.SliceRows(c.rows, c.rows+n), k)
		copyRows(c.v.SliceRows(c.rows, c.rows+n), v)
	}
	c.held = appendSpan(c.held, pattern.Span{Lo: c.tokens, Hi: c.tokens + n})
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

// cacheSlack is the least room left behind the rows: each key that is needed is moved once in as many tokens.
const cacheSlack = 128

// makeRoom moves what is still needed to the front, or to other memory where that is too small, or more than twice what is needed now. What
// is left free is half of what is needed: a cache that holds everything grows by half, and one that does not moves two rows a
// token.
func (c *Cache) makeRoom(like tensor.Mat) {
	kept := c.needed()
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
	c.k, c.v, c.held, c.rows = k, v, kept, rows-like.Rows
}

// needed is what is held and will still be seen.
func (c *Cache) needed() []pattern.Span {
	var kept []pattern.Span
	i := 0
	for _, s := range pattern.Retained(nil, c.pattern, c.tokens) {
		for ; i < len(c.held) && c.held[i].Hi <= s.Lo; i++ {
		}
		for j := i; j < len(c.held) && c.held[j].Lo < s.Hi; j++ {
			kept = appendSpan(kept, pattern.Span{Lo: max(s.Lo, c.held[j].Lo), Hi: min(s.Hi, c.held[j].Hi)})
		}
	}
	return kept
}

// moveTo copies the rows of the positions in kept, all of them held, to the first rows of k and v, which may be the cache's own.
func (c *Cache) moveTo(k, v tensor.Mat, kept []pattern.Span) {
	i, row, to := 0, 0, 0 // held[i] begins at row
	for _, s := range kept {
		for ; c.held[i].Hi <= s.Lo; i++ {
			row += c.held[i].Len()
		}
		from := row + s.Lo - c.held[i].Lo
		copyRows(k.SliceRows(to, to+s.Len()), c.k.SliceRows(from, from+s.Len()))
		copyRows(v.SliceRows(to, to+s.Len()), c.v.SliceRows(from, from+s.Len()))
		to += s.Len()
	}
}
