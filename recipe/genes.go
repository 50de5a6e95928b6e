package recipe

import (
	"errors"
	"io"
	"os"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/genbank"
	"github.com/longspan/longspan/data/genome"
	"github.com/longspan/longspan/internal/strict"
)

// Genes is DNA with what lies on it: each base is between genes, in a gene of a protein on the strand that is read or on the other, or in a
// gene of RNA. It is cut in three as Genome is.
type Genes struct {
	Paths     []string `yaml:"paths,omitempty"` // GenBank files, plain or gzip; none means the E. coli in the program
	Tokens    int      `yaml:"tokens"`          // bases a window; 0 means 4096
	OneStrand bool     `yaml:"one_strand"`      // do not read windows from the other strand too
}

func (g *Genes) tokens() int { return orDefault(g.Tokens, 4096) }

func (g *Genes) check() error {
	if g.tokens() < 2 {
		return strict.Wrong("tokens", "is %d; a window needs at least 2 bases", g.Tokens)
	}
	return nil
}

func (g *Genes) open(batch int, seed uint64) (*Sets, error) {
	sequences, genes, err := g.annotated()
	if err != nil {
		return nil, err
	}
	var regions [3][]dna.Span
	for _, s := range sequences {
		split := genome.SplitOf(s.Len())
		for i, region := range []dna.Span{split.Train, split.Validation, split.Test} {
			regions[i] = append(regions[i], region)
		}
	}
	var parts [3]*genome.TaggedWindows
	for i := range parts {
		c := genome.WindowConfig{Tokens: g.tokens(), Regions: regions[i]}
		if i == 0 {
			c.BothStrands, c.Move, c.Seed = !g.OneStrand, true, seed
		}
		if parts[i], err = genome.NewTaggedWindows(sequences, genes, c); err != nil {
			return nil, err
		}
	}
	names := genome.TagNames()
	s := &Sets{Bytes: heldBy(sequences), Vocab: dna.Vocab, Tokens: g.tokens(), Tags: len(names), ClassNames: names, Show: showBases, Read: readBases}
	return s, s.load(batch, seed, parts[0], parts[1], parts[2])
}

// annotated reads the sequences and their genes.
func (g *Genes) annotated() (sequences []*dna.Sequence, genes []*genome.Annotation, err error) {
	if len(g.Paths) == 0 {
		return []*dna.Sequence{genome.EColi()}, []*genome.Annotation{genome.NewAnnotation(genome.EColiGenes())}, nil
	}
	for _, path := range g.Paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, nil, err
		}
		defer f.Close()
		r, err := genbank.NewReader(f, path)
		for err == nil {
			var record *genbank.Record
			if record, err = r.Next(); err == nil {
				table, _ := genome.GenesOf(record)
				sequences, genes = append(sequences, record.Sequence), append(genes, genome.NewAnnotation(table))
			}
		}
		if !errors.Is(err, io.EOF) {
			return nil, nil, err
		}
	}
	return sequences, genes, nil
}
