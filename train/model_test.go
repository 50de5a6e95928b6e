package train

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
)

const vocab = 7

// bigram is the smallest language model there is: logits[next] = table[token][next] + bias[next]. It carries a
// number from batch to batch and drops logits at random, so that a run which loses either shows it.
type bigram struct {
	table, bias *tensor.Param
	carried     float64 // of the hash of all tokens trained on
	plain       bool    // without what is carried and dropped, so that only the formula is left
	sleep       time.Duration
	spoil       func(p data.Pass, m *bigram, loss *float64) // breaks a step; nil otherwise
}

func newBigram(seed uint64) *bigram {
	m := &bigram{table: newParam("table", vocab, vocab), bias: newParam("bias", 1, vocab)}
	r := data.NewRandom(seed, 0)
	for i := range m.table.Value.F32 {
		m.table.Value.F32[i] = float32(r.Float64() - 0.5)
	}
	return m
}

func newParam(name string, rows, cols int) *tensor.Param {
	return &tensor.Param{Name: name, Value: tensor.New(tensor.F32, rows, cols), Grad: tensor.New(tensor.F32, rows, cols)}
}

func (m *bigram) Params() []*tensor.Param { return []*tensor.Param{m.table, m.bias} }

func (m *bigram) Files() (map[string][]byte, error) { return nil, nil }

func (m *bigram) Targets(b *data.Batch) int64 { return int64(b.Scored()) }

func (m *bigram) Train(_ tensor.Exec, b *data.Batch, p data.Pass) (float64, error) {
	time.Sleep(m.sleep)
	r := data.NewRandom(uint64(p.Step), uint64(p.Part))
	loss := m.pass(b, func(token, next int32, probs []float64) {
		if !m.plain && r.IntN(4) == 0 {
			return // dropped
		}
		scale := p.Weight / float64(m.Targets(b)) * (1 + m.carried/10)
		for j, q := range probs {
			d := q * scale
			if int32(j) == next {
				d -= scale
			}
			m.table.Grad.Row(int(token))[j] += float32(d)
			m.bias.Grad.F32[j] += float32(d)
		}
	})
	for _, token := range b.Tokens {
		if m.plain {
			break
		}
		m.carried = math.Mod(m.carried*3.7+float64(token)*0.13, 1)
	}
	if m.spoil != nil {
		m.spoil(p, m, &loss)
	}
	return loss, nil
}

func (m *bigram) Eval(_ tensor.Exec, b *data.Batch, _ int) (data.Outcome, error) {
	o := data.Outcome{Targets: m.Targets(b)}
	o.Loss = m.pass(b, func(_, next int32, probs []float64) {
		if probs[next] == slices.Max(probs) {
			o.Correct++
		}
	})
	return o, nil
}

// pass is the mean loss of b; each is called with the probabilities of every target.
func (m *bigram) pass(b *data.Batch, each func(token, next int32, probs []float64)) float64 {
	var sum float64
	probs := make([]float64, vocab)
	for i, next := range b.Targets {
		if next == data.Ignore {
			continue
		}
		var total float64
		for j := range probs {
			probs[j] = math.Exp(float64(m.table.Value.Row(int(b.Tokens[i]))[j]) + float64(m.bias.Value.F32[j]))
			total += probs[j]
		}
		for j := range probs {
			probs[j] /= total
		}
		sum -= math.Log(probs[next])
		each(b.Tokens[i], next, probs)
	}
	return sum / float64(m.Targets(b))
}

func (m *bigram) State() []byte {
	return binary.LittleEndian.AppendUint64(nil, math.Float64bits(m.carried))
}

func (m *bigram) Restore(state []byte) error {
	if len(state) != 8 {
		return errors.New("the carried number cannot be read")
	}
	m.carried = math.Float64frombits(binary.LittleEndian.Uint64(state))
	return nil
}

// walks is a data set of walks on a ring: mostly a step ahead, sometimes a jump, so there is something to learn.
type walks struct{ examples, length int }

func (w walks) Len() int { return w.examples }

func (w walks) Append(dst *data.Batch, epoch, index int) error {
	r := data.NewRandom(uint64(epoch), uint64(index))
	n := 2 + r.IntN(w.length)
	at := int32(r.IntN(vocab))
	for range n {
		next := (at + 1) % vocab
		if r.IntN(5) == 0 {
			next = int32(r.IntN(vocab))
		}
		dst.Tokens = append(dst.Tokens, at)
		dst.Targets = append(dst.Targets, next)
		at = next
	}
	dst.Lengths = append(dst.Lengths, n)
	return nil
}

// testJob trains the bigram on walks.
func testJob(t *testing.T, change func(c *Config)) Job {
	t.Helper()
	c := DefaultConfig()
	c.Steps, c.Accumulate, c.EMA = 60, 2, 0.9
	c.Optimizer.LR, c.Optimizer.Warmup = 0.05, 5
	c.Log.Every, c.Eval.Every, c.Eval.Batches, c.Checkpoint.Every = 4, 10, 3, 7
	if change != nil {
		change(&c)
	}
	source, err := data.NewLoader(walks{50, 12}, data.LoaderConfig{Batch: 3, Shuffle: true, Seed: c.Seed})
	if err != nil {
		t.Fatal(err)
	}
	return Job{
		Config: c, Model: newBigram(c.Seed), Train: source, Meta: Meta{Settings: map[string]string{"seed": "1"}, Config: "seed: 1\n"},
		Valid: func() (data.Source, error) {
			return data.NewLoader(walks{9, 12}, data.LoaderConfig{Batch: 3, Epochs: 1})
		},
	}
}
