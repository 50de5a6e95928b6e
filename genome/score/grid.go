package score

import (
	"container/list"
	"context"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/model"
)

// grid cuts contigs into chunks whose bases are computed together. Where a chunk begins depends on the options and the model alone: so a
// base has the same context, and the same bits, whoever asks.
type grid struct {
	chunk   int // bases whose probabilities a chunk gives
	context int // bases before them, on each strand
}

// leastChunk is enough bases for products of full speed, and keeps the share of the context low: 14 % for layers that reach 600 bases.
const leastChunk = 4096

// newGrid lays chunks for windows: context as far as the model reaches, at most half of a window.
func newGrid(m *model.Model, window int) grid {
	g := grid{context: min(flank(m, window), max(1, window/2))}
	g.chunk = min(window-g.context, max(leastChunk, g.context))
	return g
}

// flank is how many bases on one side of a base have a part in its score, at most those of a window.
func flank(m *model.Model, window int) int {
	if reach, bounded := m.Reach(); bounded {
		return min(reach+1, window) // the row of a base predicts the next
	}
	return window
}

// tokens is the most tokens of a sequence of a strand, without special ones.
func (g grid) tokens() int { return g.context + g.chunk - 1 }

// logs are log p of A, C, G and T.
type logs [4]float32

// chunk is the bases [start, end) of a contig, with the log-probabilities of each strand. Those of a base that nothing predicts are NaN.
type chunk struct {
	key              chunkKey
	start, end       int
	letters          []byte // upper case
	forward, reverse []logs // nil: the strand is not read
}

type chunkKey struct {
	contig string
	number int
}

// cachedBytes bounds the chunks that are kept, for rows that are out of order: 36 bytes a base, and chunkBytes for each beside them.
const (
	cachedBytes = 64 << 20
	chunkBytes  = 512
)

// cache keeps the chunks that were used last.
type cache struct {
	chunks map[chunkKey]*list.Element
	order  list.List // the last used first
}

func (c *cache) get(key chunkKey) *chunk {
	e := c.chunks[key]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*chunk)
}

// put keeps a chunk, and drops the one that was not used for longest where there are more than most.
func (c *cache) put(k *chunk, most int) {
	if c.chunks == nil {
		c.chunks = map[chunkKey]*list.Element{}
	}
	c.chunks[k.key] = c.order.PushFront(k)
	if len(c.chunks) > most {
		delete(c.chunks, c.order.Remove(c.order.Back()).(*chunk).key)
	}
}

// chunkAt returns the chunk of a base, counted from 0.
func (s *Scorer) chunkAt(ctx context.Context, c fasta.Contig, pos int) (*chunk, error) {
	key := chunkKey{c.Name, pos / s.grid.chunk}
	if k := s.cache.get(key); k != nil {
		return k, nil
	}
	k, err := s.compute(ctx, c, key)
	if err == nil {
		s.cache.put(k, max(1, cachedBytes/(36*s.grid.chunk+chunkBytes)))
	}
	return k, err
}
