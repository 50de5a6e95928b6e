package model

import "github.com/longspan/longspan/attention/pattern"

// Reach is the number of tokens before a token, and of those behind it where the model is not causal, on which its output depends. What a
// prior has read is not counted. bounded is false where the output depends on all tokens, or on its place in the sequence: then only the
// sequence's ends are a limit. Where it is true, a piece of a sequence with so many tokens around it gives the outputs of the sequence, up
// to rounding.
func (m *Model) Reach() (tokens int, bounded bool) {
	s := &m.spec
	if s.Kind != Decoder && s.Kind != Encoder || s.Embed.Positions > 0 {
		return 0, false
	}
	for _, n := range s.Embed.HashedNgrams {
		tokens = max(tokens, n-1)
	}
	for _, l := range s.Layers {
		a := l.Attention
		reach, ok := reachOf(a.Mechanism, a.Causal)
		if !ok || len(a.CopyNgrams) > 0 || len(a.Global) > 0 {
			return 0, false
		}
		tokens = min(tokens+reach, pattern.Unbounded)
	}
	return tokens, tokens < pattern.Unbounded
}

// reachOf is the number of tokens that a mechanism reads on the side that it reads more of. It is false for a mechanism that is no pattern,
// for one that is bound to places, and for one that ends only with the sequence.
func reachOf(mechanism string, causal bool) (int, bool) {
	p, err := pattern.Parse(mechanism)
	if err != nil {
		return 0, false
	}
	f, err := pattern.ReceptiveFieldOf(p)
	reach := f.Before
	if !causal {
		reach = max(reach, f.After)
	}
	return reach, err == nil && f.Period == 1 && reach < pattern.Unbounded
}
