package recipe

import (
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/genome"
)

// A stream reads sections of sectionWindows consecutive windows, so that one window of 64 is read with an empty memory. Sections are
// shorter if an epoch would have fewer than streamSections of them for each stream, so that streams seldom read the same bases.
const (
	sectionWindows = 64
	streamSections = 4
)

// openStreams opens the genome as streams that continue from batch to batch. Evaluations read their parts in order.
func (g *Genome) openStreams(sequences []*dna.Sequence, options data.OpenOptions) (*data.Bundle, error) {
	var evaluated []*dna.Sequence // those with a validation and a test part
	var train, validation, test []dna.Span
	bases := 0
	for _, s := range sequences {
		split := genome.SplitOf(s.Len())
		train = append(train, split.Train)
		bases += split.Train.Len()
		if split.Validation.Len() > 0 {
			evaluated, validation, test = append(evaluated, s), append(validation, split.Validation), append(test, split.Test)
		}
	}
	inOrder := func(regions []dna.Span) func() (data.Source, error) {
		return func() (data.Source, error) { return genome.NewInOrder(evaluated, regions, g.tokens()) }
	}
	o := g.bundle(sequences)
	o.Validation, o.Test = inOrder(validation), inOrder(test)
	windows := max(1, min(sectionWindows, bases/(streamSections*options.Batch*g.tokens())))
	var err error
	o.Train, err = genome.NewStreams(sequences, genome.StreamConfig{
		Tokens: g.tokens(), Section: windows*g.tokens() + 1, Streams: options.Batch,
		Regions: train, BothStrands: !g.OneStrand, Seed: options.Seed})
	return o, err
}
