package splice

import (
	"math"
	"testing"
)

func TestAccuracy(t *testing.T) {
	for name, c := range map[string]struct {
		scores      []float64
		sites       []bool
		missing     int
		topK, prAUC float64
	}{
		"in order":     {[]float64{4, 3, 2, 1}, []bool{true, true, false, false}, 0, 1, 1},
		"by hand":      {[]float64{4, 3, 2, 1}, []bool{true, false, true, false}, 0, 0.5, (1 + 2.0/3) / 2},
		"not added":    {[]float64{4, 3}, []bool{true, false}, 3, 0.25, 0.25},
		"one score":    {[]float64{1, 1, 1, 1}, []bool{true, false, false, false}, 0, 0.25, 0.25},
		"none is site": {[]float64{1}, []bool{false}, 0, 0, 0},
	} {
		var curve Curve
		for i, score := range c.scores {
			curve.Add(score, c.sites[i])
			if c.sites[i] {
				curve.Sites(1)
			}
		}
		curve.Sites(c.missing)
		a := curve.Accuracy()
		if math.Abs(a.TopK-c.topK) > 1e-12 || math.Abs(a.PRAUC-c.prAUC) > 1e-12 {
			t.Errorf("%s: found %+v, want %g and %g", name, a, c.topK, c.prAUC)
		}
	}
}

// Weights find the planted sites among candidates, on both strands.
func TestWeightsFindPlantedSites(t *testing.T) {
	s, transcripts := made(t, 20)
	genes := genesOf(t, s, transcripts...)
	r := FitWeights(genes[:10]).Evaluate(genes[10:])
	if r.Genes != 10 || r.Bases != 6000 || r.Donor.Sites != 20 || r.Acceptor.Sites != 20 || r.Donor.TopK < 0.9 || r.Acceptor.TopK < 0.9 {
		t.Errorf("found %+v", r)
	}
}
