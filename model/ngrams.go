package model

import (
	"fmt"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
)

// ngrams is a table of vectors for the words of n tokens: a token has the vector of the word that ends with it. Words are hashed
// into the rows, so that those that share a row share its vector. The layers begin with what they would else have to put
// together, the memory grows with the rows and the work does not, and equal words look equal wherever they stand.
//
// Pagnoni et al. 2024, arXiv:2412.09871, section 3.2.1 (bytes, sizes 3 to 8).
type ngrams struct {
	n     int
	table *nn.Embedding
}

func (m *Model) makeNgrams() {
	for _, n := range m.s.Ngrams {
		m.ngrams = append(m.ngrams, ngrams{n, nn.NewEmbedding(m.params, fmt.Sprintf("ngrams.%d", n), m.s.NgramRows, m.s.Width)})
	}
}

// add adds the vectors of the words of tokens to x. The tokens before are those that the one sequence of a generation had already;
// the first n−1 tokens of a sequence end no word, and get none.
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

// appendRows appends the row of each token of one sequence; −1 where no word ends.
func (g ngrams) appendRows(index, sequence []int32) []int32 {
	rows := uint64(g.table.Weight.Value.Rows)
	for i := range sequence {
		if i+1 < g.n {
			index = append(index, -1)
			continue
		}
		index = append(index, int32(nn.HashWord(sequence[i+1-g.n:i+1])%rows))
	}
	return index
}

// checkNgrams refuses sizes that no table can have.
func (s *settings) checkNgrams() error {
	if len(s.Ngrams) == 0 {
		if s.NgramRows != 0 {
			return fmt.Errorf("ngram_rows: found %d without ngrams, expected none: say which words the rows are for, such as ngrams: [8]", s.NgramRows)
		}
		return nil
	}
	if s.Kind == TransformerXL {
		return fmt.Errorf("ngrams: found %v for a transformer-xl, expected none: words would end at the borders of its segments", s.Ngrams)
	}
	if s.NgramRows < 1 || s.NgramRows > maxSize {
		return fmt.Errorf("ngram_rows: found %d, expected 1 to %d", s.NgramRows, maxSize)
	}
	seen := map[int]bool{1: true}
	for _, n := range s.Ngrams {
		if n < 2 || n > nn.MaxWord || seen[n] {
			return fmt.Errorf("ngrams: found %v, expected different numbers of tokens, 2 to %d each", s.Ngrams, nn.MaxWord)
		}
		seen[n] = true
	}
	return nil
}

// checkWordLengths refuses words that no layer would look for, or whose tokens are not those that the layers see.
func (s *settings) checkWordLengths() error {
	switch {
	case len(s.Words) == 0:
		return nil
	case s.Kind != Decoder && s.Kind != Encoder:
		return fmt.Errorf("words: found %v for a model of kind %s, expected none; use a decoder or an encoder", s.Words, s.Kind)
	case len(s.NoPosition) == 0:
		return fmt.Errorf("words: found %v without no_position, expected the layers that look for them, such as no_position: [0]", s.Words)
	case len(s.Words) > s.KVHeads:
		return fmt.Errorf("words: found %v for %d key/value heads, expected at most one length each", s.Words, s.KVHeads)
	}
	for _, n := range s.Words {
		if n < 1 || n > nn.MaxWord {
			return fmt.Errorf("words: found %v, expected numbers of tokens, 1 to %d each", s.Words, nn.MaxWord)
		}
	}
	return nil
}
