package recipe

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/genome"
	"github.com/longspan/longspan/internal/strict"
)

// Genome is DNA, one base a token: the next base is predicted. Of every sequence the last tenth is kept for the
// test and the twentieth before it for validation.
type Genome struct {
	Paths     []string `yaml:"paths,omitempty"` // FASTA files, plain, gzip or bgzip; none means the E. coli in the program
	Tokens    int      `yaml:"tokens"`          // bases a window; 0 means 8192
	OneStrand bool     `yaml:"one_strand"`      // do not read windows from the other strand too
	Repeats   float64  `yaml:"repeats"`         // share of a training window's bases that become copies of earlier ones, to teach copying; 0 to 0.5
	Stride    int      `yaml:"stride"`          // bases an evaluation scores a window; 0 means half of tokens
	Lanes     bool     `yaml:"lanes"`           // read on from batch to batch, for models with a memory; evaluations read in order
}

func (g *Genome) tokens() int {
	if g.Tokens == 0 {
		return 8192
	}
	return g.Tokens
}

func (g *Genome) check() error {
	if g.tokens() < 2 {
		return strict.Wrong("tokens", "is %d; a window needs at least 2 bases, one to see and one to predict", g.Tokens)
	}
	if g.Stride < 0 || g.Stride > g.tokens() {
		return strict.Wrong("stride", "is %d; it must lie between 1 and the %d tokens of a window", g.Stride, g.tokens())
	}
	if !(g.Repeats >= 0 && g.Repeats <= genome.MaxRepeats) {
		return strict.Wrong("repeats", "is %g; it must lie between 0 and %g", g.Repeats, genome.MaxRepeats)
	}
	if g.Lanes && (g.Stride != 0 || g.Repeats != 0) {
		return strict.Wrong("lanes", "are given together with stride or repeats; lanes read every base once, as it is")
	}
	return nil
}

func (g *Genome) open(batch int, seed uint64) (*Sets, error) {
	sequences, err := g.sequences()
	if err != nil {
		return nil, err
	}
	if g.Lanes {
		return g.openLanes(sequences, batch, seed)
	}
	var regions []dna.Span
	var validation, test joined
	for _, s := range sequences {
		split := genome.SplitOf(s.Len())
		regions = append(regions, split.Train)
		if split.Validation.Len() == 0 || split.Test.Len() == 0 {
			continue // shorter than twenty bases: to learn from only
		}
		v, err := g.evaluation(s, split.Validation)
		if err != nil {
			return nil, err
		}
		t, err := g.evaluation(s, split.Test)
		if err != nil {
			return nil, err
		}
		validation, test = append(validation, v), append(test, t)
	}
	if len(validation) == 0 {
		return nil, errTooShort(sequences)
	}
	windows, err := genome.NewWindows(sequences, genome.WindowConfig{
		Tokens: g.tokens(), Regions: regions, BothStrands: !g.OneStrand, Move: true, Repeats: g.Repeats, Seed: seed})
	if err != nil {
		return nil, err
	}
	o := g.sets(sequences)
	return o, o.load(batch, seed, windows, validation, test)
}

// sets is the data of sequences without its sources.
func (g *Genome) sets(sequences []*dna.Sequence) *Sets {
	return &Sets{Bytes: heldBy(sequences), Vocab: dna.Vocab, Tokens: g.tokens(), Next: true, Show: showBases, Read: readBases}
}

// heldBy is the bytes of memory that sequences take.
func heldBy(sequences []*dna.Sequence) (bytes int64) {
	for _, s := range sequences {
		bytes += int64(s.Bytes())
	}
	return bytes
}

func errTooShort(sequences []*dna.Sequence) error {
	return fmt.Errorf("none of the %d sequences has the 20 bases of which one would be kept for validation; give longer ones", len(sequences))
}

func (g *Genome) evaluation(s *dna.Sequence, region dna.Span) (*genome.Evaluation, error) {
	return genome.NewEvaluation(s, genome.EvaluationConfig{Tokens: g.tokens(), Stride: g.Stride, Region: region})
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
		all = slices.Concat(all, some)
	}
	return all, nil
}

func showBases(tokens []int32) string {
	letters := make([]byte, len(tokens))
	for i, t := range tokens {
		letters[i] = dna.Base(t).Letter()
	}
	return string(letters)
}

func readBases(text string) ([]int32, error) {
	var tokens []int32
	place := 0
	for _, letter := range text {
		place++
		base, kind := dna.N, dna.NoBase
		if letter < utf8.RuneSelf {
			base, kind = dna.Parse(byte(letter))
		}
		if kind == dna.NoBase {
			return nil, fmt.Errorf("%q at place %d is not a base; use A, C, G, T and N", letter, place)
		}
		tokens = append(tokens, int32(base.Code()))
	}
	return tokens, nil
}
