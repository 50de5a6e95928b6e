package summarize

import (
	"context"
	"errors"
	"fmt"

	"github.com/longspan/longspan/rouge"
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
// of positive ones, so that long documents do not outweigh others. The same options and examples give the same bits. It returns the errors
// of [TrainOptions.Check], and one for examples without labels.
func Train(ctx context.Context, examples, dev []Example, o TrainOptions) (*Features, []Epoch, error) {
	o = o.withDefaults()
	if err := o.Check(); err != nil {
		return nil, nil, err
	}
	if len(dev) == 0 {
		return nil, nil, errNoDev
	}
	m, _, epochs, err := trainFeatures(ctx, examples, dev, o)
	return m, epochs, err
}

// Check refuses values out of range.
func (o TrainOptions) Check() error {
	o = o.withDefaults()
	switch {
	case o.Epochs < 1 || o.Epochs > mostEpochs:
		return fmt.Errorf("found %d epochs, expected 1 to %d", o.Epochs, mostEpochs)
	case !(o.LR > 0 && o.LR <= 1):
		return fmt.Errorf("found a learning rate of %g, expected a number above 0, up to 1", o.LR)
	case len(o.Hidden) > mostLayers/2:
		return fmt.Errorf("found %d hidden layers, expected at most %d", len(o.Hidden), mostLayers/2)
	}
	for _, w := range o.Hidden {
		if w < 1 || w > mostHidden {
			return fmt.Errorf("found a hidden layer of %d units, expected 1 to %d", w, mostHidden)
		}
	}
	return checkWords(o.Words)
}

// The largest values of TrainOptions.
const (
	mostEpochs = 1000
	mostHidden = 4096
)

// checkWords refuses summaries that no scorer learns from, and those whose file would not open again.
func checkWords(words int) error {
	if words < FewestWords || words > mostBudget {
		return fmt.Errorf("found summaries of %d words, expected %d to %d", words, FewestWords, mostBudget)
	}
	return nil
}

func (o TrainOptions) withDefaults() TrainOptions {
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
	return o
}

// known is an example with the importance of its terms as models see documents that they do not know.
type known struct {
	prepared
	importance *Importance
}

func trainFeatures(ctx context.Context, examples, dev []Example, o TrainOptions) (*Features, []known, []Epoch, error) {
	m := &Features{Card: newCard(examples, o.Seed, o.Words)}
	rows, err := m.prepare(ctx, examples, o.Words)
	if err != nil {
		return nil, nil, nil, err
	}
	m.network = newNetwork("", o.widths(), dropoutRate, o.Seed)
	judged := func(ctx context.Context, e *Epoch) (value float64, err error) {
		e.Dev, err = m.means(ctx, dev, Ranked("scores", m), Budget{Words: o.Words}, o.Threads)
		return e.Dev[0] + e.Dev[1], err
	}
	f := o.fitting()
	f.log = o.Log
	epochs, kept, err := fit(ctx, &networkLearner{m.network, samples(rows), judged}, f)
	if err != nil {
		return nil, nil, nil, err
	}
	importance, err := m.learnImportance(ctx, rows, o)
	if err != nil {
		return nil, nil, nil, err
	}
	all := make([]known, len(rows))
	for i, p := range rows {
		all[i] = known{p, importance[i]}
	}
	means, err := m.means(ctx, dev, Scored("model", m), Budget{Words: o.Words}, o.Threads)
	m.Card.keep(kept.Number, means)
	return m, all, epochs, err
}

// fitting are the settings of the training of the scores.
func (o *TrainOptions) fitting() fitting {
	return fitting{seed: o.Seed, epochs: o.Epochs, lr: o.LR, warmup: warmupSteps, decay: weightDecay, threads: o.Threads}
}

// widths are those of the layers of the scorer.
func (o *TrainOptions) widths() []int { return append(append([]int{FeatureCount}, o.Hidden...), 1) }

// samples are what the scorer learns from.
func samples(rows []prepared) []sample {
	all := make([]sample, len(rows))
	for i, p := range rows {
		all[i] = sample{p.x, p.targets, lossScale(len(p.targets), p.positive)}
	}
	return all
}

// lossScale makes of the mean over a document's candidates the sum over them for each positive one, halved.
func lossScale(candidates, positive int) float64 {
	return 0.5 * float64(candidates) / float64(positive)
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
	x := make([][]float32, len(all))
	for i, p := range all {
		x[i] = p.x
	}
	m.mean, m.scale = learnScale(x, FeatureCount)
	for _, values := range x {
		standardise(values, m.mean, m.scale)
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

// means are the mean F1 of the summaries that a system makes of examples.
func (m *Features) means(ctx context.Context, examples []Example, system System, b Budget, threads int) (means Means, err error) {
	scorer := rouge.New(rouge.Options{})
	for i := range examples {
		t, err := newText(ctx, examples[i].Document, "", m.frequencies)
		if err != nil {
			return means, err
		}
		t.threads = threads
		chosen, err := system.choose(ctx, t, &examples[i], b)
		if err != nil {
			return means, err
		}
		for k, s := range scorer.Score(examples[i].reference(), t.lines(chosen)).All() {
			means[k] += s.F1 / float64(len(examples))
		}
	}
	return means, nil
}

// keep notes in the card which epoch was kept, and what the summaries of the validation documents scored.
func (c *Card) keep(epoch int, means Means) {
	c.Epochs, c.Dev = epoch, map[string]float64{}
	for k, name := range rouge.Names {
		c.Dev[name] = means[k]
	}
}
