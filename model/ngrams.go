package model

import (
	"fmt"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
)

// ngrams is a table of vectors for n-grams: the vector of the n-gram that ends with a token is added to that of the token. N-grams are
// hashed into the rows; those that share a row share its vector. The memory grows with the rows, and the work does not.
//
// Pagnoni et al. 2024, arXiv:2412.09871, section 3.2.1 (bytes, sizes 3 to 8).
type ngrams struct {
	n     int
	table *nn.Embedding
}

func (m *Model) makeNgrams() {
	e := m.spec.Embed
	for _, n := range e.HashedNgrams {
		m.ngrams = append(m.ngrams, ngrams{n, nn.NewEmbedding(m.params, fmt.Sprintf("ngrams.%d", n), e.HashedNgramRows, m.spec.Width)})
	}
}

// add adds the vectors of the n-grams of tokens to x. The tokens before are the earlier ones of the one sequence that is decoded;
// the first n−1 tokens of a sequence end no n-gram, and get none.
func (g ngrams) add(p *nn.Pass, x *autograd.Var, before, tokens []int32) *autograd.Var {
	index := make([]int32, 0, len(tokens))
	if len(before) > 0 {
		before = before[max(0, len(before)-g.n+1):]
		all := append(append([]int32(nil), before...), tokens...)
		index = g.appendRows(index, all)[len(before):]
	} else {
		start := 0
		for _, length := range p.Lengths {
			index = g.appendRows(index, tokens[start:start+length])
			start += length
		}
	}
	return p.G.Add(x, g.table.Apply(p, index))
}

// appendRows appends the row of each token of one sequence; −1 where no n-gram ends.
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

// checkNgrams refuses sizes that no table can have.
func (s *Spec) checkNgrams() error {
	sizes, rows := s.Embed.HashedNgrams, s.Embed.HashedNgramRows
	switch {
	case len(sizes) == 0 && rows == 0:
		return nil
	case len(sizes) == 0:
		return fmt.Errorf("hashed_ngram_rows: found %d without hashed_ngrams, expected none; name the sizes that the rows are for, such as hashed_ngrams: [8]", rows)
	case s.Kind == TransformerXL:
		return fmt.Errorf("hashed_ngrams: found %v for a transformer-xl, expected none: n-grams would end at the borders of its segments", sizes)
	case rows < 1 || rows > maxSize:
		return fmt.Errorf("hashed_ngram_rows: found %d, expected 1 to %d", rows, maxSize)
	}
	seen := map[int]bool{1: true}
	for _, n := range sizes {
		if n < 2 || n > nn.MaxNgram || seen[n] {
			return fmt.Errorf("hashed_ngrams: found %v, expected different sizes, 2 to %d tokens each", sizes, nn.MaxNgram)
		}
		seen[n] = true
	}
	return nil
}

// checkCopyNgrams refuses copy heads that no layer would have, or that would not see the tokens of their n-grams.
func (c Config) checkCopyNgrams() error {
	switch {
	case len(c.CopyNgrams) == 0:
		return nil
	case c.Kind != Decoder && c.Kind != Encoder:
		return fmt.Errorf("copy_ngrams: found %v for a model of kind %s, expected none; use a decoder or an encoder", c.CopyNgrams, c.Kind)
	case len(c.NoPosition) == 0:
		return fmt.Errorf("copy_ngrams: found %v without no_position, expected the layers that have copy heads, such as no_position: [0]", c.CopyNgrams)
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
