package model

import (
	"errors"
	"fmt"
	"math"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// A language model with a prior learns what another predictor, such as counts of n-grams, does not know. With the prior's log-probabilities
// log q of the next token, one for each token of the vocabulary, and hidden states h,
//
//	x₀ = embedding + A·log q    logits = W·h + log q
//
// At first W·h is nearly 0, so the model predicts what the prior does. Nothing learns through log q: it is an input.

// priorLayer is the name of A.
const priorLayer = "prior"

func (m *Model) makePrior() {
	if m.spec.Head.Prior {
		// Of the size of the embeddings' initial values: the standard deviation of a weight is Scale/√In.
		m.prior = nn.NewLinear(m.params, priorLayer, nn.LinearConfig{In: m.spec.Vocab, Out: m.spec.Width, Scale: headStd * float64(m.spec.Vocab)})
	}
}

// checkPrior refuses a prior that the model does not read, and none where it reads one.
func (m *Model) checkPrior(tokens int, prior []float32) error {
	switch want := tokens * m.spec.Vocab; {
	case m.spec.Head.Prior && len(prior) == 0:
		return errPrior
	case m.spec.Head.Prior && len(prior) != want:
		return fmt.Errorf("model: found a prior of %d numbers for %d tokens of a vocabulary of %d, expected %d",
			len(prior), tokens, m.spec.Vocab, want)
	case !m.spec.Head.Prior && len(prior) > 0:
		return fmt.Errorf("model: found a prior of %d numbers, expected none: the model was made without", len(prior))
	}
	for i, v := range prior {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("model: found the log-probability %g in the prior of token %d, expected finite numbers", v, i/m.spec.Vocab)
		}
	}
	return nil
}

var errPrior = errors.New("model: found no prior for a model that reads one (data.genome.prior of its recipe), expected a row of " +
	"log-probabilities for each token; train and eval make it from the data")

// ownPrior is log q of the rows of p [rows, vocab], of those in index where it is not nil. It has no rows where the model reads no prior.
func (m *Model) ownPrior(p *nn.Pass, in inputs, index []int32) tensor.Mat {
	if !m.spec.Head.Prior {
		return tensor.Mat{}
	}
	vocab := m.spec.Vocab
	own := in.prior
	if p.Share != nil {
		lo, hi := p.Share.Own()
		own = own[lo*vocab : hi*vocab]
	}
	if index != nil {
		taken := make([]float32, 0, len(index)*vocab)
		for _, row := range index {
			taken = append(taken, own[int(row)*vocab:(int(row)+1)*vocab]...)
		}
		own = taken
	}
	return tensor.FromF32(own, len(own)/vocab, vocab)
}

// addPrior adds A·log q to embeddings x.
func (m *Model) addPrior(p *nn.Pass, in inputs, x *autograd.Var) *autograd.Var {
	if m.prior == nil {
		return x
	}
	return p.G.Add(x, m.prior.Apply(p, p.G.Cast(p.G.Input(m.ownPrior(p, in, nil)))))
}

// logitsOf records the outputs of the head for hidden states x, with the prior: of all rows of p, or of those in index.
func (m *Model) logitsOf(p *nn.Pass, in inputs, x *autograd.Var, index []int32) *autograd.Var {
	logits := m.logits(p, x)
	if q := m.ownPrior(p, in, index); q.Rows > 0 {
		return p.G.Add(logits, p.G.Input(q))
	}
	return logits
}
