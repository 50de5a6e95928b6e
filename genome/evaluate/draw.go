package evaluate

import (
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
)

// perSNV is the number of substitutions that are drawn for each SNV.
const perSNV = 4

// The streams of random numbers.
const (
	drawRandom uint64 = iota
	drawMatched
	drawSplice
)

// seenSet are the substitutions of a panel.
type seenSet map[Substitution]bool

func newSeenSet(all []SNV) seenSet {
	set := make(seenSet, len(all))
	for _, s := range all {
		set[s.Substitution] = true
	}
	return set
}

// random draws n substitutions that the panel has not, uniformly over the region's bases and over the other three bases.
func (c *chart) random(n int, seen seenSet, r *data.Random) ([]Substitution, error) {
	all := make([]Substitution, 0, n)
	for tries := 0; len(all) < n; tries++ {
		if tries > 100*n+1000 {
			return nil, fmt.Errorf("evaluate: found too few bases of %v that are known, or free of SNVs, to draw %d substitutions", c.region, n)
		}
		pos := c.region.Start + r.IntN(c.region.End-c.region.Start)
		ref, other := c.at(pos), dna.Base(1+r.IntN(3))
		if s := (Substitution{pos, ref, (ref + other) & 3}); c.known(pos) && !seen[s] {
			all = append(all, s)
		}
	}
	return all, nil
}

// matched draws perSNV substitutions for each SNV: of the same base between the same neighbours, by the same base, where the panel has
// none. Draws may repeat. SNVs without such a place have none.
func (c *chart) matched(of []SNV, seen seenSet, r *data.Random) []Substitution {
	var places [64][]int32
	for pos := c.region.Start; pos < c.region.End; pos++ {
		if code, ok := c.around(pos, 3); ok && c.known(pos) {
			places[code] = append(places[code], int32(pos))
		}
	}
	all := make([]Substitution, 0, perSNV*len(of))
	for _, s := range of {
		code, _ := c.around(s.Pos, 3)
		for range perSNV {
			for range 100 {
				t := Substitution{int(places[code][r.IntN(len(places[code]))]), s.Ref, s.Alt}
				if !seen[t] {
					all = append(all, t)
					break
				}
			}
		}
	}
	return all
}

// part is a region with what is compared in it.
type part struct {
	*chart
	snvs    []SNV // with known bases around
	dropped int   // SNVs without
	random  []Substitution
	matched []Substitution
}

func newPart(c *chart, p *Panel, seed uint64) (*part, error) {
	t := &part{chart: c}
	all := p.within(c.region)
	for _, s := range all {
		if c.known(s.Pos) {
			t.snvs = append(t.snvs, s)
		}
	}
	t.dropped = len(all) - len(t.snvs)
	seen := newSeenSet(all)
	var err error
	t.random, err = c.random(perSNV*len(t.snvs), seen, data.NewRandom(seed, drawRandom))
	t.matched = c.matched(t.snvs, seen, data.NewRandom(seed, drawMatched))
	return t, err
}

// The items of a part stand in one order everywhere: its SNVs, the random ones, the matched ones.

// items are all substitutions of the part.
func (t *part) items() []Substitution {
	all := make([]Substitution, 0, len(t.snvs)+len(t.random)+len(t.matched))
	for _, s := range t.snvs {
		all = append(all, s.Substitution)
	}
	return append(append(all, t.random...), t.matched...)
}
