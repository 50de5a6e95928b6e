// Package stats measures how well a score tells cases from controls: the area under the ROC curve, within strata, with intervals by a
// bootstrap over blocks; and it fits a logistic regression.
//
// The items of a genome are not independent: neighbours share their surroundings. So a resample draws blocks of neighbours, not items.
// Equal input and seed give equal bits.
package stats

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Design says what the items of a comparison are, whatever their scores.
type Design struct {
	Case    []bool  // of each item: a case, else a control
	Stratum []int32 // of each item, 0 or more; cases are compared with controls of their own stratum. Nil: there is one
	Block   []int32 // of each item, 0 … Blocks−1
	Blocks  int
}

// check returns an error for lists that do not fit each other.
func (d *Design) check(scores []float64) error {
	n := len(d.Case)
	switch {
	case len(scores) != n || len(d.Block) != n || d.Stratum != nil && len(d.Stratum) != n:
		return fmt.Errorf("stats: found %d scores, %d blocks and %d strata of %d items, expected one of each", len(scores), len(d.Block),
			len(d.Stratum), n)
	case d.Blocks < 1:
		return errors.New("stats: found no blocks, expected one at least")
	}
	for i, b := range d.Block {
		if b < 0 || int(b) >= d.Blocks {
			return fmt.Errorf("stats: found block %d of item %d, expected 0 to %d", b, i, d.Blocks-1)
		}
		if math.IsNaN(scores[i]) {
			return fmt.Errorf("stats: found no number as the score of item %d", i)
		}
	}
	return nil
}

// Ranked is the items in the order of a score, stratum by stratum.
type Ranked struct {
	items  []item
	blocks int
}

// item is an item of a Ranked. The bits of flags say more.
type item struct {
	block int32
	flags uint8
}

const (
	isCase     uint8 = 1 << iota
	newScore         // it is higher than that of the item before
	newStratum       // the item is the first of its stratum
)

// Rank sorts the items by a score. Cost: n·log n.
func (d *Design) Rank(scores []float64) (*Ranked, error) {
	if err := d.check(scores); err != nil {
		return nil, err
	}
	order := make([]int32, len(scores))
	for i := range order {
		order[i] = int32(i)
	}
	stratum := func(i int32) int32 {
		if d.Stratum == nil {
			return 0
		}
		return d.Stratum[i]
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(stratum(a), stratum(b)), cmp.Compare(scores[a], scores[b]), cmp.Compare(a, b))
	})
	r := &Ranked{items: make([]item, len(order)), blocks: d.Blocks}
	for k, i := range order {
		t := item{block: d.Block[i]}
		if d.Case[i] {
			t.flags |= isCase
		}
		switch {
		case k == 0 || stratum(i) != stratum(order[k-1]):
			t.flags |= newStratum | newScore
		case scores[i] != scores[order[k-1]]:
			t.flags |= newScore
		}
		r.items[k] = t
	}
	return r, nil
}

// AUROC is the probability that a case has a higher score than a control of its stratum, ties counted half (Mann and Whitney 1947): the
// mean over strata, weighted by their cases. Strata without a case or without a control are left out. Each item counts as often as its
// block's weight says; nil weighs all alike. It is NaN if no stratum has both. Cost: one pass.
func (r *Ranked) AUROC(weights []float64) float64 {
	var all sums
	var s stratumSums
	for _, t := range r.items {
		w := 1.0
		if weights != nil {
			w = weights[t.block]
		}
		if t.flags&newScore != 0 {
			s.tie()
		}
		if t.flags&newStratum != 0 {
			all.add(&s)
		}
		if t.flags&isCase != 0 {
			s.cases += w
		} else {
			s.controls += w
		}
	}
	s.tie()
	all.add(&s)
	return all.won / all.cases
}

// sums are those over strata.
type sums struct{ won, cases float64 }

// stratumSums are those of a stratum on the way upwards.
type stratumSums struct {
	below, all, won float64 // controls below; cases; pairs that a case wins
	cases, controls float64 // of one score
}

// tie ends a run of equal scores.
func (s *stratumSums) tie() {
	s.won += s.cases * (s.below + s.controls/2)
	s.below += s.controls
	s.all += s.cases
	s.cases, s.controls = 0, 0
}

// add ends a stratum.
func (t *sums) add(s *stratumSums) {
	if s.below > 0 && s.all > 0 {
		t.won += s.won / s.below
		t.cases += s.all
	}
	*s = stratumSums{}
}
