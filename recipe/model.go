package recipe

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// Fit makes the model's configuration that of the data, with every default written out: its vocabulary and
// classes, the head that its labels need, and positions for its longest sequence. It returns an error where the
// recipe asks for what the data does not have.
func (r *Recipe) Fit(s *Sets) error {
	c := r.Model
	s.fitKind(&c)
	c.Vocab = orDefault(c.Vocab, s.Vocab)
	if c.Vocab < s.Vocab {
		return fmt.Errorf("model: vocab is %d and the data has %d tokens; leave it out, and it is the data's", c.Vocab, s.Vocab)
	}
	if c.Seed == 0 {
		c.Seed = r.Train.Seed
	}
	if c.Position == nn.Learned.String() {
		c.MaxTokens = orDefault(c.MaxTokens, s.Tokens)
	}
	if err := r.refuseKind(&c); err != nil {
		return err
	}
	if err := s.fitHead(&c); err != nil {
		return err
	}
	if err := c.Check(); err != nil {
		return err
	}
	r.Model = c.WithDefaults()
	return nil
}

// Model is the model of a recipe, as the training loop wants it. It is used by one goroutine.
type Model struct {
	*model.Model
	config  model.Config
	pool    *tensor.Pool
	seed    uint64
	memory  model.Memory // carried in training
	reading model.Memory // carried in evaluation
	params  []*tensor.Param
	losses  []float32
	best    []int32
	byClass []ClassScore // of the evaluation at work
}

// Build makes the model that Fit has fitted to the data. Weights, and for training their gradients, come from
// x's pool until Close.
func (r *Recipe) Build(x tensor.Exec, trained bool) (*Model, error) {
	built, err := model.New(r.Model, x.Pool, trained)
	if err != nil {
		return nil, err
	}
	m := &Model{Model: built, config: built.Config(), pool: x.Pool, seed: r.Train.Seed}
	for _, p := range built.Params().All() {
		m.params = append(m.params, &tensor.Param{Name: p.Name, Value: p.Value, Grad: p.Grad})
	}
	return m, nil
}

// Params lists the weights.
func (m *Model) Params() []*tensor.Param { return m.params }

// Close gives weights and memory back to the pool.
func (m *Model) Close() {
	m.memory.Free()
	m.reading.Free()
	m.Model.Params().Free()
}

// Targets is what the mean loss of b is a mean over. A masked language model has not chosen yet, and chooses in
// proportion to the tokens.
func (m *Model) Targets(b *data.Batch) int64 {
	switch m.config.Head {
	case model.Classify, model.Regress:
		return int64(b.Sequences())
	case model.MaskedLM:
		return int64(len(b.Tokens))
	}
	return int64(b.Scored())
}

// Train runs b forward and backward. What dropout drops, and masks hide, follows from the seed, the step and the part.
func (m *Model) Train(x tensor.Exec, b *data.Batch, p train.Pass) (float64, error) {
	m.reading.Free() // an evaluation is over, and its memory would add to that of a step
	run := model.Run{Backward: true, Scale: p.Weight, Seed: data.Mix(data.Mix(m.seed^uint64(p.Step)) + uint64(p.Part))}
	result, err := m.run(x, b, run, &m.memory)
	return result.Loss, err
}

// run carries memory on from batch to batch, or where sequences are read in segments one of its own from segment to segment.
func (m *Model) run(x tensor.Exec, b *data.Batch, run model.Run, memory *model.Memory) (model.Result, error) {
	switch {
	case m.config.Kind != model.TransformerXL:
		run.Source = b.Source
		return m.Run(x, m.chosen(b), run)
	case m.config.Segment > 0:
		return m.runSegments(x, b, run)
	}
	run.Memory = memory
	return m.Run(x, b, run)
}

// chosen is b as the head wants it: a masked language model chooses its targets itself.
func (m *Model) chosen(b *data.Batch) *data.Batch {
	if m.config.Head != model.MaskedLM {
		return b
	}
	unchosen := *b
	unchosen.Targets = nil
	return &unchosen
}

// Eval predicts b. A masked language model hides the same tokens each time.
func (m *Model) Eval(x tensor.Exec, b *data.Batch, first bool) (train.Outcome, error) {
	if first {
		m.reading.Free()
		m.beginTally()
	}
	want := b.Targets
	switch m.config.Head {
	case model.Classify:
		want = b.Labels
	case model.Regress:
		want = nil // a number is not right or wrong
	case model.MaskedLM:
		want = b.Tokens
	}
	m.losses, m.best = resize(m.losses, len(want)), resize(m.best, len(want))
	run := model.Run{Losses: m.losses, Best: m.best}
	result, err := m.run(x, b, run, &m.reading)
	if err != nil {
		return train.Outcome{}, err
	}
	o := train.Outcome{Loss: result.Loss, Targets: int64(result.Targets), Numbers: m.config.Head == model.Regress}
	for i, class := range want {
		if class == data.Ignore || m.best[i] == data.Ignore { // a masked language model was asked for some only
			continue
		}
		if m.best[i] == class {
			o.Correct++
		}
		m.tally(class, m.best[i])
	}
	return o, nil
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// State is the memory of a Transformer-XL.
func (m *Model) State() []byte {
	if m.config.Kind != model.TransformerXL {
		return nil
	}
	state, err := m.memory.MarshalBinary()
	if err != nil {
		panic("recipe: " + err.Error()) // numbers always have a form in bytes
	}
	return state
}

// Restore takes back what State gave.
func (m *Model) Restore(state []byte) error {
	if m.config.Kind != model.TransformerXL {
		if len(state) != 0 {
			return errors.New("the saved run carried a memory, and this model has none")
		}
		return nil
	}
	memory, err := m.RestoreMemory(m.pool, state)
	if err != nil {
		return err
	}
	m.memory.Free()
	m.memory = *memory
	return nil
}
