package evaluate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/genome/score"
)

// Reader gives the log-probabilities of the four bases at each base of a span, by each strand, in the order of positions. A *score.Scorer
// is one.
type Reader interface {
	Sites(ctx context.Context, contig string, span dna.Span, use func(score.Site) error) error
}

// opinion is what a model says of a substitution, in nats.
type opinion struct {
	forward, reverse float64 // log p(ALT) − log p(REF) by each strand
	entropy          float64 // of the four bases, the mean of the strands
	surprise         float64 // −log p(REF), the mean of the strands
}

// llr is the score of both strands.
func (o opinion) llr() float64 { return (o.forward + o.reverse) / 2 }

// reading is what a model says of a region.
type reading struct {
	of   map[Substitution]opinion
	bits float64 // a base, forward
	n    int     // bases with bits
}

// read asks a model about all bases of a region, and keeps what it says of the substitutions. step is called with the number of bases done.
func read(ctx context.Context, m Reader, r genome.Region, about []Substitution, step func(done int)) (*reading, error) {
	sorted := slices.Clone(about)
	slices.SortFunc(sorted, func(a, b Substitution) int { return a.Pos - b.Pos })
	out := &reading{of: make(map[Substitution]opinion, len(about))}
	err := m.Sites(ctx, r.Contig.Name, dna.Span{Start: r.Start, End: r.End}, func(s score.Site) error {
		if step != nil && s.Pos&0xfff == 0 {
			step(s.Pos - r.Start)
		}
		ref, kind := dna.Parse(s.Ref)
		if kind != dna.Exact {
			return nil
		}
		if p := float64(s.Forward[ref.Code()]); !math.IsNaN(p) {
			out.bits -= p / math.Ln2
			out.n++
		}
		for len(sorted) > 0 && sorted[0].Pos < s.Pos {
			sorted = sorted[1:]
		}
		for ; len(sorted) > 0 && sorted[0].Pos == s.Pos; sorted = sorted[1:] {
			out.of[sorted[0]] = opinionOf(s, sorted[0])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, s := range about {
		o, ok := out.of[s]
		if v := o.forward + o.reverse + o.entropy; !ok || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("evaluate: the model has no probabilities at %s:%d; is its tokenizer one of A, C, G and T?", r.Contig.Name,
				s.Pos+1)
		}
	}
	return out, nil
}

func opinionOf(s score.Site, t Substitution) (o opinion) {
	for _, p := range s.Forward {
		o.entropy -= float64(p) * math.Exp(float64(p)) / 2
	}
	for _, p := range s.Reverse {
		o.entropy -= float64(p) * math.Exp(float64(p)) / 2
	}
	o.forward = float64(s.Forward[t.Alt]) - float64(s.Forward[t.Ref])
	o.reverse = float64(s.Reverse[t.Alt]) - float64(s.Reverse[t.Ref])
	o.surprise = -float64(s.Forward[t.Ref]+s.Reverse[t.Ref]) / 2
	return o
}
