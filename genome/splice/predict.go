package splice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/model"
)

// Probabilities are those of the classes of a base: neither, acceptor, donor.
type Probabilities [3]float32

// Predictor gives the probabilities of bases by an encoder with the head tag.
type Predictor struct {
	session *model.Session
	options PredictOptions
	bounded bool // the layers have a reach
}

// PredictOptions configure a Predictor. The zero value leaves the choice to the model: see For.
type PredictOptions struct {
	Context int // bases on each side that a base may depend on; 0: what the layers reach, or a quarter of Window where they have no end
	Window  int // bases that the model reads at once; 0: 16,384, or four times the Context where that is more
	Batch   int // bases that are computed together; longer windows are computed alone; 0: 32,768
}

// For fills in what a model decides, and checks the rest.
func (o PredictOptions) For(m *model.Model) (PredictOptions, error) {
	if err := checkModel(m); err != nil {
		return o, err
	}
	if min(o.Context, o.Window, o.Batch) < 0 || o.Context > maxContext || o.Window > maxWindow || o.Batch > maxWindow {
		return o, fmt.Errorf("splice: found a context of %d bases in windows of %d, %d computed together; expected up to %d, %d and %d, or 0 "+
			"for the default", o.Context, o.Window, o.Batch, maxContext, maxWindow, maxWindow)
	}
	if reach, bounded := m.Reach(); o.Context == 0 && bounded {
		o.Context = reach
	}
	o.Window = cmp.Or(o.Window, max(16384, 4*o.Context))
	o.Context = cmp.Or(o.Context, o.Window/4)
	o.Batch = cmp.Or(o.Batch, 32768)
	limit := m.Spec().MaxTokens()
	switch {
	case o.Window <= 2*o.Context:
		return o, fmt.Errorf("splice: found windows of %d bases with %d on each side, expected longer windows", o.Window, o.Context)
	case limit > 0 && o.Window > limit:
		return o, fmt.Errorf("splice: found windows of %d bases, expected at most %d, the learned positions", o.Window, limit)
	}
	return o, nil
}

// Lengths are the tokens of the sequences of the largest batch, for a plan of the memory. o is of For.
func (o PredictOptions) Lengths() []int {
	return slices.Repeat([]int{o.Window}, max(1, o.Batch/o.Window))
}

// checkModel refuses a model that does not tag bases with the classes of this package.
func checkModel(m *model.Model) error {
	if spec := m.Spec(); spec.Kind != model.Encoder || spec.Head.Kind != model.Tag || spec.Head.Classes != int(classes) {
		return fmt.Errorf("splice: found a model of the kind %s with the head %s and %d classes, expected an encoder with the head "+
			"tag and the %d classes %v, such as examples/splice.yaml trains", spec.Kind, spec.Head.Kind, spec.Head.Classes, classes, ClassNames())
	}
	return nil
}

var errNotFinite = errors.New("splice: found an output that is no finite number; the weights are damaged, or fp16 overflowed")

// NewPredictor returns a predictor that computes with a session.
func NewPredictor(s *model.Session, o PredictOptions) (*Predictor, error) {
	o, err := o.For(s.Model())
	_, bounded := s.Model().Reach()
	return &Predictor{s, o, bounded}, err
}

// Options are the predictor's, with what the model decided.
func (p *Predictor) Options() PredictOptions { return p.options }

// Gene gives the probabilities of all bases of a gene. Windows begin at fixed positions of the gene, so that the result depends on the gene
// and its neighbourhood alone. When ctx is done it returns ctx's error.
func (p *Predictor) Gene(ctx context.Context, g *Gene) ([]Probabilities, error) {
	r := reading{predictor: p, gene: g, all: make([]Probabilities, 0, g.Len())}
	step := p.options.Window - 2*p.options.Context
	for from := 0; from < g.Len(); from += step {
		if err := r.add(ctx, dna.Span{Start: from, End: min(from+step, g.Len())}); err != nil {
			return nil, err
		}
	}
	return r.all, r.flush(ctx)
}

// reading is a gene on its way through the model.
type reading struct {
	predictor *Predictor
	gene      *Gene
	batch     data.Batch
	parts     []dna.Span // of each window in the batch: the rows that are used
	all       []Probabilities
}

// add adds the window of some positions, and computes what is there where it would be too much.
func (r *reading) add(ctx context.Context, positions dna.Span) error {
	o := r.predictor.options
	low, high := r.gene.bounds()
	start, end := max(low, positions.Start-o.Context), min(high, positions.End+o.Context)
	if !r.predictor.bounded { // a model that sees the whole window has learned from whole ones, and may have global tokens anywhere in them
		end = min(high, start+o.Window)
		start = max(low, end-o.Window)
	}
	begin := len(r.batch.Tokens)
	if begin > 0 && begin+end-start > o.Batch {
		if err := r.flush(ctx); err != nil {
			return err
		}
		begin = 0
	}
	r.batch.Tokens = append(r.batch.Tokens, make([]int32, end-start)...)
	r.batch.Lengths = append(r.batch.Lengths, end-start)
	r.gene.Tokens(r.batch.Tokens[begin:], start)
	r.parts = append(r.parts, dna.Span{Start: positions.Start - start, End: positions.End - start})
	return nil
}

// flush computes the windows of the batch.
func (r *reading) flush(ctx context.Context) error {
	if len(r.parts) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	session := r.predictor.session
	out, err := session.Predict(&r.batch, model.StepOptions{})
	if err != nil {
		return err
	}
	defer session.Exec().Pool.Put(out)
	first := 0
	for i, part := range r.parts {
		for row := part.Start; row < part.End; row++ {
			p, ok := softmax(out.Row(first + row))
			if !ok {
				return errNotFinite
			}
			r.all = append(r.all, p)
		}
		first += r.batch.Lengths[i]
	}
	r.batch.Reset()
	r.parts = r.parts[:0]
	return nil
}

// softmax reports whether all logits are finite.
func softmax(logits []float32) (p Probabilities, ok bool) {
	top := max(logits[0], logits[1], logits[2])
	sum := 0.0
	var e [3]float64
	for i := range e {
		e[i] = math.Exp(float64(logits[i] - top))
		sum += e[i]
	}
	for i := range e {
		p[i] = float32(e[i] / sum)
	}
	return p, !math.IsNaN(sum) && !math.IsInf(float64(top), 0)
}
