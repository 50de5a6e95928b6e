package recipe

import (
	"cmp"
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/genome"
	"github.com/longspan/longspan/data/genome/markov"
	"github.com/longspan/longspan/internal/strict"
	"github.com/longspan/longspan/tokenizer"
)

// Genome is DNA, one base a token: the next base is predicted. The last tenth of every sequence is for the test, and the twentieth before
// it for validation, unless HoldOut and Validation name other regions.
type Genome struct {
	Paths     []string `yaml:"paths,omitempty"` // FASTA files, plain, gzip or bgzip; none means the E. coli in the program
	Tokens    int      `yaml:"tokens"`          // bases a window; 0 means 8192
	OneStrand bool     `yaml:"one_strand"`      // read windows from one strand only
	Repeats   float64  `yaml:"repeats"`         // 0 to 0.5: share of a training window that is replaced by copies of earlier bases
	Stride    int      `yaml:"stride"`          // scored bases of a window in an evaluation; 0 means half of tokens

	// HoldOut are the regions of the test, and Validation those of validation, such as 20:900000-4100000: positions from 1, the last included.
	// All else is for training. Both are given, or none.
	HoldOut    []string `yaml:"hold_out,omitempty"`
	Validation []string `yaml:"validation,omitempty"`

	// Prior makes the model correct a predictor that counts.
	Prior Prior `yaml:"prior,omitempty"`

	// Stateful: each sequence of a batch continues a sequence of the previous batch, for models with a memory.
	Stateful bool `yaml:"stateful" was:"lanes"`
}

// Prior is what predicts beside the model.
type Prior struct {
	// Markov is the longest context, in bases, of counts of the training data: 1 … 18; 0: no prior. The counts of all orders are blended, and
	// each base of the training data has its own taken out (package markov).
	Markov int `yaml:"markov,omitempty"`
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
	if (len(g.HoldOut) == 0) != (len(g.Validation) == 0) {
		return strict.Wrong("hold_out", "and validation are regions that belong together; found %d and %d, expected some of both, or none",
			len(g.HoldOut), len(g.Validation))
	}
	if g.Prior.Markov < 0 || g.Prior.Markov > markov.MaxOrder {
		return strict.Wrong("prior.markov", "is %d; it must lie between 1 and %d", g.Prior.Markov, markov.MaxOrder)
	}
	if g.Prior.Markov > 0 && (g.Stateful || g.Repeats > 0) {
		return strict.Wrong("prior", "is given together with stateful or repeats; a prior is of windows of the genome as it is")
	}
	if g.Stateful && len(g.HoldOut) > 0 {
		return strict.Wrong("stateful", "is given together with hold_out; stateful sequences have the parts that are there without it")
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
	parts, err := g.cut(sequences)
	if err != nil {
		return nil, err
	}
	b := g.bundle(sequences)
	prior, err := g.prior(parts, b)
	if err != nil {
		return nil, err
	}
	windows, err := genome.NewWindows(parts[0].sequences, genome.WindowConfig{Tokens: g.tokens(), Regions: parts[0].regions,
		BothStrands: !g.OneStrand, Move: true, Repeats: g.Repeats, Prior: prior, Seed: o.Seed})
	if err != nil {
		return nil, err
	}
	evaluations := [2]*genome.Evaluation{}
	for i, part := range parts[1:] {
		evaluations[i], err = genome.NewEvaluation(part.sequences,
			genome.EvaluationConfig{Tokens: g.tokens(), Stride: g.Stride, Prior: prior, Regions: part.regions})
		if err != nil {
			return nil, err
		}
	}
	return b, b.Load(data.Parts{Train: windows, Validation: evaluations[0], Test: evaluations[1],
		Digest: g.digest(genome.Digest(sequences, nil))}, o)
}

// prior counts the training part.
func (g *Genome) prior(p parts, b *data.Bundle) (genome.Prior, error) {
	if g.Prior.Markov == 0 {
		return nil, nil
	}
	var pieces []markov.Piece
	for i, s := range p[0].sequences {
		pieces = append(pieces, markov.Piece{Sequence: s, Span: p[0].regions[i]})
	}
	counted, err := markov.NewPrior(pieces, g.Prior.Markov)
	if err != nil {
		return nil, err
	}
	b.Prior, b.Bytes = true, b.Bytes+counted.Bytes()
	return counted, nil
}

// bundle is the data of sequences without its sources.
func (g *Genome) bundle(sequences []*dna.Sequence) *data.Bundle {
	return &data.Bundle{Bytes: bytesOf(sequences), Tokens: g.tokens(), Notes: namesTwice(sequences), Tokenizer: tokenizer.DNA(),
		Supervision: data.Supervision{TokenTargets: true}}
}

// regionsOf cuts each sequence into the three parts, by data.Split. A sequence of fewer than 20 bases is for training only.
func regionsOf(sequences []*dna.Sequence) (regions [3][]dna.Span) {
	for _, s := range sequences {
		split := genome.SplitOf(s.Len())
		if split.Validation.Len() == 0 {
			split.Test.Start = split.Test.End
		}
		for i, part := range []dna.Span{split.Train, split.Validation, split.Test} {
			regions[i] = append(regions[i], part)
		}
	}
	return regions
}

// bytesOf is the memory that sequences take.
func bytesOf(sequences []*dna.Sequence) (bytes int64) {
	for _, s := range sequences {
		bytes += int64(s.Bytes())
	}
	return bytes
}

// checkLengths returns an error if no sequence has the 20 bases that a validation part needs.
func checkLengths(sequences []*dna.Sequence) error {
	for _, s := range sequences {
		if genome.SplitOf(s.Len()).Validation.Len() > 0 {
			return nil
		}
	}
	return fmt.Errorf("none of the %d sequences has the 20 bases that a validation part needs; give longer ones", len(sequences))
}

// namesTwice is a note about sequences of the same name: a copy would be in training and in the test.
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
	return []string{fmt.Sprintf("%d names are of several sequences, such as %q (%d of them); "+
		"remove copies, or training sees the test data", more, first, count[first])}
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
