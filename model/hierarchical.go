package model

import (
	"fmt"

	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
)

// A hierarchical model runs each of its blocks on segments by themselves. Behind it a level takes the mean of each segment as its
// summary, lets the summaries of a sequence attend to each other by a block of their own, and hands every
// token its segment's summary, projected, by adding it to the stream. With T tokens in segments of n, attention
// costs T·n + (T/n)² pairs in place of T².
//
// In a causal model a token is handed the summary of the segment before its own, and summaries see only those before
// them: nothing of what comes later reaches it.

// level is what comes behind one block of a hierarchical model.
type level struct {
	block *block
	back  *nn.Linear
}

func (m *Model) makeLevels() error {
	full, err := mechanism.Parse("full")
	if err != nil {
		return err
	}
	c := blockConfig{mechanism: full, position: m.s.position, causal: m.s.Causal()}
	if c.position == nn.T5 {
		c.t5 = m.params.Add("summaries.t5", nn.T5Buckets, m.s.Heads, nn.Zeros())
	}
	if c.position == nn.Learned {
		c.position = nn.NoPosition // the summaries are made of tokens that have theirs
	}
	for i := range m.s.Layers {
		name := fmt.Sprintf("summaries.%d", i)
		b, err := newBlock(m.params, name, &m.s, c)
		if err != nil {
			return fmt.Errorf("model: summaries of layer %d: %w", i, err)
		}
		m.levels = append(m.levels, &level{b, nn.NewLinear(m.params, name+".back", m.s.Width, m.s.Width, m.s.Bias, 1)})
	}
	return nil
}

// hierarchy is the segments of a packed batch.
type hierarchy struct {
	segments  *nn.Pass // every segment as a sequence
	summaries *nn.Pass // the segments of a sequence as its tokens
	back      []int32  // the summary that each token is handed; −1: none
}

func newHierarchy(p *nn.Pass, n int, causal bool) *hierarchy {
	h := &hierarchy{}
	var lengths, counts []int
	for _, t := range p.Lengths {
		first := len(lengths)
		for at := 0; at < t; at += n {
			length := min(n, t-at)
			summary := int32(len(lengths))
			if causal {
				summary--
				if len(lengths) == first {
					summary = -1
				}
			}
			for range length {
				h.back = append(h.back, summary)
			}
			lengths = append(lengths, length)
		}
		counts = append(counts, len(lengths)-first)
	}
	h.segments, h.summaries = p.With(lengths), p.With(counts)
	return h
}

// ascend records block i and the level behind it.
func (m *Model) ascend(p *nn.Pass, h *hierarchy, i int, x *autograd.Var) *autograd.Var {
	b, l := m.blocks[i], m.levels[i]
	x = b.apply(h.segments, x, b.self(h.segments))
	s := p.G.MeanPool(x, h.segments.Lengths)
	s = l.block.apply(h.summaries, s, l.block.self(h.summaries))
	return p.G.Add(x, p.G.Take(l.back.Apply(h.summaries, s), h.back))
}
