package summarize

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/rouge"
	"github.com/longspan/longspan/tensor"
)

// TrainOptions are the settings of Train. The zero value is the recipe of the embedded model.
type TrainOptions struct {
	Seed    uint64
	Epochs  int     // at most; the best on the validation documents is kept. 0: 5
	LR      float64 // peak learning rate; 0: 0.002
	Hidden  []int   // widths of the hidden layers; nil: 64
	Words   int     // of the summaries; 0: DefaultWords
	Threads int
	// Log is told of each epoch; nil: nobody is.
	Log func(Epoch)
}

// Epoch is the state after an epoch.
type Epoch struct {
	Number int     `json:"epoch"`
	Loss   float64 `json:"loss"` // mean over the documents
	Dev    Means   `json:"dev"`
}

// Means are the mean F1 of the measures over documents, in the order of rouge.Names.
type Means [4]float64

// The recipe: dropout, steps of the warm-up, and decoupled weight decay.
const (
	dropoutRate = 0.2
	warmupSteps = 20
	weightDecay = 0.01
)

// prepared is an example that is ready to be learned from.
type prepared struct {
	example  *Example
	text     *Text
	x        []float32 // features of the candidates
	targets  []float32 // 1: the oracle chose the sentence
	positive int
}

// Train trains a scorer on examples and keeps the epoch that is best on the validation examples dev, by ROUGE-1 + ROUGE-2 F1 of the
// summaries. Labels are the oracle's. The loss is the binary cross-entropy, summed over a document's candidates and divided by its number
// of positive ones, so that long documents do not outweigh others. The same options and examples give the same bits.
func Train(ctx context.Context, examples, dev []Example, o TrainOptions) (*Features, []Epoch, error) {
	if o.Epochs == 0 {
		o.Epochs = 5
	}
	if o.LR == 0 {
		o.LR = 2e-3
	}
	if o.Hidden == nil {
		o.Hidden = []int{64}
	}
	if o.Words == 0 {
		o.Words = DefaultWords
	}
	if len(dev) == 0 {
		return nil, nil, errNoDev
	}
	m := &Features{Card: newCard(examples, o.Seed, o.Words)}
	rows, err := m.prepare(ctx, examples, o.Words)
	if err != nil {
		return nil, nil, err
	}
	m.network = newNetwork(append(append([]int{FeatureCount}, o.Hidden...), 1), dropoutRate, o.Seed, true)
	epochs, kept, err := fit(ctx, &trainer{m, o, rows, dev}, fitting{seed: o.Seed, epochs: o.Epochs, lr: o.LR, warmup: warmupSteps,
		decay: weightDecay, threads: o.Threads, log: o.Log})
	m.Card.keep(kept)
	return m, epochs, err
}

var errNoDev = errors.New("summarize: found no validation documents, expected some to choose the epoch by")

func newCard(examples []Example, seed uint64, words int) Card {
	c := Card{Documents: map[string]int{}, Seed: seed, Words: words}
	for _, e := range examples {
		c.Documents[e.Source]++
	}
	return c
}

// prepare learns the frequencies of terms and the means of features, and labels the sentences. Examples of which no sentence is chosen are
// left out.
func (m *Features) prepare(ctx context.Context, examples []Example, words int) (all []prepared, err error) {
	if m.frequencies, err = learnFrequencies(ctx, examples); err != nil {
		return nil, err
	}
	for i := range examples {
		p, err := m.label(ctx, &examples[i], Budget{Words: words})
		if err != nil {
			return nil, err
		}
		if p.positive > 0 {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("summarize: found no document of %d whose sentences have words of its summary", len(examples))
	}
	m.learnScale(all)
	for _, p := range all {
		m.standardise(p.x)
	}
	return all, nil
}

// learnFrequencies counts the sentences with each term.
func learnFrequencies(ctx context.Context, examples []Example) (*Frequencies, error) {
	with, n := new([buckets]int), 0
	uniform := &Frequencies{}
	for i := range examples {
		t, err := newText(ctx, examples[i].Document, "", uniform)
		if err != nil {
			return nil, err
		}
		seen := map[int]bool{}
		for s := range t.Sentences {
			clear(seen)
			terms, _ := t.row(s)
			for _, term := range terms {
				seen[bucket(t.names[term])] = true
			}
			for b := range seen {
				with[b]++
			}
			n++
		}
	}
	if n < 2 {
		return nil, fmt.Errorf("summarize: found %d sentences, expected at least 2", n)
	}
	return newFrequencies(with, n), nil
}

// label computes the features and labels of an example's candidates.
func (m *Features) label(ctx context.Context, e *Example, b Budget) (p prepared, err error) {
	p.example = e
	if p.text, err = newText(ctx, e.Document, "", m.frequencies); err != nil {
		return p, err
	}
	chosen := map[int]bool{}
	for _, i := range p.text.oracle(e.reference(), b) {
		chosen[i] = true
	}
	x := p.text.measure().rows(0, len(p.text.Sentences))
	for i, s := range p.text.Sentences {
		if !s.Candidate {
			continue
		}
		p.x = append(p.x, x[i*FeatureCount:(i+1)*FeatureCount]...)
		target := float32(0)
		if chosen[i] {
			target = 1
			p.positive++
		}
		p.targets = append(p.targets, target)
	}
	return p, nil
}

// learnScale computes the mean and the standard deviation of each feature.
func (m *Features) learnScale(all []prepared) {
	sum, squares, n := make([]float64, FeatureCount), make([]float64, FeatureCount), 0.0
	for _, p := range all {
		for i, v := range p.x {
			sum[i%FeatureCount] += float64(v)
			squares[i%FeatureCount] += float64(v) * float64(v)
		}
		n += float64(len(p.targets))
	}
	m.mean, m.scale = make([]float32, FeatureCount), make([]float32, FeatureCount)
	for k := range sum {
		mean := sum[k] / n
		m.mean[k], m.scale[k] = float32(mean), 1
		if variance := squares[k]/n - mean*mean; variance > 1e-12 {
			m.scale[k] = float32(1 / math.Sqrt(variance))
		}
	}
}

// trainer trains Features.
type trainer struct {
	model   *Features
	options TrainOptions
	rows    []prepared
	dev     []Example
}

func (t *trainer) params() []*tensor.Param { return t.model.network.params }

func (t *trainer) lessons() int { return len(t.rows) }

// backward adds the gradients of one example and returns its loss.
func (t *trainer) backward(x tensor.Exec, lesson int, seed uint64) (float64, error) {
	p := &t.rows[lesson]
	g := autograd.New(x, autograd.Options{Train: true})
	defer g.Close()
	rows := len(p.targets)
	y := t.model.network.record(g, g.Input(tensor.FromF32(p.x, rows, FeatureCount)), seed)
	loss := g.Keep(g.BinaryCrossEntropy(y, tensor.FromF32(p.targets, rows, 1)))
	if err := g.Forward(); err != nil {
		return 0, err
	}
	scale := lossScale(rows, p.positive)
	return float64(loss.Scalar()) * scale, g.Backward(loss, float32(scale))
}

// lossScale makes of the mean over a document's candidates the sum over them for each positive one, halved.
func lossScale(candidates, positive int) float64 {
	return 0.5 * float64(candidates) / float64(positive)
}

func (t *trainer) judge(ctx context.Context, e *Epoch) (float64, error) {
	score := func(ctx context.Context, text *Text) ([]float32, error) {
		return t.model.score(ctx, text, t.options.Threads)
	}
	var err error
	e.Dev, err = summaryMeans(ctx, score, t.model.frequencies, t.dev, t.options.Words)
	return e.Dev[0] + e.Dev[1], err
}

// keep notes in the card which epoch was kept.
func (c *Card) keep(e Epoch) {
	c.Epochs, c.Dev = e.Number, map[string]float64{}
	for k, name := range rouge.Names {
		c.Dev[name] = e.Dev[k]
	}
}
