package demo

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/genome"
	variants "github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/genome/coding"
	"github.com/longspan/longspan/genome/evaluate/stats"
	"github.com/longspan/longspan/genome/score"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/pretrained"
	"github.com/longspan/longspan/tensor"
)

// VariantsModel is the model that Variants uses, by its name in package pretrained.
const VariantsModel = "ecoli"

// VariantsOptions configure Variants.
type VariantsOptions struct {
	Bases   int                 // of the test tenth of the genome that are mapped; 0: all
	Exec    tensor.Exec         // threads and memory
	Advance func(done, all int) // progress; may be nil
}

// ConsequenceRow is the scores of the substitutions of a kind.
type ConsequenceRow struct {
	Name   string  `json:"name"`
	Number int     `json:"number"`
	Mean   float64 `json:"mean"`   // of log p(ALT) − log p(REF), in nats
	Median float64 `json:"median"` // likewise
}

// VariantsResult is the outcome of Variants.
type VariantsResult struct {
	Model         string           `json:"model"`
	Region        string           `json:"region"`
	Bases         int              `json:"bases"`
	Genes         int              `json:"genes"`
	Substitutions int              `json:"substitutions"`
	Rows          []ConsequenceRow `json:"rows"`
	// AUROC is the probability that a substitution that ends a protein has a lower score than a silent one of the same genes; 0.5 is chance.
	AUROC   float64 `json:"auroc"`
	Seconds float64 `json:"seconds"`
}

// Variants scores every substitution of bases of E. coli that the model has not seen, and compares them by what they do to the proteins.
// The model was told of no gene.
func Variants(ctx context.Context, o VariantsOptions) (VariantsResult, error) {
	m, err := pretrained.Open(VariantsModel, model.OpenOptions{Pool: o.Exec.Pool})
	if err != nil {
		return VariantsResult{}, err
	}
	defer m.Close()
	sequence := genome.EColi()
	test := genome.SplitOf(sequence.Len()).Test
	if o.Bases > 0 {
		test.End = min(test.End, test.Start+o.Bases)
	}
	ref, err := referenceOf(sequence)
	if err != nil {
		return VariantsResult{}, err
	}
	s, err := score.New(ref, m.NewSession(o.Exec), score.Options{})
	if err != nil {
		return VariantsResult{}, err
	}
	c := consequencesOf(sequence, test)
	contig := ref.Contigs()[0]
	region := variants.Region{Contig: contig, Start: test.Start, End: test.End}
	r, err := s.Map(ctx, score.MapOptions{Regions: []variants.Region{region}, Base: c.take, Chunk: func(r score.MapReport) error {
		if o.Advance != nil {
			o.Advance(r.Bases, test.Len())
		}
		return nil
	}})
	if err != nil {
		return VariantsResult{}, err
	}
	area, err := auroc(c.scores[coding.StopGained], c.scores[coding.Synonymous])
	return VariantsResult{Model: VariantsModel, Region: region.String(), Bases: r.Bases, Genes: c.genes, Substitutions: 3 * r.Mapped,
		Rows: c.rows(), AUROC: area}, err
}

// referenceOf is a sequence as a file of FASTA.
func referenceOf(s *dna.Sequence) (*fasta.Reference, error) {
	text := []byte(">" + s.Name + "\n" + s.String(0, s.Len()) + "\n")
	return fasta.OpenReader(bytes.NewReader(text), int64(len(text)), s.Name)
}

// consequences are the coding sequences of a genome, and the scores of substitutions by what they do.
type consequences struct {
	at     map[int]place
	genes  int
	scores [coding.Consequences][]float64
	others []float64 // between genes
}

// place is a base of a coding sequence.
type place struct {
	letters []dna.Base
	i       int
	reverse bool
}

// consequencesOf finds the coding sequences that lie in a span, of whole codons. A base of two genes has none: it does two things.
func consequencesOf(s *dna.Sequence, span dna.Span) *consequences {
	c := &consequences{at: map[int]place{}}
	twice := map[int]bool{}
	for _, g := range genome.EColiGenes() {
		if g.Kind != "CDS" || g.Start < span.Start || g.End > span.End || (g.End-g.Start)%3 != 0 {
			continue
		}
		letters := make([]dna.Base, g.End-g.Start)
		s.Bases(letters, g.Start)
		if g.Reverse {
			dna.ReverseComplement(letters)
		}
		c.genes++
		for i := range letters {
			at := g.Start + i
			if g.Reverse {
				at = g.End - 1 - i
			}
			if _, there := c.at[at]; there {
				twice[at] = true
			}
			c.at[at] = place{letters, i, g.Reverse}
		}
	}
	for at := range twice {
		c.at[at] = place{}
	}
	return c
}

// take takes the scores of a base.
func (c *consequences) take(s *score.Substitutions) error {
	p, in := c.at[s.Pos]
	for alt, llr := range s.LLR {
		switch {
		case "ACGT"[alt] == s.Ref || in && p.letters == nil:
		case !in:
			c.others = append(c.others, llr)
		default:
			b := dna.Base(alt)
			if p.reverse {
				b = b.Complement()
			}
			k := coding.Of(p.letters, p.i, b)
			c.scores[k] = append(c.scores[k], llr)
		}
	}
	return nil
}

func (c *consequences) rows() []ConsequenceRow {
	var rows []ConsequenceRow
	for k := coding.Synonymous; k < coding.Consequences; k++ {
		rows = append(rows, rowOf(k.String(), c.scores[k]))
	}
	return append(rows, rowOf("outside of these genes", c.others))
}

func rowOf(name string, scores []float64) ConsequenceRow {
	r := ConsequenceRow{Name: name, Number: len(scores)}
	if len(scores) == 0 {
		return r
	}
	total := 0.0
	for _, v := range scores {
		total += v
	}
	slices.Sort(scores)
	r.Mean, r.Median = total/float64(len(scores)), scores[len(scores)/2]
	return r
}

// auroc is the probability that one of low is below one of high, where ties count as half. It is an error where one is empty.
func auroc(low, high []float64) (float64, error) {
	if len(low) == 0 || len(high) == 0 {
		return 0, fmt.Errorf("demo: found %d substitutions that end a protein and %d silent ones, expected some of both; map more bases",
			len(low), len(high))
	}
	n := len(low) + len(high)
	d := stats.Design{Case: make([]bool, n), Block: make([]int32, n), Blocks: 1}
	for i := range high {
		d.Case[len(low)+i] = true
	}
	ranked, err := d.Rank(slices.Concat(low, high))
	if err != nil {
		return 0, err
	}
	return ranked.AUROC(nil), nil
}

// Verdict is the result in a sentence.
func (r VariantsResult) Verdict() string {
	return fmt.Sprintf("A substitution that ends a protein has a lower score than a silent one in %.0f %% of pairs. "+
		"The model was told of no gene.",
		100*r.AUROC)
}
