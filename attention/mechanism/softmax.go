package mechanism

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// softmax is softmax attention over the keys that a pattern shows.
type softmax struct{ pattern pattern.Pattern }

// softmaxLayer has the configuration of attention without what is learned.
type softmaxLayer struct {
	Config
	c attention.Config
}

// newSoftmaxLayer is softmax over the pattern of c, without a bias.
func newSoftmaxLayer(c Config) softmaxLayer {
	return softmaxLayer{c, attention.Config{Pattern: c.Pattern(), Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim, Scale: c.Scale,
		SoftCap: c.SoftCap}}
}

func (softmax) layer(c Config) (Layer, error) {
	l := newSoftmaxLayer(c)
	if c.Terms.ALiBi {
		l.c.Bias = attention.ALiBi{}
	}
	if c.Terms.T5 != nil && c.Terms.Relative || c.Terms.ALiBi && (c.Terms.T5 != nil || c.Terms.Relative) {
		return nil, errors.New("mechanism: found two biases, expected ALiBi, T5 or Relative alone")
	}
	_, err := attention.New(l.c, nil)
	return l, err
}

// Pattern is the pattern that the softmax of c runs over, under the causal mask if c is causal; nil for other mechanisms.
func (c Config) Pattern() pattern.Pattern {
	over := c.Mechanism.pattern()
	switch {
	case over == nil || !c.Causal:
		return over
	case over == pattern.Full():
		return pattern.Causal()
	}
	return pattern.And(pattern.Causal(), over)
}

// pattern is the pattern of a softmax; nil for other mechanisms.
func (m Mechanism) pattern() pattern.Pattern {
	switch k := m.kind.(type) {
	case softmax:
		return k.pattern
	case *bigBird:
		return k.pattern()
	}
	return nil
}

// Learned lists the logits of the sinks, the table of T5, and u, v and r of relative biases. Row i of r belongs to a distance.
func (l softmaxLayer) Learned() []Learned {
	var all []Learned
	if l.Terms.Sinks {
		all = append(all, Learned{"sinks", 1, l.c.Heads, true})
	}
	if t := l.Terms.T5; t != nil {
		all = append(all, Learned{"table", t.Buckets, l.c.Heads, true})
	}
	if w := l.Widths().Q; l.Terms.Relative {
		all = append(all, Learned{"u", 1, w, true}, Learned{"v", 1, w, true}, Learned{"r", 0, w, true})
	}
	return all
}

func (l softmaxLayer) Key() string {
	terms, t5 := l.Terms, attention.T5{}
	if terms.T5 != nil {
		t5, terms.T5 = *terms.T5, nil
	}
	c := l.c
	return fmt.Sprintf("%s %d %d %d %g %g %v %v %v %v", c.Pattern, c.Heads, c.KVHeads, c.HeadDim, c.Scale, c.SoftCap, l.Causal, terms, t5,
		c.Bias)
}

// heads keeps the slopes that ALiBi gives the heads among all.
func (l softmaxLayer) heads(lo, hi int) Layer {
	group := l.group()
	if a, ok := l.c.Bias.(attention.ALiBi); ok {
		if a.Slopes == nil {
			a.Slopes = attention.ALiBiSlopes(l.Heads)
		}
		a.Slopes = a.Slopes[lo*group : hi*group]
		l.c.Bias = a
	}
	l.Heads, l.KVHeads = (hi-lo)*group, hi-lo
	l.c.Heads, l.c.KVHeads = l.Heads, l.KVHeads
	return l
}

func (l softmaxLayer) Compile(seqs []attention.Seq) (Core, error) {
	a, err := attention.New(l.c, seqs)
	first, _ := Distances(seqs, l.Causal)
	return softmaxCore{softmaxLayer: l, a: a, first: first}, err
}

// Distances is the range of distances, of a query after a key, that relative biases of a batch need: rows of them from first on.
func Distances(seqs []attention.Seq, causal bool) (first, rows int) {
	before, after := 1, 0
	for _, s := range seqs {
		before = max(before, s.Offset+s.Q)
		after = max(after, s.K-s.Offset-1)
	}
	if causal {
		after = 0
	}
	return -after, before + after
}

// bind makes sinks and a bias from the learned matrices. first is the distance of the first row of r.
func (l softmaxLayer) bind(learned []tensor.Mat, first int) (sinks []float32, bias attention.Bias) {
	bias = l.c.Bias
	if l.Terms.Sinks {
		sinks, learned = values(learned[0]), learned[1:]
	}
	if t := l.Terms.T5; t != nil {
		bound := *t
		bound.Table = values(learned[0])
		bias = bound
	}
	if l.Terms.Relative {
		bias = attention.Relative{U: values(learned[0]), V: values(learned[1]), R: learned[2], First: first}
	}
	return sinks, bias
}

// values returns the elements of m: in m's own memory where its rows touch. It returns zeros where m is dry, because then only their
// number is read.
func values(m tensor.Mat) []float32 {
	if !m.Dry() && (m.Rows == 1 || m.Stride == m.Cols) {
		return m.F32
	}
	all := make([]float32, m.Rows*m.Cols)
	for i := 0; i < m.Rows && !m.Dry(); i++ {
		copy(all[i*m.Cols:], m.Row(i))
	}
	return all
}

// setValues puts elements into m, if they do not lie there already.
func setValues(m tensor.Mat, all []float32) {
	for i := 0; i < m.Rows && !m.Dry(); i++ {
		copy(m.Row(i), all[i*m.Cols:])
	}
}

// softmaxCore saves LSE, a number a row and head.
type softmaxCore struct {
	softmaxLayer
	a     *attention.Attention
	first int // the distance of the first row of r
}

func (s softmaxCore) Queries() int   { return s.a.Queries() }
func (s softmaxCore) Keys() int      { return s.a.Keys() }
func (s softmaxCore) Saved() []Shape { return []Shape{{s.c.Heads, s.a.Queries()}} }
func (softmaxCore) ReadsO() bool     { return true }
func (s softmaxCore) Work() Work {
	return Work{Forward: s.a.ForwardFlops(), Backward: s.a.BackwardFlops(), Reads: 2}
}

// bound is the attention with the present values of the learned matrices.
func (s softmaxCore) bound(learned []tensor.Mat) (*attention.Attention, error) {
	if len(learned) == 0 {
		return s.a, nil
	}
	return s.a.With(s.bind(learned, s.first))
}

func (o Out) attention() attention.Out {
	out := attention.Out{O: o.O}
	if len(o.Saved) > 0 {
		out.LSE = o.Saved[0]
	}
	return out
}

func (s softmaxCore) Forward(x tensor.Exec, out Out, in In) error {
	a, err := s.bound(in.Learned)
	if err != nil {
		return err
	}
	return a.Forward(x, out.attention(), in.In)
}

func (s softmaxCore) Backward(x tensor.Exec, g Grads, do tensor.Mat, out Out, in In) error {
	a, err := s.bound(in.Learned)
	if err != nil {
		return err
	}
	grads := s.grads(g)
	if err := a.Backward(x, grads, do, out.attention(), in.In); err != nil {
		return err
	}
	s.write(g, grads)
	return nil
}

// write copies gradients that values has copied to the learned matrices of g.
func (l softmaxLayer) write(g Grads, grads attention.Grads) {
	if l.Terms.T5 == nil {
		return
	}
	table := g.Learned[0]
	if l.Terms.Sinks {
		table = g.Learned[1]
	}
	setValues(table, grads.Bias.Table)
}

// grads finds the gradients of sinks and of a bias among those of the learned matrices.
func (l softmaxLayer) grads(g Grads) attention.Grads {
	grads, rest := attention.Grads{DQ: g.DQ, DK: g.DK, DV: g.DV}, g.Learned
	if l.Terms.Sinks {
		grads.Sinks, rest = values(rest[0]), rest[1:]
	}
	if l.Terms.T5 != nil {
		grads.Bias = &attention.BiasGrads{Table: values(rest[0])}
	}
	if l.Terms.Relative {
		grads.Bias = &attention.BiasGrads{U: values(rest[0]), V: values(rest[1]), R: rest[2]}
	}
	return grads
}

// NewState returns a *[KeyValues]: keys and values, kept as long as the pattern needs them.
func (l softmaxLayer) NewState(pool *tensor.Pool, memory int) (State, error) {
	if !l.Causal {
		return nil, errors.New("mechanism: found bidirectional attention to decode token by token, expected causal attention; use a causal model")
	}
	if memory > 0 {
		l.c.Pattern = pattern.And(l.c.Pattern, pattern.Memory(memory))
	}
	return &KeyValues{pool: pool, layer: l}, nil
}
