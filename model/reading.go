package model

import (
	"errors"
	"fmt"
)

// ReadOptions set how texts are read. The zero value reads a text as a whole where the model was made for its length, and in chunks that
// overlap where it was not. No text is cut short.
type ReadOptions struct {
	Chunk   int  // most tokens that are read at once, with special tokens; 0: what the model was made for
	Overlap int  // least number of tokens that neighbouring chunks share; 0: 1/8 of a chunk, at least 64, at most half; NoOverlap: none
	Beyond  bool // read a text of any length as a whole, up to the learned positions
	Batch   int  // tokens of several texts or chunks that are computed together; 0: DefaultBatch

	// Progress is called after each batch with the bytes of text that are done, of all. Nil: not called.
	Progress func(done, all int64)
}

const (
	DefaultBatch = 1024 // tokens that are computed together: enough for products of full speed, few enough for the caches
	NoOverlap    = -1   // for ReadOptions.Overlap
)

// Reading says how a text was read.
type Reading struct {
	Tokens int    `json:"tokens"` // of the text, with special tokens
	Used   int    `json:"used"`   // tokens that the result comes from
	Chunks int    `json:"chunks"` // 1: the text was read as a whole
	How    string `json:"how"`    // for people
}

// cutter cuts texts as options say.
type cutter struct {
	limit   int // most tokens of a text that is read as a whole; 0: no limit
	chunk   int // tokens of a chunk of a longer text, with the tokens that each chunk repeats
	overlap int
	causal  bool // tokens see nothing after them
	globals bool // there are global tokens, at positions of each chunk
}

// Context is the largest number of tokens that the model was made to read at once: the longest sequence of training, or that of learned
// positions; 0: not known, and not limited.
func (m *Model) Context() int {
	context, positions := m.answers.Tokens, m.spec.MaxTokens()
	if positions > 0 && (context == 0 || context > positions) {
		return positions
	}
	return context
}

// cutter checks options.
func (m *Model) cutter(o ReadOptions) (c cutter, err error) {
	positions := m.spec.MaxTokens()
	switch {
	case o.Chunk < 0 || o.Batch < 0:
		return c, fmt.Errorf("model: found chunks of %d tokens and batches of %d, expected at least 1, or 0 for the default", o.Chunk, o.Batch)
	case o.Overlap < NoOverlap:
		return c, fmt.Errorf("model: found an overlap of %d tokens, expected at least 0", o.Overlap)
	case positions > 0 && o.Chunk > positions:
		return c, fmt.Errorf("model: found chunks of %d tokens, expected at most %d: the model has learned no more positions", o.Chunk, positions)
	case o.Beyond && o.Chunk > 0:
		return c, errors.New("model: found a size of chunks and texts to be read as a whole, expected one of them")
	}
	c = cutter{limit: m.Context(), causal: m.spec.Causal(), globals: len(m.spec.Layers[0].Attention.Global) > 0}
	if o.Beyond {
		c.limit = positions
	}
	if o.Chunk > 0 {
		c.limit = o.Chunk
	}
	c.chunk = c.limit
	switch {
	case o.Overlap == 0:
		c.overlap = min(max(64, c.chunk/8), c.chunk/2)
	case o.Overlap > c.chunk/2 && c.limit > 0:
		return c, fmt.Errorf("model: found an overlap of %d tokens in chunks of %d, expected at most half of a chunk", o.Overlap, c.chunk)
	default:
		c.overlap = max(0, o.Overlap)
	}
	return c, nil
}

// pieces cuts body tokens that stand between fixed ones, which each chunk repeats.
func (c cutter) pieces(fixed, body int) ([]piece, error) {
	if c.limit == 0 || fixed+body <= c.limit {
		return cut(body, body, 0, c.causal), nil
	}
	room := c.chunk - fixed
	if room < 1 {
		return nil, fmt.Errorf("found %d tokens that each chunk repeats, such as special tokens, a prompt or the first text of a pair; "+
			"expected fewer than the %d of a chunk", fixed, c.chunk)
	}
	return cut(body, room, min(c.overlap, room/2), c.causal), nil
}

// describe says how a text was read. joined is what was made of the chunks.
func (c cutter) describe(tokens int, pieces []piece, joined string) Reading {
	reading := Reading{Tokens: tokens, Used: tokens, Chunks: len(pieces), How: "as a whole"}
	if len(pieces) > 1 {
		reading.How = fmt.Sprintf("%d chunks of up to %d tokens that share at least %d; %s", len(pieces), c.chunk, shared(pieces), joined)
		if c.globals {
			reading.How += "; positions of global tokens are those of each chunk"
		}
	}
	return reading
}
