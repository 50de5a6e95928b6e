package model

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
)

// transform is a [Transform].
type transform struct {
	linear     *nn.Linear
	activation autograd.Activation
	norm       *nn.Norm
}

// projector is a [Projector].
type projector struct {
	linear     *nn.Linear
	activation *autograd.Activation // nil: none
}

// headStd is the standard deviation of the head's initial weights, equal to that of the tables that it may be tied to. Rows of norm √width
// then have initial logits within a few tenths of each other, and the initial loss is nearly ln classes.
const headStd = 0.02

// makeHead makes the layers after the last block. Check has parsed the activations.
func (m *Model) makeHead() {
	h, width := &m.spec.Head, m.spec.Width
	if t := h.Transform; t != nil {
		activation, _ := autograd.ParseActivation(t.Activation)
		m.transform = &transform{
			linear:     nn.NewLinear(m.params, headLayer+".transform", nn.LinearConfig{In: width, Out: width, Bias: t.Bias}),
			activation: activation,
			norm:       m.norm(headLayer+".norm", t.Norm),
		}
	}
	switch {
	case h.Kind == Embed:
		for i, p := range h.Project {
			m.project = append(m.project, m.newProjector(fmt.Sprintf("%s.project.%d", headLayer, i), width, p))
			width = p.Out
		}
	case m.spec.Clusters() > 0:
		m.softmax = m.makeAdaptiveHead()
	case !h.Tied:
		m.head = nn.NewLinear(m.params, headLayer,
			nn.LinearConfig{In: width, Out: m.spec.Outputs(), Bias: h.Bias, Scale: headStd * math.Sqrt(float64(width))})
	case h.TiedBias:
		m.headBias = m.params.Add(headLayer+".bias", 1, m.spec.Vocab, nn.Zeros())
	}
	if bias := m.params.Named(headLayer + ".bias"); bias != nil && h.FixedBias {
		bias.Fixed = true
	}
}

func (m *Model) newProjector(name string, in int, p Projector) projector {
	made := projector{linear: nn.NewLinear(m.params, name, nn.LinearConfig{In: in, Out: p.Out, Bias: p.Bias})}
	if p.Activation != "" {
		activation, _ := autograd.ParseActivation(p.Activation)
		made.activation = &activation
	}
	return made
}

// apply records the transform of x [T, width]; a nil transform is none.
func (t *transform) apply(p *nn.Pass, x *autograd.Var) *autograd.Var {
	if t == nil {
		return x
	}
	return finish(p, t.norm, p.G.Activate(t.linear.Apply(p, x), t.activation))
}

// beforeHead records what the head reads of hidden states x [T, width]: their scaled transform.
func (m *Model) beforeHead(p *nn.Pass, x *autograd.Var) *autograd.Var {
	if scale := m.spec.Head.Scale; scale != 0 && scale != 1 {
		x = p.G.Scale(x, float32(scale))
	}
	return m.transform.apply(p, x)
}

// logits records the outputs of the head, in float32, for hidden states x, pooled if the head is of sequences: [rows, outputs]. Those of an
// adaptive softmax are log-probabilities, which have no gradient.
func (m *Model) logits(p *nn.Pass, x *autograd.Var) *autograd.Var {
	x = m.beforeHead(p, x)
	if m.softmax != nil {
		return m.softmax.logProbs(p, x, nil)
	}
	w, bias := m.projection(p)
	return p.G.LinearF32(x, w, bias)
}

// crossEntropy records the mean loss of classes, for hidden states x [rows, width], without the prior.
func (m *Model) crossEntropy(p *nn.Pass, x *autograd.Var, classes []int32, o autograd.CrossEntropyOptions) *autograd.Var {
	x = m.beforeHead(p, x)
	if m.softmax != nil {
		return m.softmax.loss(p, x, classes, o)
	}
	w, bias := m.projection(p)
	return p.G.CrossEntropy(x, w, bias, classes, o)
}

// projection is the weight [outputs, width] and the bias [1, outputs] of the head. A tied head has the rows of the embedding.
func (m *Model) projection(p *nn.Pass) (w, bias *autograd.Var) {
	if m.head != nil {
		return p.Leaf(m.head.Weight), p.Leaf(m.head.Bias)
	}
	table := *m.target.tokens.Weight
	table.Value = table.Value.SliceRows(0, m.spec.Vocab)
	if table.Grad.Rows > 0 {
		table.Grad = table.Grad.SliceRows(0, m.spec.Vocab)
	}
	return p.Leaf(&table), p.Leaf(m.headBias)
}

// last is the last token of a sequence that is not padding; the first where all are.
func (m *Model) last(tokens []int32) int {
	padding := m.spec.Head.Padding
	for i := len(tokens) - 1; i > 0; i-- {
		if padding == nil || tokens[i] != *padding {
			return i
		}
	}
	return 0
}

// pooled is one row for each sequence that p owns (see pooledRows) [sequences, width]: the mean of its tokens, its first token or its last.
func (m *Model) pooled(p *nn.Pass, x *autograd.Var) *autograd.Var {
	switch {
	case m.spec.Head.Pooling != "mean":
		_, rows := m.pooledRows(p, p.Tokens())
		return p.G.Take(x, rows)
	case p.Share != nil:
		return p.G.MeanPoolOver(x, p.Share)
	}
	return p.G.MeanPool(x, p.Lengths)
}

// pooledRows lists the sequences that p owns, and the row in p of the token that stands for each: its last, or its first. p owns a sequence
// if it has that row. tokens are of the whole batch.
func (m *Model) pooledRows(p *nn.Pass, tokens []int32) (sequences []int, rows []int32) {
	lo, hi := 0, len(tokens)
	if p.Share != nil {
		lo, hi = p.Share.Own()
	}
	start := 0
	for s, n := range p.Whole() {
		row := start
		if m.spec.Head.Pooling == "last" {
			row += m.last(tokens[start : start+n])
		}
		if lo <= row && row < hi {
			sequences, rows = append(sequences, s), append(rows, int32(row-lo))
		}
		start += n
	}
	return sequences, rows
}
