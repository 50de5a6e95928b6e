package summarize

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// sentenceHead makes scores of the vectors and features of sentences, and corrects the log-odds of words.
//
//	x = W_v·norm(v) + W_f·f + b                                 [S, width]
//	x = x + attention(norm(x)); x = x + feedForward(norm(x))    for each layer
//	c = norm(x)
//	score = w·GELU(W·c + b) + perceptron(f)
//
// A word's vector is the mean, over its tokens in the document, of their hidden states plus W_c·c of their sentence. A perceptron makes of
// it what is added to the log-odds that the features give the word.
type sentenceHead struct {
	params            *nn.Params
	width             int
	shape             SentencesConfig
	vector, features  *nn.Linear
	vectorNorm        *nn.Norm
	layers            []sentenceLayer
	norm              *nn.Norm
	up, out           *nn.Linear
	plainUp, plainOut *nn.Linear
	context           *nn.Linear // W_c
	terms, pairs      correction
}

type sentenceLayer struct {
	attention *nn.Attention
	forward   *nn.FeedForward
	norms     [2]*nn.Norm
}

// sentenceWindow is the number of sentences before and behind that a sentence sees. Papers have fewer, so that all see all.
const sentenceWindow = 512

const headEps = 1e-5

// newSentenceHead makes the layers for vectors of a width.
func newSentenceHead(width int, shape SentencesConfig, o nn.ParamsOptions) (*sentenceHead, error) {
	p, layers, hidden := nn.NewParams(o), shape.Layers, shape.Hidden
	norm := func(name string) *nn.Norm {
		return nn.NewNorm(p, "scorer."+name, nn.NormConfig{Width: width, Eps: headEps})
	}
	linear := func(name string, in, out int) *nn.Linear {
		return nn.NewLinear(p, "scorer."+name, nn.LinearConfig{In: in, Out: out, Bias: true})
	}
	h := &sentenceHead{params: p, width: width, shape: shape,
		vectorNorm: norm("vector.norm"), vector: linear("vector", width, width), features: linear("features", FeatureCount, width),
		norm: norm("norm"), up: linear("up", width, hidden), out: nn.NewLinear(p, "scorer.out", nn.LinearConfig{In: hidden, Out: 1, Scale: 0.1}),
		plainUp: linear("plain.up", FeatureCount, hidden), plainOut: linear("plain.out", hidden, 1),
		context: nn.NewLinear(p, "scorer.context", nn.LinearConfig{In: width, Out: width, Scale: 0.1}),
		terms:   newCorrection(p, "scorer.terms", width, hidden), pairs: newCorrection(p, "scorer.pairs", width, hidden),
	}
	see, err := mechanism.Parse(fmt.Sprintf("window(%d)", sentenceWindow))
	if err != nil {
		return nil, err
	}
	heads := shape.Heads
	if heads == 0 {
		heads = max(1, width/32)
	}
	scale := 1 / math.Sqrt(2*float64(max(1, layers))) // as of the encoder's layers
	for i := range layers {
		name := fmt.Sprintf("sentences.%d", i)
		a, err := nn.NewAttention(p, "scorer."+name+".attention", nn.AttentionConfig{Width: width, Heads: heads, Mechanism: see,
			Position: nn.Rotary, Bias: true, Scale: scale})
		if err != nil {
			return nil, fmt.Errorf("the layers over the sentences: %w", err)
		}
		f := nn.NewFeedForward(p, "scorer."+name+".feed_forward", nn.FeedForwardConfig{Width: width, Hidden: 4 * width,
			Activation: autograd.GELU, Bias: true, Scale: scale})
		h.layers = append(h.layers, sentenceLayer{a, f, [2]*nn.Norm{norm(name + ".attention.norm"), norm(name + ".feed_forward.norm")}})
	}
	return h, p.Err()
}

// states records the states c [S, width] of sentences, of their vectors [S, width] and features [S, FeatureCount]. The sentences of a text
// are a sequence of p.
func (h *sentenceHead) states(p *nn.Pass, vectors, features *autograd.Var) *autograd.Var {
	g := p.G
	x := p.Dropout(g.Add(h.vector.Apply(p, h.vectorNorm.Apply(p, vectors)), h.features.Apply(p, features)))
	for _, l := range h.layers {
		x = g.Add(x, p.Dropout(l.attention.Apply(p, l.norms[0].Apply(p, x))))
		x = g.Add(x, p.Dropout(l.forward.Apply(p, l.norms[1].Apply(p, x))))
	}
	return h.norm.Apply(p, x)
}

// scores records the scores [S, 1] of sentences, of their states and features. Training alone has them: they teach the states.
func (h *sentenceHead) scores(p *nn.Pass, states, features *autograd.Var) *autograd.Var {
	g := p.G
	y := h.out.ApplyF32(p, p.Dropout(g.Activate(h.up.Apply(p, states), autograd.GELU)))
	plain := h.plainOut.ApplyF32(p, p.Dropout(g.Activate(h.plainUp.Apply(p, features), autograd.GELU)))
	return g.Add(y, plain)
}

// correction is a perceptron from the vector of a word to what is added to its log-odds: w·GELU(W·norm(v) + b).
type correction struct {
	norm    *nn.Norm
	up, out *nn.Linear
}

func newCorrection(p *nn.Params, name string, width, hidden int) correction {
	return correction{
		norm: nn.NewNorm(p, name+".norm", nn.NormConfig{Width: width, Eps: headEps}),
		up:   nn.NewLinear(p, name+".up", nn.LinearConfig{In: width, Out: hidden, Bias: true}),
		out:  nn.NewLinear(p, name+".out", nn.LinearConfig{In: hidden, Out: 1, Scale: 0.1}), // learning begins near the features alone
	}
}

// record records the corrections [n, 1] of vectors [n, width], in float32.
func (c correction) record(p *nn.Pass, vectors *autograd.Var) *autograd.Var {
	return c.out.ApplyF32(p, p.Dropout(p.G.Activate(c.up.Apply(p, c.norm.Apply(p, vectors)), autograd.GELU)))
}

// contexts computes W_c·c [S, width] of sentences that follow each other.
func (h *sentenceHead) contexts(x tensor.Exec, vectors, features []float32) ([]float32, error) {
	n := len(vectors) / h.width
	p := &nn.Pass{G: autograd.New(x, autograd.Options{}), Lengths: []int{n}, Compiled: nn.NewCompileCache()}
	defer p.Close()
	c := h.states(p, p.G.Input(tensor.FromF32(vectors, n, h.width)), p.G.Input(tensor.FromF32(features, n, FeatureCount)))
	c = p.G.Keep(h.context.Apply(p, c))
	if err := p.G.Forward(); err != nil {
		return nil, err
	}
	return slices.Clone(c.Value().F32[:n*h.width]), nil
}

// correctedAtOnce is the number of terms or pairs that are corrected together, which bounds the memory.
const correctedAtOnce = 8192

// corrections computes those of vectors of terms or of pairs.
func (h *sentenceHead) corrections(ctx context.Context, x tensor.Exec, c correction, vectors []float32) (all []float32, err error) {
	for some := range slices.Chunk(vectors, correctedAtOnce*h.width) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if all, err = h.correct(all, x, c, some); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// correct appends the corrections of vectors.
func (h *sentenceHead) correct(dst []float32, x tensor.Exec, c correction, vectors []float32) ([]float32, error) {
	n := len(vectors) / h.width
	p := &nn.Pass{G: autograd.New(x, autograd.Options{}), Lengths: []int{n}, Compiled: nn.NewCompileCache()}
	defer p.Close()
	y := p.G.Keep(c.record(p, p.G.Input(tensor.FromF32(vectors, n, h.width))))
	if err := p.G.Forward(); err != nil {
		return nil, err
	}
	return append(dst, y.Value().F32[:n]...), nil
}
