package retrieval

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/bootstrap"
)

func TestRanks(t *testing.T) {
	queries := [][]float32{{1, 0}, {0, 1}, {1, 1}, {0, 0}}
	passages := [][]float32{{5, 0}, {2, 2}, {0, 0}, {3, 3}}
	got, err := Ranks(queries, passages)
	// The second and the fourth passage are equally near to query 1. All passages are equal to a query of zeros.
	if want := []int32{1, 2, 4, 4}; err != nil || !slices.Equal(got, want) {
		t.Errorf("ranks %v, %v, want %v", got, err, want)
	}
}

func TestScore(t *testing.T) {
	ranks := []int32{1, 1, 2, 20}
	s, err := ScoreOf(ranks, bootstrap.Resampling{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	mrr := (1 + 1 + 0.5 + 0.05) / 4
	if s.Queries != 4 || s.Recall1.Mean != 0.5 || s.Recall10.Mean != 0.75 || math.Abs(s.MRR.Mean-mrr) > 1e-15 {
		t.Errorf("found %+v, want 0.5, 0.75 and %g", s, mrr)
	}
	if !(s.Recall1.Low < 0.5 && s.Recall1.High > 0.5) {
		t.Errorf("the interval of recall@1 is %+v", s.Recall1)
	}
	c, err := Compare([]int32{1, 1, 1, 1}, ranks, bootstrap.Resampling{Seed: 1})
	if err != nil || c.Recall1.Difference.Mean != 0.5 || math.Abs(c.MRR.Difference.Mean-(1-mrr)) > 1e-15 {
		t.Errorf("found %+v, %v", c, err)
	}
}

func TestRefuses(t *testing.T) {
	for want, f := range map[string]func() error{
		"found 1 queries and 0 passages": func() error { _, err := Ranks([][]float32{{1}}, nil); return err },
		"found vectors of 1 and 2 numbers in pair 0, expected 1": func() error {
			_, err := Ranks([][]float32{{1}}, [][]float32{{1, 2}})
			return err
		},
		"found the rank 0 of query 1": func() error { _, err := ScoreOf([]int32{1, 0}, bootstrap.Resampling{}); return err },
		"found ranks of 1 and of 2":   func() error { _, err := Compare([]int32{1}, []int32{1, 2}, bootstrap.Resampling{}); return err },
		"no value":                    func() error { _, err := ScoreOf(nil, bootstrap.Resampling{}); return err },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found the error %v, want one with %q", err, want)
		}
	}
}
