package mechanism

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// transient is LongT5's transient global attention: a token sees the tokens around it, and a summary of every block of tokens, which the
// layer above makes. It costs O(n·(radius + n/block)). Guo et al. 2021, arXiv:2112.07916, section 3.2.
type transient struct{ radius, block int }

// Summaries is the tokens of a block of which the mechanism's keys have a summary; ok is false for mechanisms without summaries. A layer
// with summaries is compiled for sequences of n tokens and ⌊n/block⌋ summaries after them; see attention.T5Summaries.
func (m Mechanism) Summaries() (block int, ok bool) {
	k, ok := m.kind.(*transient)
	if !ok {
		return 0, false
	}
	return k.block, true
}

func (k *transient) layer(c Config) (Layer, error) {
	rows := transientRows{k.radius, k.block}
	switch {
	case c.Causal || c.Cross:
		return nil, errors.New("mechanism: found a causal mask, cross-attention or a memory with transient, expected none: a summary is of " +
			"later tokens too")
	case c.Terms.T5 == nil || c.Terms.Sinks || c.Terms.ALiBi || c.Terms.Relative:
		return nil, errors.New("mechanism: found transient without the position t5, or with another term of scores, expected t5 alone")
	case rows.radius < 0 || rows.radius > pattern.MaxTokens || rows.block < 1 || rows.block > pattern.MaxTokens:
		return nil, fmt.Errorf("mechanism: found %s, expected a radius of at most %d tokens, and blocks of 1 to %[2]d", rows, pattern.MaxTokens)
	}
	plain, err := softmax{rows}.layer(Config{Mechanism: Mechanism{softmax{rows}, rows.String()}, Heads: c.Heads, KVHeads: c.KVHeads,
		HeadDim: c.HeadDim, Terms: c.Terms, Scale: c.Scale, SoftCap: c.SoftCap})
	if err != nil {
		return nil, err
	}
	return transientLayer{plain.(softmaxLayer), rows.block}, nil
}

// transientRows shows a token radius tokens on each side of it, and all summaries; a summary nothing.
type transientRows struct{ radius, block int }

// Spans appends the keys of query row q.
func (r transientRows) Spans(dst []pattern.Span, q int, s pattern.Shape) []pattern.Span {
	n, _ := attention.SummarizedTokens(s.Tk, r.block)
	if q >= n {
		return dst
	}
	near, all := pattern.Span{Lo: max(0, q-r.radius), Hi: min(n, q+r.radius+1)}, pattern.Span{Lo: n, Hi: s.Tk}
	switch {
	case near.Hi == n:
		return append(dst, pattern.Span{Lo: near.Lo, Hi: all.Hi})
	case all.Len() > 0:
		return append(dst, near, all)
	}
	return append(dst, near)
}

// Check refuses shapes that are not tokens and their summaries.
func (r transientRows) Check(s pattern.Shape) error {
	if _, ok := attention.SummarizedTokens(s.Tk, r.block); !ok || s.Tq != s.Tk || s.Offset != 0 {
		return fmt.Errorf("mechanism: found %d queries after %d tokens over %d rows, expected n tokens and n/%d summaries, rounded down, over "+
			"themselves", s.Tq, s.Offset, s.Tk, r.block)
	}
	return nil
}

// String is the text form.
func (r transientRows) String() string {
	return fmt.Sprintf("transient(radius=%d, block=%d)", r.radius, r.block)
}

// transientLayer is a softmax over tokens and summaries, whose bias has two tables. It has no parts: ranks cannot share it.
type transientLayer struct {
	plain softmaxLayer
	block int
}

// Learned lists the tables of the bias: by the distance of tokens, and by that of blocks.
func (l transientLayer) Learned() []Learned {
	table := l.plain.Learned()[0]
	side := table
	side.Name = "side"
	return []Learned{table, side}
}

func (l transientLayer) Key() string { return l.plain.Key() }

func (l transientLayer) Compile(seqs []attention.Seq) (Core, error) {
	core, err := l.plain.Compile(seqs)
	if err != nil {
		return nil, err
	}
	return transientCore{core.(softmaxCore), l}, nil
}

func (l transientLayer) NewState(*tensor.Pool, int) (State, error) {
	return nil, errors.New("mechanism: found transient to decode token by token, expected causal attention: a summary is of later tokens too")
}

// transientCore is the core of a softmax with another bias.
type transientCore struct {
	softmaxCore
	l transientLayer
}

func (c transientCore) Learned() []Learned { return c.l.Learned() }

// bound is the attention with the present values of the tables.
func (c transientCore) bound(learned []tensor.Mat) (*attention.Attention, error) {
	bias := attention.T5Summaries{Tokens: *c.Terms.T5, Side: values(learned[1]), Block: c.l.block}
	bias.Tokens.Table = values(learned[0])
	return c.a.With(nil, bias)
}

func (c transientCore) Forward(x tensor.Exec, out Out, in In) error {
	a, err := c.bound(in.Learned)
	if err != nil {
		return err
	}
	return a.Forward(x, out.attention(), in.In)
}

func (c transientCore) Backward(x tensor.Exec, g Grads, do tensor.Mat, out Out, in In) error {
	a, err := c.bound(in.Learned)
	if err != nil {
		return err
	}
	bias := &attention.BiasGrads{Table: values(g.Learned[0]), Side: values(g.Learned[1])}
	grads := attention.Grads{DQ: g.DQ, DK: g.DK, DV: g.DV, Bias: bias}
	if err := a.Backward(x, grads, do, out.attention(), in.In); err != nil {
		return err
	}
	setValues(g.Learned[0], bias.Table)
	setValues(g.Learned[1], bias.Side)
	return nil
}
