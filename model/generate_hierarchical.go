package model

import (
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// segments is the state of a hierarchical language model, beside the caches of its blocks, which are of the open segment. The summary of a
// complete segment is final, and a token receives the summary of the previous segment only. The keys and values of earlier summaries are
// therefore enough.
type segments struct {
	at   int // tokens of the open segment
	done int // segments before it

	summaries []*nn.Cache     // of each level's block
	handed    []tensor.Mat    // [1, width], by layer: added to the tokens of the open segment, except in the first segment
	open      []tensor.Mat    // [Segment, width], by layer: outputs of its block for the open segment
	kept      []*autograd.Var // in the current pass, by layer: rows of open, or the next row of handed
}

func newSegments(m *Model, pool *tensor.Pool) (*segments, error) {
	s := &segments{}
	for _, l := range m.levels {
		c, err := l.block.attention.NewCache(pool, 0)
		if err != nil {
			s.free(pool)
			return nil, err
		}
		s.summaries = append(s.summaries, c)
		s.handed = append(s.handed, pool.Get(m.policy.Activations, 1, m.spec.Width))
		s.open = append(s.open, pool.Get(m.policy.Activations, m.spec.Segment, m.spec.Width))
	}
	return s, nil
}

func (s *segments) free(pool *tensor.Pool) {
	for i, c := range s.summaries {
		c.Free()
		pool.Put(s.handed[i])
		pool.Put(s.open[i])
	}
}

// next is the number of tokens in the next pass, of those that are left: whole segments if possible, else part of one.
func (s *segments) next(segment, tokens int) int {
	if s.at > 0 || tokens < segment || segment > promptTokens {
		return min(tokens, segment-s.at, promptTokens)
	}
	return min(tokens, promptTokens) / segment * segment
}

// apply records the blocks on the tokens h [n, width], which start at the end of the open segment.
func (s *segments) apply(g *Generation, p *nn.Pass, h *autograd.Var) *autograd.Var {
	s.kept = s.kept[:0]
	if n := g.m.spec.Segment; s.at == 0 && h.Rows()%n == 0 && n <= promptTokens {
		return s.applyWhole(g, p, h)
	}
	inside := p.With(p.Lengths)
	inside.Starts = []int{s.at}
	for i, b := range g.m.blocks {
		h = b.apply(inside, h, g.cached(inside, i))
		s.kept = append(s.kept, p.G.Keep(h))
		if s.done > 0 {
			h = p.G.Add(h, p.G.Take(p.G.Input(s.handed[i]), make([]int32, h.Rows())))
		}
	}
	return h
}

// applyWhole records the blocks and their levels on whole segments. These need no cache, as all their tokens are in h.
func (s *segments) applyWhole(g *Generation, p *nn.Pass, h *autograd.Var) *autograd.Var {
	inside := newHierarchy(p, g.m.spec.Segment, true)
	inside.summaries.Starts = []int{s.done}
	back := inside.back
	if s.done > 0 { // row 0 is the summary of the segment before these
		for i := range back {
			back[i]++
		}
	}
	for i, b := range g.m.blocks {
		h = b.apply(inside.segments, h, b.self(inside.segments))
		made := s.summarize(g, inside.summaries, i, p.G.MeanPool(h, inside.segments.Lengths))
		s.kept = append(s.kept, p.G.Keep(p.G.Take(made, []int32{int32(made.Rows() - 1)})))
		if s.done > 0 {
			made = p.G.Join(p.G.Input(s.handed[i]), []int{1}, made, []int{made.Rows()})
		}
		h = p.G.Add(h, p.G.Take(made, back))
	}
	return h
}

// summarize appends summaries [n, width] to those of layer i, and returns the rows [n, width] to add to the tokens of the next segments.
func (s *segments) summarize(g *Generation, p *nn.Pass, i int, summaries *autograd.Var) *autograd.Var {
	l := g.m.levels[i]
	attend := func(h *autograd.Var) *autograd.Var { return l.block.attention.ApplyCached(p, h, s.summaries[i]) }
	return l.back.Apply(p, l.block.apply(p, summaries, branches{attend: attend}))
}

// advance updates the state after a pass over n tokens.
func (s *segments) advance(g *Generation, n int) error {
	if segment := g.m.spec.Segment; s.at == 0 && n%segment == 0 && segment <= promptTokens {
		for i, v := range s.kept {
			copyElements(s.handed[i], v.Value())
		}
		s.done += n / segment
		return nil
	}
	for i, v := range s.kept {
		copyElements(s.open[i].SliceRows(s.at, s.at+n), v.Value())
	}
	if s.at += n; s.at < g.m.spec.Segment {
		return nil
	}
	return s.complete(g)
}

// complete makes the summaries of the full open segment, and opens the next.
func (s *segments) complete(g *Generation) error {
	p := g.pass([]int{1}, []int{s.done})
	defer p.Close()
	var made []*autograd.Var
	for i := range g.m.blocks {
		made = append(made, p.G.Keep(s.summarize(g, p, i, p.G.MeanPool(p.G.Input(s.open[i]), []int{s.at}))))
	}
	if err := p.G.Forward(); err != nil {
		return err
	}
	for i, v := range made {
		copyElements(s.handed[i], v.Value())
		g.caches[i].Reset()
	}
	s.at, s.done = 0, s.done+1
	return nil
}
