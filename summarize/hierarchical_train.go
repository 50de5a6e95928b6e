package summarize

import (
	"context"
	"errors"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// Stage is a part of the training of a Hierarchical scorer.
type Stage string

// The stages, in their order.
const (
	Pretraining Stage = "masked language model"
	Scoring     Stage = "scorer"
)

// Log is told how the training of a Hierarchical scorer goes. Functions may be nil.
type Log struct {
	Epoch  func(Stage, Epoch)
	Lesson func(done, all int64) // documents that were learned from, of those of all epochs
}

// TrainHierarchicalOptions are how TrainHierarchical runs; the result does not depend on them.
type TrainHierarchicalOptions struct {
	Threads int // 0: all processors
	Log     Log
}

// TrainHierarchical trains a scorer by a recipe on examples, and keeps the epoch that is best on the validation examples dev. The same
// recipe and examples give the same bits.
//
// The loss of a document is that of [Train], plus WordLoss times the mean binary cross-entropy of its content words: whether the summary has
// them, by a linear layer over their hidden states.
func TrainHierarchical(ctx context.Context, examples, dev []Example, r *Recipe, o TrainHierarchicalOptions) (*Hierarchical, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	if len(dev) == 0 {
		return nil, errNoDev
	}
	f := &Features{Card: newCard(examples, r.Seed, r.Words)}
	rows, err := f.prepare(ctx, examples, r.Words)
	if err != nil {
		return nil, err
	}
	m, err := newHierarchical(ctx, f, rows, r, o.Threads)
	if err != nil {
		return nil, err
	}
	all, err := m.lessons(ctx, rows, r.Tokens)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("summarize: found no document whose first tokens have a sentence of its summary; raise tokens")
	}
	fits := logged{o: o, all: int64(len(all)) * int64(r.Pretrain.Epochs+r.Train.Epochs)}
	if r.Pretrain.Epochs > 0 {
		if err := m.pretrain(ctx, all, fits.fitting(r.Pretrain, r.Seed, Pretraining)); err != nil {
			return nil, err
		}
	}
	t := &hierarchicalTrainer{m: m, recipe: r, all: all, dev: dev, threads: o.Threads}
	_, kept, err := fit(ctx, t, fits.fitting(r.Train, r.Seed, Scoring))
	if err != nil {
		return nil, err
	}
	m.Card = f.Card
	m.Card.keep(kept)
	return m, nil
}

// logged makes the settings of the stages of a training, which count their lessons together.
type logged struct {
	o         TrainHierarchicalOptions
	done, all int64
}

func (l *logged) fitting(c FitConfig, seed uint64, s Stage) fitting {
	f := fitting{seed: seed, epochs: c.Epochs, lr: c.LR, warmup: c.Warmup, decay: c.Decay, average: c.Average, threads: l.o.Threads}
	if l.o.Log.Epoch != nil {
		f.log = func(e Epoch) { l.o.Log.Epoch(s, e) }
	}
	f.lesson = func() {
		if l.done++; l.o.Log.Lesson != nil {
			l.o.Log.Lesson(l.done, l.all)
		}
	}
	return f
}

// newHierarchical makes a scorer with a tokenizer of the examples and drawn weights.
func newHierarchical(ctx context.Context, f *Features, rows []prepared, r *Recipe, threads int) (*Hierarchical, error) {
	words, err := learnTokenizer(ctx, rows, r.Vocab, threads)
	if err != nil {
		return nil, err
	}
	spec, err := r.spec(words.Vocab())
	if err != nil {
		return nil, err
	}
	m := &Hierarchical{features: f}
	if m.marks, err = marksOf(words); err != nil {
		return nil, err
	}
	if m.encoder, err = model.NewOf(spec, model.Options{Train: true, Tokenizer: words}); err != nil {
		return nil, err
	}
	m.head, err = newSentenceHead(spec.Width, r.Sentences, nn.ParamsOptions{Seed: r.Seed, Train: true})
	return m, err
}

// hierarchicalTrainer trains a Hierarchical scorer.
type hierarchicalTrainer struct {
	m       *Hierarchical
	recipe  *Recipe
	all     []*lesson
	dev     []Example
	threads int
	session *model.Session
}

func (t *hierarchicalTrainer) params() []*tensor.Param { return t.m.params() }

func (t *hierarchicalTrainer) lessons() int { return len(t.all) }

func (t *hierarchicalTrainer) judge(ctx context.Context, e *Epoch) (float64, error) {
	score := func(ctx context.Context, text *Text) ([]float32, error) {
		return t.m.score(ctx, text, t.threads, usualChunks)
	}
	var err error
	e.Dev, err = summaryMeans(ctx, score, t.m.features.frequencies, t.dev, t.recipe.Words)
	return e.Dev[0] + e.Dev[1], err
}

// backward adds the gradients of a lesson and returns its loss.
func (t *hierarchicalTrainer) backward(x tensor.Exec, i int, seed uint64) (float64, error) {
	if t.session == nil {
		t.session = t.m.encoder.NewSession(x)
	}
	l := t.all[i]
	r, err := t.session.StepWith(&l.batch, model.StepOptions{Backward: true, Seed: seed}, func(p *nn.Pass, x *autograd.Var) *autograd.Var {
		return t.m.head.loss(p, x, l, float32(t.recipe.WordLoss))
	})
	return r.Loss, err
}

// loss records the loss of a lesson, of the hidden states x of its tokens.
func (h *sentenceHead) loss(p *nn.Pass, x *autograd.Var, l *lesson, wordLoss float32) *autograd.Var {
	g := p.G
	vectors := g.Take(g.MeanPool(x, l.lengths), l.units)
	features := g.Cast(g.Input(tensor.FromF32(l.features, len(l.units), FeatureCount)))
	scores := g.Take(h.record(p.With([]int{len(l.units)}), vectors, features), l.candidates)
	loss := g.Scale(g.BinaryCrossEntropy(scores, tensor.FromF32(l.targets, len(l.targets), 1)), float32(lossScale(len(l.targets), l.positive)))
	if wordLoss == 0 || len(l.words) == 0 {
		return loss
	}
	words := h.words.ApplyF32(p, g.Take(x, l.words))
	return g.Add(loss, g.Scale(g.BinaryCrossEntropy(words, tensor.FromF32(l.wanted, len(l.wanted), 1)), wordLoss))
}
