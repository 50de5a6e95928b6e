// Package chunk cuts a long document into overlapping chunks, so that a stack of layers can run on each chunk by itself, and joins
// the results.
//
// A chunk keeps the results of some tokens and reads more on each side of them: its overlap. One layer under window(w)
// brings what lies w tokens away into a token, and a stack of N of them what lies N·w away. With an overlap of N·w on
// each side, the tokens that are kept have seen all they would have seen in the whole document, and their results are
// the same, bit for bit. With less, those near the borders of a chunk differ, and [Effect] says which.
//
// Bits are kept because borders are multiples of [Tile], where attention begins a block of keys: a chunk then visits
// the same tiles in the same order as the whole document does, and rounds every sum in the same way. It holds for
// layers whose result for a token depends on that token and the keys it sees: attention, norms, feed-forward, rotary
// and relative positions are such; absolute positions are too if each chunk is told that its first token stands at
// Start.
//
// Memory is that of the longest chunk. Work grows by (Size + Before + After) / Size.
//
// The package is for callers who hold a long document in pieces, or whose activations of the whole do not fit memory. The models of
// this module read whole sequences and do not use it.
package chunk

import (
	"fmt"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
)

// Tile is what borders of chunks are multiples of, besides the ends of the document: the block of keys in which
// attention works, itself a multiple of its 32 queries.
const Tile = kernel.KeyBlock

// DefaultSize is the default number of tokens that a chunk keeps.
const DefaultSize = 4096

// Chunk is a piece of a document: it reads tokens Start … End−1 and keeps the results of KeepStart … KeepEnd−1.
type Chunk struct{ Start, End, KeepStart, KeepEnd int }

// Len is the number of tokens that the chunk reads.
func (c Chunk) Len() int { return c.End - c.Start }

// Kept is the number of tokens whose results are kept.
func (c Chunk) Kept() int { return c.KeepEnd - c.KeepStart }

// Options configure the chunks of a document. Lengths are in tokens, at most pattern.MaxTokens, and rounded up to a multiple of
// Tile and of Period. The zero value cuts every DefaultSize tokens, with no overlap.
type Options struct {
	Size   int // tokens kept by each chunk, but the last; 0: DefaultSize
	Before int // tokens read before those kept
	After  int // tokens read after them
	Period int // after how many tokens the layers' patterns repeat (pattern.ReceptiveField); 0: 1
}

// Plan cuts a document of T tokens into chunks that keep size tokens each, the last one perhaps fewer, and read
// overlap more on each side where there are any. Both are rounded up to a multiple of Tile; a size of 0 is
// DefaultSize. Every token is kept by exactly one chunk. T = 0 gives none. It returns an error for lengths
// below 0 or past pattern.MaxTokens.
func Plan(T, size, overlap int) ([]Chunk, error) {
	return Options{Size: size, Before: overlap, After: overlap}.Plan(T)
}

// Plan cuts a document of T tokens as o says. See the function Plan.
func (o Options) Plan(T int) ([]Chunk, error) {
	o, err := o.resolve()
	if err != nil {
		return nil, err
	}
	if err := checkLength("T", T); err != nil {
		return nil, err
	}
	var chunks []Chunk
	for keep := 0; keep < T; keep += o.Size {
		end := keep + min(o.Size, T-keep)
		chunks = append(chunks, Chunk{
			Start: max(0, keep-o.Before), KeepStart: keep,
			KeepEnd: end, End: end + min(o.After, T-end),
		})
	}
	return chunks, nil
}

// resolve fills in the defaults and rounds up.
func (o Options) resolve() (Options, error) {
	for _, v := range []struct {
		name  string
		value *int
	}{{"Size", &o.Size}, {"Before", &o.Before}, {"After", &o.After}, {"Period", &o.Period}} {
		if err := checkLength(v.name, *v.value); err != nil {
			return o, err
		}
	}
	if o.Size == 0 {
		o.Size = DefaultSize
	}
	unit, err := border(max(1, o.Period))
	if err != nil {
		return o, err
	}
	for _, v := range []*int{&o.Size, &o.Before, &o.After} {
		*v = ceil.Multiple(*v, unit)
	}
	return o, nil
}

func checkLength(name string, v int) error {
	if v < 0 || v > pattern.MaxTokens {
		return fmt.Errorf("chunk: found %s = %d, expected 0 to %d tokens", name, v, pattern.MaxTokens)
	}
	return nil
}

// border returns the least common multiple of Tile and period.
func border(period int) (int, error) {
	odd := period
	common := 1
	for common < Tile && odd%2 == 0 { // Tile is a power of two
		odd, common = odd/2, common*2
	}
	unit := int64(period) * int64(Tile/common)
	if unit > pattern.MaxTokens {
		return 0, fmt.Errorf("chunk: found a pattern that repeats every %d tokens, expected one that fits blocks of %d within %d; use a "+
			"length that is a multiple of %[2]d",
			period, Tile, pattern.MaxTokens)
	}
	return int(unit), nil
}
