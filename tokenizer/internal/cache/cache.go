// Package cache keeps the tokens of pieces that a text has again and again.
package cache

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/longspan/longspan/tokenizer/internal/vocab"
)

// size is the number of pieces in a cache.
const size = 1 << 14

// Longest is the largest size of a piece in a cache, in bytes.
const Longest = 64

// Cache keeps the tokens of pieces. Each piece has one slot, where the last one stays. The cache is bounded so, needs no lock, and may be
// used by any number of goroutines. What it holds never changes a result. The zero Cache is empty.
type Cache struct {
	slots [size]atomic.Pointer[entry]
}

type entry struct {
	piece  string
	tokens []vocab.Token
}

var seed = maphash.MakeSeed()

// Get returns the tokens of a piece. They must not be changed.
func (c *Cache) Get(piece string) ([]vocab.Token, bool) {
	if len(piece) > Longest {
		return nil, false
	}
	e := c.slots[maphash.String(seed, piece)%size].Load()
	if e == nil || e.piece != piece {
		return nil, false
	}
	return e.tokens, true
}

// Put keeps a copy of the tokens of a piece that is not too long.
func (c *Cache) Put(piece string, tokens []vocab.Token) {
	if len(piece) > Longest {
		return
	}
	e := &entry{strings.Clone(piece), slices.Clone(tokens)}
	c.slots[maphash.String(seed, piece)%size].Store(e)
}
