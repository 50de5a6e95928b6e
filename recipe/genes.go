package recipe

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/genbank"
	"github.com/longspan/longspan/data/genome"
	"github.com/longspan/longspan/tokenizer"
)

// Genes is DNA with a tag for each base: between genes, in a coding sequence on the same or on the other strand, or in an RNA. The parts
// are those of Genome.
type Genes struct {
	Paths     []string `yaml:"paths,omitempty"` // GenBank files, plain or gzip; none means the E. coli in the program
	Tokens    int      `yaml:"tokens"`          // bases a window; 0 means 4096
	OneStrand bool     `yaml:"one_strand"`      // read windows from one strand only
}

func (g *Genes) tokens() int { return cmp.Or(g.Tokens, 4096) }

// Check returns an error about a key.
func (g *Genes) Check() error {
	return checkTokens(g.tokens())
}

// Open reads all records.
func (g *Genes) Open(o data.OpenOptions) (*data.Bundle, error) {
	sequences, genes, notes, err := g.annotated()
	if err != nil {
		return nil, err
	}
	if err := checkLengths(sequences); err != nil {
		return nil, err
	}
	regions := regionsOf(sequences)
	var parts [3]*genome.TaggedWindows
	for i := range parts {
		c := genome.WindowConfig{Tokens: g.tokens(), Regions: regions[i]}
		if i == 0 {
			c.BothStrands, c.Move, c.Seed = !g.OneStrand, true, o.Seed
		}
		if parts[i], err = genome.NewTaggedWindows(sequences, genes, c); err != nil {
			return nil, err
		}
	}
	names := genome.TagNames()
	b := &data.Bundle{Bytes: bytesOf(sequences), Tokens: g.tokens(), Notes: append(notes, namesTwice(sequences)...),
		Tokenizer: tokenizer.DNA(), Answers: data.Answers{Classes: names}, Supervision: data.Supervision{Tags: len(names)}}
	return b, b.Load(data.Parts{Train: parts[0], Validation: parts[1], Test: parts[2], Digest: genome.Digest(sequences, genes)}, o)
}

// annotated reads the sequences and their genes, with notes on genes that are left out.
func (g *Genes) annotated() (sequences []*dna.Sequence, genes []*genome.Annotation, notes []string, err error) {
	if len(g.Paths) == 0 {
		return []*dna.Sequence{genome.EColi()}, []*genome.Annotation{genome.NewAnnotation(genome.EColiGenes())}, nil, nil
	}
	tagged := false
	for _, path := range g.Paths {
		var all []string
		err := eachRecord(path, func(record *genbank.Record) {
			table, some := genome.GenesOf(record)
			tagged = tagged || slices.ContainsFunc(table, genome.Gene.Tagged)
			sequences, genes = append(sequences, record.Sequence), append(genes, genome.NewAnnotation(table))
			all = append(all, some...)
		})
		if err != nil {
			return nil, nil, nil, err
		}
		notes = append(notes, shortened(path, all)...)
	}
	if !tagged {
		return nil, nil, nil, fmt.Errorf("none of the %d records has a CDS or an RNA with exact ends; expected annotated records", len(sequences))
	}
	return sequences, genes, notes, nil
}

// maxNotes is the largest number of notes that a file has.
const maxNotes = 10

// shortened is the first notes of a file, and the number of the others.
func shortened(path string, notes []string) (all []string) {
	for _, note := range notes[:min(len(notes), maxNotes)] {
		all = append(all, path+": "+note)
	}
	if more := len(notes) - maxNotes; more > 0 {
		all = append(all, fmt.Sprintf("%s: %d more features or records are scored in part or not at all", path, more))
	}
	return all
}

func eachRecord(path string, visit func(*genbank.Record)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := genbank.NewReader(f, path)
	if err != nil {
		return err
	}
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		visit(record)
	}
}
