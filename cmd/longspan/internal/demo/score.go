package demo

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/genome"
	"github.com/longspan/longspan/model"
)

// Region is how well one kind of base is predicted.
type Region struct {
	Name   string  `json:"name"`
	Bases  int     `json:"bases"`
	Model  float64 `json:"bits"`        // a base
	Markov float64 `json:"markov_bits"` // of the best Markov model
}

// GeneScore is how well a gene is predicted.
type GeneScore struct {
	genome.Gene
	Model  float64 `json:"bits"`
	Markov float64 `json:"markov_bits"`
}

// stride is how many bases a window of the test scores: each is predicted from the other half of a window at least.
func (d *work) stride() int { return max(1, d.sets.Tokens/2) }

// windows is how many windows score the test.
func (d *work) windows() int { return (d.Test.Len() + d.stride() - 1) / d.stride() }

// score is −log₂ of the probability of each base of the test.
func (d *work) score(ctx context.Context, m *model.Model) ([]float64, error) {
	e, err := genome.NewEvaluation([]*dna.Sequence{d.genome},
		genome.EvaluationConfig{Tokens: d.sets.Tokens, Stride: d.stride(), Regions: []dna.Span{d.Test}})
	if err != nil {
		return nil, err
	}
	bits := make([]float64, 0, d.Test.Len())
	var b data.Batch
	var losses []float32
	session := m.NewSession(d.exec)
	for i := range e.Len() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b.Reset()
		if err := e.Append(&b, 0, i); err != nil {
			return nil, err
		}
		losses = append(losses[:0], make([]float32, len(b.Tokens))...)
		if _, err := session.Step(&b, model.StepOptions{Losses: losses}); err != nil {
			return nil, err
		}
		_, scored, _ := e.Place(i)
		for _, nats := range losses[len(losses)-scored.Len():] { // what the window scores is its end
			bits = append(bits, float64(nats)/math.Ln2)
		}
	}
	return bits, nil
}

// tally adds up bits by class.
type tally struct {
	bases         int
	model, markov float64
}

func (t *tally) add(model, markov float64) {
	t.bases++
	t.model += model
	t.markov += markov
}

func (t tally) region(name string) Region {
	n := float64(max(t.bases, 1))
	return Region{name, t.bases, t.model / n, t.markov / n}
}

// judge compares bits with the Markov models, and parts them by what lies where.
func (d *work) judge(bits []float64) {
	var all tally
	for i, b := range bits {
		all.add(b, d.blend[i])
	}
	d.Bits = all.region("").Model
	d.Beats = d.Bits < d.MarkovBits
	for _, row := range d.Markov {
		if d.Bits < row.Bits() {
			d.BeatsUpTo = row.Order
		}
	}
	genes := genome.EColiGenes()
	d.Regions = d.regions(bits, genes)
	d.Best, d.Worst = d.extremes(bits, genes)
}

// Where a base can lie.
const (
	betweenGenes = iota
	forward1     // codon positions of genes that are read as the model reads
	forward2
	forward3
	reverse1 // and of genes on the other strand
	reverse2
	reverse3
	rna
	otherGene
	places
)

var placeNames = [places]string{"between genes", "codon position 1, gene on this strand", "codon position 2, gene on this strand",
	"codon position 3, gene on this strand", "codon position 1, gene on the other strand", "codon position 2, gene on the other strand",
	"codon position 3, gene on the other strand", "genes of RNA", "pseudogenes"}

// placeOf is where base at lies, which g covers.
func placeOf(g genome.Gene, at int) uint8 {
	switch {
	case g.Kind == "CDS" && g.Reverse:
		return uint8(reverse1 + (g.End-1-at)%3)
	case g.Kind == "CDS":
		return uint8(forward1 + (at-g.Start)%3)
	case g.Kind == "pseudo":
		return otherGene
	}
	return rna
}

// regions is the bits by place. A base on two genes counts for the first.
func (d *work) regions(bits []float64, genes []genome.Gene) []Region {
	where := make([]uint8, len(bits))
	for _, g := range genes {
		for at := max(g.Start, d.Test.Start); at < min(g.End, d.Test.End); at++ {
			if i := at - d.Test.Start; where[i] == betweenGenes {
				where[i] = placeOf(g, at)
			}
		}
	}
	var inside, proteins tally
	var by [places]tally
	for i, b := range bits {
		by[where[i]].add(b, d.blend[i])
		if where[i] != betweenGenes {
			inside.add(b, d.blend[i])
		}
		if forward1 <= where[i] && where[i] <= reverse3 {
			proteins.add(b, d.blend[i])
		}
	}
	rows := []Region{by[betweenGenes].region(placeNames[betweenGenes]), inside.region("inside genes"), proteins.region("genes of proteins")}
	for place := forward1; place < places; place++ {
		if by[place].bases > 0 {
			rows = append(rows, by[place].region(placeNames[place]))
		}
	}
	return rows
}

// A gene shorter than shortGene says little by its mean; extremesShown are listed of each end.
const (
	shortGene     = 300
	extremesShown = 8
)

// extremes is the genes that are predicted best, and worst.
func (d *work) extremes(bits []float64, genes []genome.Gene) (best, worst []GeneScore) {
	var all []GeneScore
	for _, g := range genes {
		if g.Start < d.Test.Start || g.End > d.Test.End || g.End-g.Start < shortGene {
			continue
		}
		var t tally
		for i := g.Start - d.Test.Start; i < g.End-d.Test.Start; i++ {
			t.add(bits[i], d.blend[i])
		}
		r := t.region("")
		all = append(all, GeneScore{g, r.Model, r.Markov})
	}
	slices.SortStableFunc(all, func(a, b GeneScore) int { return cmp.Compare(a.Model, b.Model) })
	n := min(extremesShown, len(all)/2)
	best, worst = all[:n], slices.Clone(all[len(all)-n:])
	slices.Reverse(worst)
	return best, worst
}
