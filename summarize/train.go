package summarize

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/internal/random"
	"github.com/longspan/longspan/rouge"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train/optim"
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

// The recipe: documents of a step, dropout, steps of the warm-up, and decoupled weight decay.
const (
	batchDocuments = 8
	dropoutRate    = 0.2
	warmupSteps    = 20
	weightDecay    = 0.01
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
		return nil, nil, errors.New("summarize: found no validation documents, expected some to choose the epoch by")
	}
	m := &Features{Card: Card{Documents: map[string]int{}, Seed: o.Seed, Words: o.Words}}
	for _, e := range examples {
		m.Card.Documents[e.Source]++
	}
	rows, err := m.prepare(ctx, examples, o)
	if err != nil {
		return nil, nil, err
	}
	t := &trainer{model: m, options: o, rows: rows, dev: dev}
	epochs, err := t.run(ctx)
	return m, epochs, err
}

// prepare learns the frequencies of terms and the means of features, and labels the sentences. Examples of which no sentence is chosen are
// left out.
func (m *Features) prepare(ctx context.Context, examples []Example, o TrainOptions) (all []prepared, err error) {
	if m.frequencies, err = learnFrequencies(ctx, examples); err != nil {
		return nil, err
	}
	for i := range examples {
		p, err := m.label(ctx, &examples[i], Budget{Words: o.Words})
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

// trainer is a training under way.
type trainer struct {
	model   *Features
	options TrainOptions
	rows    []prepared
	dev     []Example
	weights *optim.Weights
	adam    *optim.AdamW
	step    int64
}

// run trains, and leaves the best epoch's weights in the model.
func (t *trainer) run(ctx context.Context) (epochs []Epoch, err error) {
	widths := append(append([]int{FeatureCount}, t.options.Hidden...), 1)
	t.model.network = newNetwork(widths, dropoutRate, t.options.Seed, true)
	if t.weights, err = optim.NewWeights(t.model.network.params); err != nil {
		return nil, err
	}
	if t.adam, err = optim.NewAdamW(tensor.NewPool(), t.weights, optim.AdamWConfig{Decay: weightDecay}); err != nil {
		return nil, err
	}
	defer t.adam.Close()
	steps := int64((len(t.rows) + batchDocuments - 1) / batchDocuments * t.options.Epochs)
	schedule := optim.Schedule{Peak: t.options.LR, Warmup: min(warmupSteps, steps), Total: steps, Shape: optim.Linear}
	var best [][]float32
	top := math.Inf(-1)
	for number := 1; number <= t.options.Epochs; number++ {
		loss, err := t.epoch(ctx, number, schedule)
		if err != nil {
			return epochs, err
		}
		means, err := t.model.means(ctx, t.dev, t.options)
		if err != nil {
			return epochs, err
		}
		e := Epoch{number, loss, means}
		epochs = append(epochs, e)
		if t.options.Log != nil {
			t.options.Log(e)
		}
		if value := means[0] + means[1]; value > top {
			top, best = value, t.copyWeights()
			t.model.Card.Epochs, t.model.Card.Dev = number, map[string]float64{}
			for k, name := range rouge.Names {
				t.model.Card.Dev[name] = means[k]
			}
		}
	}
	for k, p := range t.model.network.params {
		copy(p.Value.F32, best[k])
		p.Grad = tensor.Mat{}
	}
	return epochs, nil
}

func (t *trainer) copyWeights() (all [][]float32) {
	for _, p := range t.model.network.params {
		all = append(all, append([]float32(nil), p.Value.F32...))
	}
	return all
}

// epoch goes over the examples once, in an order that the seed and the number draw.
func (t *trainer) epoch(ctx context.Context, number int, schedule optim.Schedule) (loss float64, err error) {
	order := make([]int, len(t.rows))
	draw := random.NewSplitMix(t.options.Seed, 1<<32+uint64(number))
	for i := range order {
		j := draw.Below(i + 1)
		order[i], order[j] = order[j], i
	}
	x := tensor.Exec{Threads: t.options.Threads, Pool: tensor.NewPool()}
	for from := 0; from < len(order); from += batchDocuments {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		t.step++
		t.weights.ZeroGrad(x)
		batch := order[from:min(len(order), from+batchDocuments)]
		for k, i := range batch {
			l, err := t.backward(x, &t.rows[i], random.Mix(t.options.Seed^uint64(t.step)<<8^uint64(k)))
			if err != nil {
				return 0, err
			}
			loss += l / float64(len(order))
		}
		scale := optim.Clip(t.weights.GradNorm(x)/float64(len(batch)), 1) / float64(len(batch))
		t.adam.Step(x, optim.Update{Step: t.step, LR: schedule.LR(t.step), Scale: scale})
	}
	return loss, nil
}

// backward adds the gradients of one example and returns its loss.
func (t *trainer) backward(x tensor.Exec, p *prepared, seed uint64) (float64, error) {
	g := autograd.New(x, autograd.Options{Train: true})
	defer g.Close()
	rows := len(p.targets)
	y := t.model.network.record(g, g.Input(tensor.FromF32(p.x, rows, FeatureCount)), seed)
	loss := g.Keep(g.BinaryCrossEntropy(y, tensor.FromF32(p.targets, rows, 1)))
	if err := g.Forward(); err != nil {
		return 0, err
	}
	// The mean over the rows, to the sum over them for each positive one, halved.
	scale := 0.5 * float64(rows) / float64(p.positive)
	return float64(loss.Scalar()) * scale, g.Backward(loss, float32(scale))
}

// means are the mean scores of the model's summaries of examples.
func (m *Features) means(ctx context.Context, examples []Example, o TrainOptions) (means Means, err error) {
	scorer := rouge.New(rouge.Options{})
	for i := range examples {
		t, err := newText(ctx, examples[i].Document, "", m.frequencies)
		if err != nil {
			return means, err
		}
		scores, err := m.Score(ctx, t)
		if err != nil {
			return means, err
		}
		chosen := t.choose(t.standardise(scores), Budget{Words: o.Words}, redundancy)
		for k, s := range scorer.Score(examples[i].reference(), t.lines(chosen)).All() {
			means[k] += s.F1 / float64(len(examples))
		}
	}
	return means, nil
}
