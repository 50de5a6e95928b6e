package model

import (
	"errors"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
)

// progress is the state of training and evaluation between batches.
type progress struct {
	session *Session
	memory  Memory // of training
	reading Memory // of evaluation
	losses  []float32
	best    []int32
	read    uint64       // sequences of the current evaluation
	byClass []ClassScore // of the current evaluation
	ranks   []int32      // of the current evaluation, of a model that pairs train
}

// acquire keeps the model open until release. It returns an error where the model was closed.
func (m *Model) acquire() error {
	m.work.RLock()
	if m.closed {
		m.work.RUnlock()
		return errors.New("model: found a model that was closed, expected an open one; open it again")
	}
	return nil
}

func (m *Model) release() { m.work.RUnlock() }

// Close gives weights and memory back to the pool, and lets go of the file of a model that was opened. It waits for sessions that compute.
// Afterwards sessions and generations return errors, and a second Close does nothing.
func (m *Model) Close() error {
	m.work.Lock()
	defer m.work.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	m.progress.memory.Free()
	m.progress.reading.Free()
	m.params.Free()
	if m.file == nil {
		return nil
	}
	return m.file.Close()
}

// Targets is the number of targets in the mean loss of b. For a masked language model, which has not chosen its targets yet, it is the
// number of tokens that may be hidden; the targets are in proportion.
func (m *Model) Targets(b *data.Batch) int64 {
	switch m.spec.Head.Kind {
	case Classify, Regress:
		return int64(b.Sequences())
	case MaskedLM:
		return int64(m.maskable(b.Tokens))
	case Embed:
		return int64(b.Sequences() / 2) // pairs
	}
	return int64(b.Scored())
}

// Train runs b forward and backward. The seed, the step and the part determine dropout and hidden tokens.
func (m *Model) Train(x tensor.Exec, b *data.Batch, p data.Pass) (float64, error) {
	m.progress.reading.Free() // the evaluation is over, and its memory would add to the peak of the step
	run := StepOptions{Backward: true, Scale: p.Weight, Seed: p.Mix()}
	result, err := m.step(&m.progress, x, b, run, &m.progress.memory)
	return result.Loss, err
}

// step runs b in the session of p. It keeps memory between batches, unless sequences are read in segments.
func (m *Model) step(p *progress, x tensor.Exec, b *data.Batch, o StepOptions, memory *Memory) (Result, error) {
	if b == nil {
		b = &data.Batch{} // which is refused
	}
	if p.session == nil {
		p.session = m.NewSession(x)
	}
	s := p.session
	s.x = x
	if m.spec.Kind == TransformerXL && m.spec.Segment == 0 {
		o.Memory = memory
	}
	return s.Step(m.chosen(b), o)
}

// chosen is b, without its targets for a masked language model, which chooses them itself.
func (m *Model) chosen(b *data.Batch) *data.Batch {
	if m.spec.Head.Kind != MaskedLM {
		return b
	}
	unchosen := *b
	unchosen.Targets = nil
	return &unchosen
}

// Eval predicts b, batch number place of an evaluation, from 0. A masked language model hides the same tokens of a sequence in every
// evaluation of the same sequences, with batches of any size.
func (m *Model) Eval(x tensor.Exec, b *data.Batch, place int) (data.Outcome, error) {
	return m.eval(&m.progress, x, b, StepOptions{}, place)
}

// wanted is the right class of each target of b; data.Ignore where there is none.
func (m *Model) wanted(b *data.Batch) []int32 {
	switch m.spec.Head.Kind {
	case Classify:
		return b.Labels
	case Regress:
		return nil // a number is not right or wrong
	case MaskedLM:
		return b.Tokens
	case Embed: // the own passage of each query
		want := make([]int32, b.Sequences()/2)
		for i := range want {
			want[i] = int32(i)
		}
		return want
	}
	return b.Targets
}

// eval is Eval with the state p, over the share of run.
func (m *Model) eval(p *progress, x tensor.Exec, b *data.Batch, run StepOptions, place int) (data.Outcome, error) {
	if b == nil {
		b = &data.Batch{} // which is refused
	}
	if place == 0 {
		p.reading.Free()
		p.read = 0
		p.beginTally(m.spec.Head)
	}
	want := m.wanted(b)
	index := p.read
	p.read += uint64(b.Sequences())
	p.losses, p.best = resize(p.losses, len(want)), resize(p.best, len(want))
	run.Losses, run.Best, run.First = p.losses, p.best, &index
	if m.spec.Head.Contrast != nil {
		p.ranks = append(p.ranks, make([]int32, len(want))...)
		run.Ranks = p.ranks[len(p.ranks)-len(want):]
	}
	result, err := m.step(p, x, b, run, &p.reading)
	if err != nil {
		return data.Outcome{}, err
	}
	o := data.Outcome{Loss: result.Loss, Targets: int64(result.Targets), Numbers: m.spec.Head.Kind == Regress}
	for i, class := range want {
		if class == data.Ignore || p.best[i] == data.Ignore { // a masked language model predicts its chosen targets only
			continue
		}
		if p.best[i] == class {
			o.Correct++
		}
		p.tally(class, p.best[i])
	}
	return o, nil
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// State is the memory of a Transformer-XL, encoded; nil for other kinds.
func (m *Model) State() []byte {
	if m.spec.Kind != TransformerXL {
		return nil
	}
	state, err := m.progress.memory.MarshalBinary()
	if err != nil {
		panic("model: " + err.Error()) // encoding numbers cannot fail
	}
	return state
}

// Restore sets the memory to a State. It returns an error, and changes nothing, if state is damaged or of another model.
func (m *Model) Restore(state []byte) error {
	if m.spec.Kind != TransformerXL {
		if len(state) != 0 {
			return errors.New("model: the saved run has a memory, expected none for this model")
		}
		return nil
	}
	memory, err := m.RestoreMemory(m.params.Pool(), state)
	if err != nil {
		return err
	}
	m.progress.memory.Free()
	m.progress.memory = *memory
	return nil
}
