package recipe

import (
	"cmp"
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/genome"
	"github.com/longspan/longspan/internal/strict"
	"github.com/longspan/longspan/tokenizer"
)

// Genome is DNA, one base a token: the next base is predicted. Of every sequence the last tenth is kept for the
// test and the twentieth before it for validation.
type Genome struct {
	Paths     []string `yaml:"paths,omitempty"` // FASTA files, plain, gzip or bgzip; none means the E. coli in the program
	Tokens    int      `yaml:"tokens"`          // bases a window; 0 means 8192
	OneStrand bool     `yaml:"one_strand"`      // read windows from one strand only
	Repeats   float64  `yaml:"repeats"`         // 0 to 0.5: share of a training window that becomes copies of earlier bases, to teach copying
	Stride    int      `yaml:"stride"`          // bases an evaluation scores a window; 0 means half of tokens

	// Stateful: each sequence of a batch continues that of the batch before, for models with a memory.
	Stateful bool `yaml:"stateful" was:"lanes"`
}

func (g *Genome) tokens() int { return cmp.Or(g.Tokens, 8192) }

// Check returns an error about a key.
func (g *Genome) Check() error {
	if err := checkTokens(g.tokens()); err != nil {
		return err
	}
	if g.Stride < 0 || g.Stride > g.tokens() {
		return strict.Wrong("stride", "is %d; it must lie between 1 and the %d tokens of a window", g.Stride, g.tokens())
	}
	if !(g.Repeats >= 0 && g.Repeats <= genome.MaxRepeats) {
		return strict.Wrong("repeats", "is %g; it must lie between 0 and %g", g.Repeats, genome.MaxRepeats)
	}
	if g.Stateful && (g.Stride != 0 || g.Repeats != 0) {
		return strict.Wrong("stateful", "is given together with stride or repeats; stateful sequences read every base once, as it is")
	}
	return nil
}

// Open reads all sequences.
func (g *Genome) Open(o data.OpenOptions) (*data.Bundle, error) {
	sequences, err := g.sequences()
	if err != nil {
		return nil, err
	}
	if err := checkLengths(sequences); err != nil {
		return nil, err
	}
	if g.Stateful {
		return g.openStreams(sequences, o)
	}
	train, validation, test := regionsOf(sequences)
	windows, err := genome.NewWindows(sequences, genome.WindowConfig{
		Tokens: g.tokens(), Regions: train, BothStrands: !g.OneStrand, Move: true, Repeats: g.Repeats, Seed: o.Seed})
	if err != nil {
		return nil, err
	}
	evaluations := [2]*genome.Evaluation{}
	for i, regions := range [][]dna.Span{validation, test} {
		evaluations[i], err = genome.NewEvaluation(sequences, genome.EvaluationConfig{Tokens: g.tokens(), Stride: g.Stride, Regions: regions})
		if err != nil {
			return nil, err
		}
	}
	b := g.bundle(sequences)
	return b, b.Load(data.Parts{Train: windows, Validation: evaluations[0], Test: evaluations[1], Digest: genome.Digest(sequences, nil)}, o)
}

// bundle is the data of sequences without its sources.
func (g *Genome) bundle(sequences []*dna.Sequence) *data.Bundle {
	return &data.Bundle{Bytes: bytesOf(sequences), Tokens: g.tokens(), Notes: namesTwice(sequences), Tokenizer: tokenizer.DNA(),
		Supervision: data.Supervision{TokenTargets: true}}
}

// regionsOf cuts each sequence in three. A sequence of fewer than 20 bases has no validation part, and no test part
// either: it is for training only.
func regionsOf(sequences []*dna.Sequence) (train, validation, test []dna.Span) {
	for _, s := range sequences {
		split := genome.SplitOf(s.Len())
		if split.Validation.Len() == 0 {
			split.Test.Start = split.Test.End
		}
		train, validation, test = append(train, split.Train), append(validation, split.Validation), append(test, split.Test)
	}
	return train, validation, test
}

// bytesOf is the memory that sequences take.
func bytesOf(sequences []*dna.Sequence) (bytes int64) {
	for _, s := range sequences {
		bytes += int64(s.Bytes())
	}
	return bytes
}

// checkLengths returns an error where no sequence has the 20 bases of which one is kept for validation.
func checkLengths(sequences []*dna.Sequence) error {
	for _, s := range sequences {
		if genome.SplitOf(s.Len()).Validation.Len() > 0 {
			return nil
		}
	}
	return fmt.Errorf("none of the %d sequences has the 20 bases of which one would be kept for validation; give longer ones", len(sequences))
}

// namesTwice is a note about sequences of one name: where one of them is a copy, what is learned from it is in the test.
func namesTwice(sequences []*dna.Sequence) []string {
	count, first, more := map[string]int{}, "", 0
	for _, s := range sequences {
		if count[s.Name]++; count[s.Name] == 2 {
			if more++; more == 1 {
				first = s.Name
			}
		}
	}
	if more == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d names are those of several sequences, such as %q (%d of them); "+
		"take copies out, or training sees what the test asks for", more, first, count[first])}
}

func (g *Genome) sequences() ([]*dna.Sequence, error) {
	if len(g.Paths) == 0 {
		return []*dna.Sequence{genome.EColi()}, nil
	}
	var all []*dna.Sequence
	for _, path := range g.Paths {
		some, err := fasta.Load(path, fasta.Options{})
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}
