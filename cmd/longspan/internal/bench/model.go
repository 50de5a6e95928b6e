package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/sampling/beam"
	"github.com/longspan/longspan/tensor"
)

// Model measures a model on drawn tokens: a pass over a text without its head, and the decoding of more tokens one by one. Of an
// encoder-decoder the text is the source: the pass is that of the encoder, with the keys and values that the decoder reads.
type Model struct {
	Path      string
	Options   model.OpenOptions
	Tokens    int // of the text; of a decoder: of the prompt
	Sequences int // texts of that length, packed
	Decode    int // tokens after the prompt; 0: none
	Beams     int // of a search for these tokens; 0 and 1: they are drawn one by one
	Threads   int
	Runs      int // whose median counts, after one that does not
}

// ModelRow is what was measured.
type ModelRow struct {
	Weights   int64   `json:"weights"` // their number
	Tokens    int     `json:"tokens"`  // of the pass
	Open      float64 `json:"open"`    // seconds
	Seconds   float64 `json:"seconds"` // of the pass
	PerSecond float64 `json:"tokens_per_second"`
	Decoded   float64 `json:"decoded_per_second,omitempty"` // tokens a second, one by one
	State     int64   `json:"state_bytes,omitempty"`        // of the layers after the last token
	Peak      int64   `json:"peak_bytes"`                   // largest resident memory of the process, the mapped file included
}

// Run measures m.
func (m Model) Run(tell Progress) (row ModelRow, err error) {
	if m.Tokens < 1 || m.Sequences < 1 || m.Decode < 0 || m.Runs < 1 {
		return row, fmt.Errorf("bench: found %d tokens, %d sequences, %d decoded tokens and %d runs, expected at least 1, 1, 0 and 1",
			m.Tokens, m.Sequences, m.Decode, m.Runs)
	}
	if m.Beams > 1 && m.Decode < 2 {
		return row, fmt.Errorf("bench: found %d beams for %d decoded tokens, expected at least 2 tokens", m.Beams, m.Decode)
	}
	m.Options.Pool = tensor.NewPool()
	m.Options.BodyOnly = m.Decode == 0
	began := time.Now()
	opened, err := m.open()
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	row.Open, row.Weights, row.Tokens = time.Since(began).Seconds(), opened.Count(), m.Tokens*m.Sequences
	s := opened.NewSession(tensor.Exec{Threads: m.Threads, Pool: tensor.NewPool()})
	measure := func() (pass, decoded float64, state int64, err error) { return m.pass(s) }
	switch {
	case m.Beams > 1:
		measure = func() (pass, decoded float64, state int64, err error) { return m.search(opened) }
	case m.Decode > 0 || opened.Spec().Kind == model.EncoderDecoder:
		measure = func() (pass, decoded float64, state int64, err error) { return m.decode(opened, m.Threads) }
	}
	var passes, rates []float64
	for run := range m.Runs + 1 {
		tell(run, m.Runs+1)
		pass, rate, state, err := measure()
		if err != nil {
			return row, err
		}
		if run > 0 {
			passes, rates, row.State = append(passes, pass), append(rates, rate), state
		}
	}
	slices.Sort(passes)
	slices.Sort(rates)
	row.Seconds, row.Decoded = median(passes), median(rates)
	row.PerSecond = float64(row.Tokens) / row.Seconds
	_, row.Peak = memory.Resident()
	return row, nil
}

// open opens the model. Folders of this program, and encoder-decoders, have no body to open alone.
func (m Model) open() (*model.Model, error) {
	opened, err := model.OpenWith(m.Path, m.Options)
	if err == nil || !m.Options.BodyOnly {
		return opened, err
	}
	m.Options.BodyOnly = false
	whole, failed := model.OpenWith(m.Path, m.Options)
	if failed != nil && !errors.Is(err, model.ErrForeignOption) {
		return nil, err
	}
	return whole, failed
}

// tokens are drawn ones.
func (m Model) tokens(vocab int) []int32 {
	r, tokens := data.NewRandom(1, 0), make([]int32, m.Tokens*m.Sequences)
	for i := range tokens {
		tokens[i] = int32(r.IntN(vocab))
	}
	return tokens
}

// pass runs the body over the texts.
func (m Model) pass(s *model.Session) (seconds, rate float64, state int64, err error) {
	b := &data.Batch{Tokens: m.tokens(s.Model().Spec().Vocab), Lengths: slices.Repeat([]int{m.Tokens}, m.Sequences)}
	began := time.Now()
	h, err := s.Hidden(b, model.StepOptions{})
	seconds = time.Since(began).Seconds()
	s.Exec().Pool.Put(h)
	return seconds, 0, 0, err
}

// decode reads the prompt, or the source, and then draws tokens one by one.
func (m Model) decode(opened *model.Model, threads int) (seconds, rate float64, state int64, err error) {
	pool, text := tensor.NewPool(), m.tokens(opened.Spec().Vocab)
	source, prompt := []int32(nil), text
	if opened.Spec().Kind == model.EncoderDecoder {
		source, prompt = text, nil
	}
	began := time.Now()
	d, err := opened.NewSession(tensor.Exec{Threads: threads, Pool: pool}).Decode(source)
	if err != nil {
		return 0, 0, 0, err
	}
	defer d.Close()
	if len(prompt) > 0 {
		if _, err := d.Step(prompt); err != nil {
			return 0, 0, 0, err
		}
	}
	seconds = time.Since(began).Seconds()
	if m.Decode == 0 {
		return seconds, 0, 0, nil
	}
	began = time.Now()
	for i := range m.Decode {
		if _, err := d.Step(text[i%len(text):][:1]); err != nil {
			return 0, 0, 0, err
		}
	}
	return seconds, float64(m.Decode) / time.Since(began).Seconds(), pool.InUse(), nil
}

// search reads the prompt, or the source, and then searches for tokens with several beams. The pass ends with the first step of the search.
func (m Model) search(opened *model.Model) (seconds, rate float64, state int64, err error) {
	pool := tensor.NewPool()
	p := model.Prompt{Tokens: m.tokens(opened.Spec().Vocab)}
	if opened.Spec().Kind == model.EncoderDecoder {
		p.Source, p.Tokens = p.Tokens, p.Tokens[:1]
	}
	c := beam.Default()
	c.Beams, c.MaxNew = m.Beams, m.Decode
	var first time.Time
	began := time.Now()
	_, err = opened.NewSession(tensor.Exec{Threads: m.Threads, Pool: pool}).Search(context.Background(), p, c, func(done, _ int) error {
		if done == 1 {
			first = time.Now()
		}
		state = pool.InUse()
		return nil
	})
	return first.Sub(began).Seconds(), float64(m.Decode-1) / time.Since(first).Seconds(), state, err
}
