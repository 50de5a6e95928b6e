package model

import (
	"fmt"
	"slices"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// adaptiveHead is an adaptive softmax. Its first softmax is over the tokens of the first cluster and the other clusters; the tail of each
// of these is a softmax over its tokens.
type adaptiveHead struct {
	of    *Adaptive
	parts []headPart
}

// headPart are the weights of a softmax of hidden states that are projected: "head.i.weight", "head.i.bias" and "head.i.project.weight"
// [width, features], or those of the embedding.
type headPart struct {
	weight, bias, project *tensor.Param // project may be nil
}

// makeAdaptiveHead makes the parts of an adaptive softmax.
func (m *Model) makeAdaptiveHead() *adaptiveHead {
	h, a := &m.spec.Head, m.spec.Embed.Adaptive
	made := &adaptiveHead{of: a}
	for i := range a.Ends {
		from, to := a.Cluster(i)
		rows := to - from
		if i == 0 {
			rows += len(a.Ends) - 1
		}
		name := fmt.Sprintf("%s.%d", headLayer, i)
		var part headPart
		if h.Tied {
			part.weight = m.target.adaptive.clusters[i].table.Weight
		} else {
			part.weight = m.params.AddTable(name+".weight", rows, a.Features(i), nn.Normal(headStd))
		}
		if h.Bias || h.TiedBias {
			part.bias = m.params.Add(name+".bias", 1, rows, nn.Zeros())
		}
		switch {
		case slices.Contains(h.TiedProjections, i):
			part.project = m.target.adaptive.clusters[i].project
		case a.Projected(m.spec.Width):
			part.project = m.makeProjection(headLayer, i)
		}
		made.parts = append(made.parts, part)
	}
	return made
}

// logProbs records log-probabilities of hidden states x [n, width]: [n, vocab]. best, when not nil, is filled with the most probable
// tokens. Nothing flows back through them.
func (h *adaptiveHead) logProbs(p *nn.Pass, x *autograd.Var, best []int32) *autograd.Var {
	var logits []*autograd.Var
	for _, part := range h.parts {
		y := x
		if part.project != nil {
			y = p.G.LinearTransposed(x, p.G.Input(part.project.Value))
		}
		var bias *autograd.Var
		if part.bias != nil {
			bias = p.G.Input(part.bias.Value)
		}
		logits = append(logits, p.G.LinearF32(y, p.G.Input(part.weight.Value), bias))
	}
	return p.G.AdaptiveLogProbs(logits[0], logits[1:], best)
}

// bestRows is the number of rows whose log-probabilities exist at a time, where the most probable tokens are asked for.
const bestRows = 32

// loss records the mean over o.Counted rows of −log p of the tokens that follow hidden states x [n, width]. Only the tails of these tokens
// are computed; for o.Best all are, some rows at a time.
func (h *adaptiveHead) loss(p *nn.Pass, x *autograd.Var, tokens []int32, o autograd.CrossEntropyOptions) *autograd.Var {
	if o.Counted == 0 {
		o.Counted = len(tokens)
	}
	if best := o.Best; best != nil {
		o.Best = nil
		for from := 0; from < len(best); from += bestRows {
			to := min(from+bestRows, len(best))
			h.logProbs(p, p.G.Detach(p.G.Take(x, rowsFrom(from, to))), best[from:to])
		}
	}
	classes, groups := h.classes(tokens)
	if p.G.Dry() {
		groups = h.most(len(tokens))
	}
	loss := h.parts[0].loss(p, x, classes, o)
	for i, g := range groups {
		if len(g.rows) == 0 {
			continue
		}
		tail := o
		tail.LossRows = g.rows
		loss = p.G.Add(loss, h.parts[i+1].loss(p, p.G.Take(x, g.rows), g.tokens, tail))
	}
	return loss
}

// loss records the loss of the softmax of a part.
func (part headPart) loss(p *nn.Pass, x *autograd.Var, classes []int32, o autograd.CrossEntropyOptions) *autograd.Var {
	if part.project != nil {
		x = p.G.LinearTransposed(x, p.Leaf(part.project))
	}
	return p.G.CrossEntropy(x, p.Leaf(part.weight), p.Leaf(part.bias), classes, o)
}

// classes are the classes of tokens in the first softmax, and the tokens of each tail.
func (h *adaptiveHead) classes(tokens []int32) ([]int32, []group) {
	groups := groupsOf(h.of, tokens)
	classes := slices.Clone(tokens)
	for i, g := range groups[1:] {
		for _, row := range g.rows {
			classes[row] = int32(h.of.Ends[0] + i)
		}
	}
	return classes, groups[1:]
}

// most are the tails of n tokens whose loss takes most memory: all in the largest one. Plans have no tokens.
func (h *adaptiveHead) most(n int) []group {
	groups := make([]group, len(h.parts)-1)
	largest := -1
	for i := range groups {
		if largest < 0 || h.parts[i+1].weight.Value.Rows > h.parts[largest+1].weight.Value.Rows {
			largest = i
		}
	}
	if largest >= 0 {
		groups[largest] = group{tokens: make([]int32, n), rows: rowsFrom(0, n)}
	}
	return groups
}

// rowsFrom lists the rows [from, to).
func rowsFrom(from, to int) []int32 {
	rows := make([]int32, to-from)
	for i := range rows {
		rows[i] = int32(from + i)
	}
	return rows
}
