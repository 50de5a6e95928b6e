package model

import (
	"fmt"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
)

// A hierarchical model runs each of its blocks on every segment separately. A level follows each block. It takes the mean of each segment
// as its summary, runs a block over the summaries of a sequence, and adds the projected summary of its segment to every token. With T
// tokens in segments of n, attention costs T·n + (T/n)² pairs instead of T².
//
// In a causal model a token receives the summary of the previous segment, and summaries attend to earlier summaries only. No later token
// reaches it.

// level follows one block of a hierarchical model.
type level struct {
	block *block
	back  *nn.Linear
}

func (m *Model) makeLevels() error {
	blocks, err := m.makeBlocks("summaries", m.spec.Summaries)
	if err != nil {
		return err
	}
	for i, b := range blocks {
		bias := m.spec.Summaries[i].FeedForward.Bias
		back := nn.NewLinear(m.params, fmt.Sprintf("summaries.%d.back", i), nn.LinearConfig{In: m.spec.Width, Out: m.spec.Width, Bias: bias})
		m.levels = append(m.levels, &level{b, back})
	}
	return nil
}

// hierarchy is the segments of a packed batch.
type hierarchy struct {
	segments  *nn.Pass // every segment as a sequence
	summaries *nn.Pass // the segments of a sequence as its tokens
	back      []int32  // index of the summary that each token receives; −1: none
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

// ascend records block i and its level.
func (m *Model) ascend(p *nn.Pass, h *hierarchy, i int, x *autograd.Var) *autograd.Var {
	b, l := m.blocks[i], m.levels[i]
	x = b.apply(h.segments, x, b.self(h.segments))
	s := p.G.MeanPool(x, h.segments.Lengths)
	s = l.block.apply(h.summaries, s, l.block.self(h.summaries))
	return p.G.Add(x, p.G.Take(l.back.Apply(h.summaries, s), h.back))
}
