package model

import (
	"slices"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
)

// maskable is the number of tokens that a masked language model may hide.
func (m *Model) maskable(tokens []int32) (n int) {
	for _, token := range tokens {
		if !slices.Contains(m.spec.Head.NeverMasked, int(token)) {
			n++
		}
	}
	return n
}

// hide chooses 15% of the tokens as targets, and at least one, but none of never_masked. Of the chosen tokens 80% are replaced by the
// masking token, 10% by a random token, and 10% are unchanged. The targets of all other tokens are autograd.Ignore. Devlin et al.
// 2018, arXiv:1810.04805, section 3.1.
func (m *Model) hide(tokens []int32, r *data.Random) (shown, targets []int32) {
	shown, targets = slices.Clone(tokens), make([]int32, len(tokens))
	mask := int32(m.spec.Vocab)
	if given := m.spec.Head.MaskToken; given != nil {
		mask = *given
	}
	never := func(i int) bool { return slices.Contains(m.spec.Head.NeverMasked, int(tokens[i])) }
	sure := r.IntN(len(tokens))
	for tried := 1; tried < len(tokens) && never(sure); tried++ {
		sure = (sure + 1) % len(tokens)
	}
	for i, token := range tokens {
		chosen, how, other := r.IntN(100) < 15, r.IntN(10), int32(r.IntN(m.spec.Vocab))
		if never(i) || !chosen && i != sure {
			targets[i] = autograd.Ignore
			continue
		}
		targets[i] = token
		switch {
		case how < 8:
			shown[i] = mask
		case how == 8:
			shown[i] = other
		}
	}
	return shown, targets
}

// hideEach is hide for each sequence of a batch. The choice depends on the seed, the sequence and its index alone, not on the rest of the
// batch. The first sequence has the index first.
func (m *Model) hideEach(b *data.Batch, seed, first uint64) (shown, targets []int32) {
	for i := range b.Lengths {
		tokens, _ := b.Sequence(i)
		s, t := m.hide(tokens, data.NewRandom(seed, first+uint64(i)))
		shown, targets = append(shown, s...), append(targets, t...)
	}
	return shown, targets
}
