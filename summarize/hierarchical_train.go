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

// TrainHierarchical trains a scorer by a recipe, DefaultRecipe if nil, on examples, and keeps the epoch that is best on the validation
// examples dev. The same recipe and examples give the same bits.
//
// The loss of a document is the weighted sum of that of its sentences, as in [Train], and of the mean binary cross-entropies of its terms
// and of its pairs: whether the summary has them.
func TrainHierarchical(ctx context.Context, examples, dev []Example, r *Recipe, o TrainHierarchicalOptions) (*Hierarchical, error) {
	if r == nil {
		r = DefaultRecipe()
	}
	if err := r.Check(); err != nil {
		return nil, err
	}
	if len(dev) == 0 {
		return nil, errNoDev
	}
	f, rows, _, err := trainFeatures(ctx, examples, dev, TrainOptions{Seed: r.Seed, Words: r.Words, Threads: o.Threads}.withDefaults())
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
	m.Card.keep(kept.Number, kept.Dev)
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
func newHierarchical(ctx context.Context, f *Features, rows []known, r *Recipe, threads int) (*Hierarchical, error) {
	words, err := learnTokenizer(ctx, rows, r.Vocab, threads)
	if err != nil {
		return nil, err
	}
	spec, err := r.spec(words.Vocab())
	if err != nil {
		return nil, err
	}
	m := &Hierarchical{features: f}
	if r.Alone {
		m.alone = learnMeanOdds(rows)
	}
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
	var err error
	e.Dev, err = t.m.features.means(ctx, t.dev, Scored("model", t.m), Budget{Words: t.recipe.Words}, t.threads)
	return e.Dev[0] + e.Dev[1], err
}

// backward adds the gradients of a lesson and returns its loss.
func (t *hierarchicalTrainer) backward(x tensor.Exec, i int, seed uint64) (float64, error) {
	if t.session == nil {
		t.session = t.m.encoder.NewSession(x)
	}
	l := t.all[i]
	r, err := t.session.StepWith(&l.batch, model.StepOptions{Backward: true, Seed: seed}, func(p *nn.Pass, x *autograd.Var) *autograd.Var {
		return t.m.head.loss(p, x, l, t.recipe.Loss)
	})
	return r.Loss, err
}

// loss records the loss of a lesson, of the hidden states x of its tokens.
func (h *sentenceHead) loss(p *nn.Pass, x *autograd.Var, l *lesson, weight LossWeights) *autograd.Var {
	g := p.G
	vectors := g.Take(g.MeanPool(x, l.lengths), l.parts)
	features := g.Cast(g.Input(tensor.FromF32(l.features, len(l.parts), FeatureCount)))
	q := p.With([]int{len(l.parts)})
	states := h.states(q, vectors, features)
	scores := h.scores(q, states, features)
	sentences := g.BinaryCrossEntropy(g.Take(scores, l.candidates), tensor.FromF32(l.targets, len(l.targets), 1))
	loss := g.Scale(sentences, float32(weight.Sentences*lossScale(len(l.targets), l.positive)))
	if len(l.groups.lengths) == 0 {
		return loss
	}
	x = g.Add(x, g.Take(h.context.Apply(p, states), l.sentences))
	words := g.MeanPool(g.Take(x, l.groups.tokens), l.groups.lengths)
	for _, part := range []struct {
		correction correction
		rows       wordRows
		weight     float64
	}{{h.terms, l.terms, weight.Terms}, {h.pairs, l.pairs, weight.Pairs}} {
		n := len(part.rows.wanted)
		if n == 0 || part.weight == 0 {
			continue
		}
		odds := g.Add(g.Input(tensor.FromF32(part.rows.odds, n, 1)), part.correction.record(p, g.Take(words, part.rows.group)))
		loss = g.Add(loss, g.Scale(g.BinaryCrossEntropy(odds, tensor.FromF32(part.rows.wanted, n, 1)), float32(part.weight)))
	}
	return loss
}
