package model

import (
	"fmt"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
)

// ngrams is a table of vectors for n-grams. The vector of the n-gram that ends with a token is added to the vector of the token. N-grams
// are hashed to rows; n-grams with the same row share its vector. The memory is proportional to the rows; the work does not depend on them.
//
// Pagnoni et al. 2024, arXiv:2412.09871, section 3.2.1 (bytes, sizes 3 to 8).
type ngrams struct {
	n     int
	table *nn.Embedding
}

func (m *Model) makeNgrams(e Embedding) (all []ngrams) {
	for _, n := range e.HashedNgrams {
		table := nn.NewEmbedding(m.params, fmt.Sprintf("ngrams.%d", n), e.HashedNgramRows, m.spec.Width)
		all = append(all, ngrams{n, table})
	}
	return all
}

// add adds the vectors of the n-grams of tokens, those of the whole batch, to the rows x of p. While one sequence is decoded, before are
// its earlier tokens. The first n−1 tokens of a sequence end no n-gram, and get no vector.
func (g ngrams) add(p *nn.Pass, x *autograd.Var, before, tokens []int32) *autograd.Var {
	index := make([]int32, 0, len(tokens))
	if len(before) > 0 {
		before = before[max(0, len(before)-g.n+1):]
		all := append(append([]int32(nil), before...), tokens...)
		index = g.appendRows(index, all)[len(before):]
	} else {
		start := 0
		for _, length := range p.Whole() {
			index = g.appendRows(index, tokens[start:start+length])
			start += length
		}
		index = nn.Own(p, index)
	}
	return p.G.Add(x, g.table.Apply(p, index))
}

// appendRows appends the table row of each token of one sequence; −1: none.
func (g ngrams) appendRows(index, sequence []int32) []int32 {
	rows := uint64(g.table.Weight.Value.Rows)
	for i := range sequence {
		if i+1 < g.n {
			index = append(index, -1)
			continue
		}
		index = append(index, int32(nn.HashNgram(sequence[i+1-g.n:i+1])%rows))
	}
	return index
}

// checkCopyNgrams looks at the copy heads: their layers must exist and see the tokens of their n-grams.
func (c Config) checkCopyNgrams() error {
	switch {
	case len(c.CopyNgrams) == 0:
		return nil
	case c.Kind != Decoder && c.Kind != Encoder:
		return fmt.Errorf("copy_ngrams: found %v for a model of kind %s, expected none; use a decoder or an encoder", c.CopyNgrams, c.Kind)
	case len(c.NoPosition) == 0:
		return fmt.Errorf("copy_ngrams: found %v without no_position, expected the layers with copy heads, such as no_position: [0]",
			c.CopyNgrams)
	case len(c.CopyNgrams) > c.KVHeads:
		return fmt.Errorf("copy_ngrams: found %v for %d key/value heads, expected at most one size each", c.CopyNgrams, c.KVHeads)
	}
	for _, n := range c.CopyNgrams {
		if n < 1 || n > nn.MaxNgram {
			return fmt.Errorf("copy_ngrams: found %v, expected sizes of 1 to %d tokens each", c.CopyNgrams, nn.MaxNgram)
		}
	}
	return nil
}
