package recipe

import (
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/genome"
)

// A lane reads laneWindows windows on end, and begins elsewhere: by then one of 64 windows has been read with little in memory. It reads
// fewer where an epoch would give each lane less than laneStretches stretches, so that lanes seldom read the same bases.
const (
	laneWindows   = 64
	laneStretches = 4
)

// openLanes reads the genome on from batch to batch.
func (g *Genome) openLanes(sequences []*dna.Sequence, batch int, seed uint64) (*Sets, error) {
	var judged []*dna.Sequence // those that have something to be judged by
	var train, validation, test []dna.Span
	bases := 0
	for _, s := range sequences {
		split := genome.SplitOf(s.Len())
		train = append(train, split.Train)
		bases += split.Train.Len()
		if split.Validation.Len() > 0 && split.Test.Len() > 0 {
			judged, validation, test = append(judged, s), append(validation, split.Validation), append(test, split.Test)
		}
	}
	if len(judged) == 0 {
		return nil, errTooShort(sequences)
	}
	inOrder := func(regions []dna.Span) func() (data.Source, error) {
		return func() (data.Source, error) { return genome.NewInOrder(judged, regions, g.tokens()) }
	}
	o := g.sets(sequences)
	o.Validation, o.Test = inOrder(validation), inOrder(test)
	windows := max(1, min(laneWindows, bases/(laneStretches*batch*g.tokens())))
	var err error
	o.Train, err = genome.NewLanes(sequences, genome.LaneConfig{
		Tokens: g.tokens(), Stretch: windows*g.tokens() + 1, Lanes: batch, Regions: train, BothStrands: !g.OneStrand, Seed: seed})
	return o, err
}
