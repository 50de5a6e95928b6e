package splice

import (
	"cmp"
	"slices"
)

// Curve is the scores of the bases of genes for one class. Bases that were not added come last.
type Curve struct {
	scored []scored
	sites  int // true ones, also those that were not added
}

type scored struct {
	score float64
	site  bool
}

// Add adds a base with its score.
func (c *Curve) Add(score float64, site bool) { c.scored = append(c.scored, scored{score, site}) }

// Sites adds to the number of true sites. Each counts, whether it is added or not.
func (c *Curve) Sites(n int) { c.sites += n }

// Accuracy is how well scores find the sites of a class.
type Accuracy struct {
	Sites int     `json:"sites"`  // true ones
	TopK  float64 `json:"top_k"`  // share of true sites among the Sites bases with the highest scores
	PRAUC float64 `json:"pr_auc"` // area under the curve of precision by recall: the mean precision at each true site
}

// Accuracy sorts the scores. Bases with one score count as if each of them were a site by the share of sites among them, so that the result
// does not depend on their order.
func (c *Curve) Accuracy() Accuracy {
	a := Accuracy{Sites: c.sites}
	if c.sites == 0 {
		return a
	}
	slices.SortFunc(c.scored, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	found, taken := 0.0, 0.0
	for rest := c.scored; len(rest) > 0; {
		n, sites := 0, 0.0
		for n < len(rest) && rest[n].score == rest[0].score {
			if rest[n].site {
				sites++
			}
			n++
		}
		if left := float64(c.sites) - taken; left > 0 {
			a.TopK += sites * min(1, left/float64(n)) / float64(c.sites)
		}
		found, taken = found+sites, taken+float64(n)
		a.PRAUC += sites / float64(c.sites) * found / taken
		rest = rest[n:]
	}
	return a
}
