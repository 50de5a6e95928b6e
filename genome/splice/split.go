package splice

import (
	"fmt"

	"github.com/longspan/longspan/data/dna"
)

// SplitConfig says which genes train, validate and test.
type SplitConfig struct {
	HoldOut    map[*dna.Sequence][]dna.Span // regions of the test, for each sequence
	Margin     int                          // bases between a test gene and the ends of its region
	Validation int                          // one gene of this many is for validation; 0: none
}

// Split is the genes of each part. A gene that overlaps a region of the test or a gene of the validation, on either strand, is not for
// training.
type Split struct {
	Train, Validation, Test []*Gene

	NearTest       int // genes that overlap a region of the test, but do not lie in it by the margin: in no part
	NearValidation int // genes that overlap a gene of the validation: in no part
}

// SplitGenes parts genes. Windows of training and validation do not read the regions of the test: Bounds of those genes are narrowed.
func SplitGenes(genes []*Gene, c SplitConfig) (s Split, err error) {
	if c.Margin < 0 || c.Validation < 0 {
		return s, fmt.Errorf("splice: a margin of %d bases, one gene of %d for validation; expected 0 or more", c.Margin, c.Validation)
	}
	var rest []*Gene
	for _, g := range genes {
		switch overlaps, within := c.held(g); {
		case within:
			s.Test = append(s.Test, g)
		case overlaps:
			s.NearTest++
		default:
			rest = append(rest, g)
		}
	}
	validation := map[*dna.Sequence][]dna.Span{}
	var others []*Gene
	for i, g := range rest {
		if c.Validation > 0 && i%c.Validation == c.Validation/2 {
			s.Validation = append(s.Validation, g)
			validation[g.Sequence] = append(validation[g.Sequence], g.Span)
		} else {
			others = append(others, g)
		}
	}
	for _, g := range others {
		near := false
		for _, v := range validation[g.Sequence] {
			near = near || overlap(g.Span, v)
		}
		if near {
			s.NearValidation++
		} else {
			s.Train = append(s.Train, g)
		}
	}
	return s, nil
}

// held reports whether g overlaps a region of the test, and whether it lies within one by the margin. It narrows the Bounds of a gene that
// does not overlap any.
func (c *SplitConfig) held(g *Gene) (overlaps, within bool) {
	bounds := g.Bounds
	for _, r := range c.HoldOut[g.Sequence] {
		overlaps = overlaps || overlap(g.Span, r)
		within = within || g.Span.Start >= r.Start+c.Margin && g.Span.End <= r.End-c.Margin
		if r.End <= g.Span.Start {
			bounds.Start = max(bounds.Start, r.End)
		}
		if r.Start >= g.Span.End {
			bounds.End = min(bounds.End, r.Start)
		}
	}
	if !overlaps {
		g.Bounds = bounds
	}
	return overlaps, within
}

func overlap(a, b dna.Span) bool { return a.Start < b.End && b.Start < a.End }
