package model

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// targets are the targets of a batch.
type targets struct {
	classes []int32    // of each row that the head reads
	values  tensor.Mat // of regress, [sequences, 1]
	rows    []int32    // rows of the hidden states that have a target; nil: all
	places  []int32    // of a share: rows of the whole batch that have a target; nil: rows
	all     int        // rows with and without a target
	counted int        // rows with a target
	losses  []float32  // of the rows with a target; nil: not wanted
	best    []int32    // likewise

	derivative float32 // gradient at the loss, as in StepOptions.derivative
}

// targets reads the targets of a batch. A masked language model that chooses its own targets hides tokens of in.
func (m *Model) targets(b *data.Batch, in *inputs, r StepOptions) (*targets, error) {
	t := &targets{all: len(b.Tokens), derivative: r.derivative()}
	limit := m.spec.Outputs()
	switch m.spec.Head.Kind {
	case Embed:
		return nil, errors.New("model: found the head embed without a contrast, which has no loss; expected head.contrast, or another head, " +
			"to train or evaluate")
	case Classify:
		if m.spec.Head.Independent {
			return nil, errors.New("model: found independent classes, which have no loss; expected another head to train or evaluate")
		}
		if len(b.Labels) != len(b.Lengths) {
			return nil, fmt.Errorf("model: found %d labels for %d sequences, expected one each", len(b.Labels), len(b.Lengths))
		}
		t.classes, t.all = b.Labels, len(b.Labels)
	case Regress:
		return t, t.regress(b, r)
	case MaskedLM:
		t.classes = b.Targets
		switch mask := m.spec.Head.MaskToken; {
		case len(b.Targets) > 0:
		case mask != nil && *mask < 0:
			return nil, errors.New("model: found a masked language model whose mask token is not known, expected one; add tokenizer.json")
		case r.First != nil:
			in.tokens, t.classes = m.hideEach(b, r.Seed, *r.First)
		default:
			in.tokens, t.classes = m.hide(b.Tokens, data.NewRandom(r.Seed, 0))
		}
	default:
		if err := needTargets(b); err != nil {
			return nil, err
		}
		t.classes = b.Targets
	}
	if err := t.count(limit); err != nil {
		return nil, err
	}
	t.losses, t.best = roomLike(r.Losses, t.counted), roomLike(r.Best, t.counted)
	return t, r.checkRoom(t.all)
}

// needTargets refuses a batch without a target, or data.Ignore, for each token.
func needTargets(b *data.Batch) error {
	if len(b.Targets) != len(b.Tokens) {
		return fmt.Errorf("model: found %d targets for %d tokens, expected one each", len(b.Targets), len(b.Tokens))
	}
	return nil
}

// count finds the rows that have a target. The head reads these rows alone.
func (t *targets) count(limit int) error {
	for i, c := range t.classes {
		if c == autograd.Ignore {
			continue
		}
		if c < 0 || int(c) >= limit {
			return fmt.Errorf("model: target %d is %d, expected 0 … %d, or %d for none", i, c, limit-1, autograd.Ignore)
		}
		t.counted++
	}
	if t.counted == len(t.classes) {
		return nil
	}
	chosen := make([]int32, 0, t.counted)
	t.rows = make([]int32, 0, t.counted)
	for i, c := range t.classes {
		if c != autograd.Ignore {
			chosen, t.rows = append(chosen, c), append(t.rows, int32(i))
		}
	}
	t.classes = chosen
	return nil
}

// regress reads the numbers of the sequences, or their labels as numbers where the batch has no numbers.
func (t *targets) regress(b *data.Batch, r StepOptions) error {
	if err := r.checkRoom(0); err != nil {
		return fmt.Errorf("%w: the head regress has neither", err)
	}
	if n := max(len(b.Values), len(b.Labels)); n != len(b.Lengths) {
		return fmt.Errorf("model: found %d values for %d sequences, expected one each", n, len(b.Lengths))
	}
	t.counted = len(b.Lengths)
	t.values = tensor.New(tensor.F32, t.counted, 1)
	if copy(t.values.F32, b.Values) > 0 {
		return nil
	}
	for i, l := range b.Labels {
		t.values.F32[i] = float32(l)
	}
	return nil
}

// deliver copies losses and classes to the rows of their targets.
func (t *targets) deliver(r StepOptions) {
	r.clear()
	for k := range t.losses {
		r.Losses[t.place(k)] = t.losses[k]
	}
	for k := range t.best {
		r.Best[t.place(k)] = t.best[k]
	}
}

func (t *targets) place(k int) int {
	if t.places != nil {
		return int(t.places[k])
	}
	if t.rows == nil {
		return k
	}
	return int(t.rows[k])
}

// loss records the head and its loss on hidden states x [T, width].
func (m *Model) loss(p *nn.Pass, in inputs, x *autograd.Var, t *targets) *autograd.Var {
	if m.spec.Head.OfSequences() {
		x = m.pooled(p, x)
	}
	if p.Tensor != nil { // each rank has some of the targets
		x = p.G.CopyOver(p.Tensor, "gradients of the head", x)
		p = p.WithoutTensor()
	}
	if t.rows != nil || t.places != nil {
		x = p.G.Take(x, t.rows)
	}
	if m.spec.Head.Kind == Regress {
		return p.G.MeanSquareOf(m.logits(p, x), t.values, t.counted)
	}
	smoothing := 0.0 // evaluation measures against the true labels
	if p.G.Train() {
		smoothing = m.spec.LabelSmoothing
	}
	return m.crossEntropy(p, x, t.classes, autograd.CrossEntropyOptions{
		Smoothing: smoothing, Losses: t.losses, Best: t.best, Derivative: t.derivative, Counted: t.counted,
		Prior: m.ownPrior(p, in, t.rows),
	})
}

// Predict returns the outputs of the head for a batch, in float32: logits [T, vocab or classes], or for classify, regress and embed one row
// for each sequence. Of r, Memory alone is used. The matrix belongs to the session's pool: Put it back. Errors are those of [Session.Step].
func (s *Session) Predict(b *data.Batch, r StepOptions) (tensor.Mat, error) {
	r.Backward = false
	m := s.m
	out, err := s.compute(b, r, m.headCuts, func(p *nn.Pass, in inputs, h *autograd.Var) *autograd.Var {
		if m.spec.Head.OfSequences() {
			h = m.pooled(p, h)
		}
		if m.spec.Head.Kind == Embed {
			return m.vectors(p, h)
		}
		return m.logitsOf(p, in, h, nil)
	})
	if err == nil && m.spec.Head.Kind == Embed {
		return s.finishVectors(out)
	}
	return out, err
}

// Hidden returns the hidden states before the head, [T, width], in the precision's storage type. Of r, Memory alone is used. The matrix
// belongs to the session's pool: Put it back. Errors are those of [Session.Step].
func (s *Session) Hidden(b *data.Batch, r StepOptions) (tensor.Mat, error) {
	r.Backward = false
	return s.compute(b, r, tokenCuts, func(_ *nn.Pass, _ inputs, h *autograd.Var) *autograd.Var { return h })
}

// HiddenStates returns the embeddings of a batch, the output of each layer, and that of the last norm if there is one: each [T, width], in
// the precision's storage type. Of r, Memory alone is used. The matrices belong to the session's pool: Put them back. Errors are those of
// [Session.Step].
func (s *Session) HiddenStates(b *data.Batch, r StepOptions) (states []tensor.Mat, err error) {
	if err := s.m.acquire(); err != nil {
		return nil, err
	}
	defer s.m.release()
	r.Backward = false
	p, in, err := s.begin(b, r)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	var kept []*autograd.Var
	in.observe = func(v *autograd.Var) *autograd.Var {
		kept = append(kept, p.G.Keep(v))
		return v
	}
	s.m.hidden(p, in)
	if err := p.G.Forward(); err != nil {
		return nil, err
	}
	for _, v := range kept {
		states = append(states, clone(s.x.Pool, v.Value()))
	}
	return states, nil
}

// compute returns what top makes of the hidden states. cuts are the rows of its result that each of several ranks has.
func (s *Session) compute(b *data.Batch, r StepOptions, cuts func(*parallel.Share, []int32) []int,
	top func(*nn.Pass, inputs, *autograd.Var) *autograd.Var) (tensor.Mat, error) {
	if err := s.m.acquire(); err != nil {
		return tensor.Mat{}, err
	}
	defer s.m.release()
	shared := s.ranks != nil && r.Share == nil && b != nil
	if shared {
		var err error
		if r.Share, err = parallel.NewShare(s.ranks, b.Lengths); err != nil {
			return tensor.Mat{}, err
		}
	}
	p, in, err := s.begin(b, r)
	if err != nil {
		return tensor.Mat{}, err
	}
	defer p.Close()
	out, err := result(s.x, p, top(p, in, s.m.hidden(p, in)))
	if err == nil && shared {
		out, err = s.gather(out, cuts(r.Share, in.tokens))
	}
	if err == nil && r.Memory != nil {
		in.memory.remember(r.Memory, s.x)
	}
	return out, err
}

// result runs the graph of p and returns a copy of v.
func result(x tensor.Exec, p *nn.Pass, v *autograd.Var) (tensor.Mat, error) {
	p.G.Keep(v)
	if err := p.G.Forward(); err != nil {
		return tensor.Mat{}, err
	}
	return clone(x.Pool, v.Value()), nil
}

// clone copies a matrix without gaps.
func clone(pool *tensor.Pool, from tensor.Mat) tensor.Mat {
	to := pool.Get(from.Type, from.Rows, from.Cols)
	copyElements(to, from)
	return to
}

// copyElements copies a matrix without gaps to another of its shape and type.
func copyElements(to, from tensor.Mat) {
	copy(to.F32, from.F32)
	copy(to.U16, from.U16)
}
