// Package retrieval measures how well queries find their passages.
package retrieval

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/bootstrap"
)

// Score is how well queries find their passages, with bootstrap intervals over the queries.
type Score struct {
	Queries  int                `json:"queries"`
	Recall1  bootstrap.Interval `json:"recall_at_1"`  // share of queries whose passage comes first
	Recall10 bootstrap.Interval `json:"recall_at_10"` // share of queries whose passage is among the first ten
	MRR      bootstrap.Interval `json:"mrr"`          // mean of 1/rank (mean reciprocal rank)
}

// Comparison is the difference of two systems on the same queries, the first minus the second.
type Comparison struct {
	Recall1 bootstrap.Comparison `json:"recall_at_1"`
	MRR     bootstrap.Comparison `json:"mrr"`
}

// Ranks returns the rank of passage i for query i among all passages, from 1, by the cosine of their vectors. A passage that is as near as
// the own one counts before it. It costs 2·n²·D flops, one query at a time.
func Ranks(queries, passages [][]float32) ([]int32, error) {
	if len(queries) != len(passages) || len(queries) == 0 {
		return nil, fmt.Errorf("retrieval: found %d queries and %d passages, expected as many, at least one", len(queries), len(passages))
	}
	width := len(queries[0])
	lengths := make([]float64, len(passages))
	for i := range passages {
		if len(queries[i]) != width || len(passages[i]) != width {
			return nil, fmt.Errorf("retrieval: found vectors of %d and %d numbers in pair %d, expected %d", len(queries[i]), len(passages[i]), i,
				width)
		}
		lengths[i] = math.Sqrt(dot(passages[i], passages[i]))
	}
	cosine := func(q, p int) float64 { // but for the length of the query, which is that of all its cosines
		if lengths[p] == 0 {
			return 0
		}
		return dot(queries[q], passages[p]) / lengths[p]
	}
	ranks := make([]int32, len(queries))
	for q := range queries {
		own := cosine(q, q)
		ranks[q] = 1
		for p := range passages {
			if p != q && !(cosine(q, p) < own) {
				ranks[q]++
			}
		}
	}
	return ranks, nil
}

func dot(a, b []float32) (sum float64) {
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return sum
}

// ScoreOf is the score of ranks, which begin with 1.
func ScoreOf(ranks []int32, r bootstrap.Resampling) (s Score, err error) {
	first, err := within(ranks, 1)
	if err != nil {
		return s, err
	}
	ten, err := within(ranks, 10)
	if err != nil {
		return s, err
	}
	s.Queries = len(ranks)
	for _, m := range []struct {
		to     *bootstrap.Interval
		values []float64
	}{{&s.Recall1, first}, {&s.Recall10, ten}, {&s.MRR, reciprocal(ranks)}} {
		if *m.to, err = bootstrap.Mean(m.values, r); err != nil {
			return s, fmt.Errorf("retrieval: %w", err)
		}
	}
	return s, nil
}

// Compare compares two systems by their ranks of the same queries, in the same order.
func Compare(a, b []int32, r bootstrap.Resampling) (c Comparison, err error) {
	if len(a) != len(b) {
		return c, fmt.Errorf("retrieval: found ranks of %d and of %d queries, expected the same queries", len(a), len(b))
	}
	firstA, err := within(a, 1)
	if err != nil {
		return c, err
	}
	firstB, err := within(b, 1)
	if err != nil {
		return c, err
	}
	if c.Recall1, err = bootstrap.Paired(firstA, firstB, r); err != nil {
		return c, fmt.Errorf("retrieval: %w", err)
	}
	if c.MRR, err = bootstrap.Paired(reciprocal(a), reciprocal(b), r); err != nil {
		return c, fmt.Errorf("retrieval: %w", err)
	}
	return c, nil
}

// within is 1 for each rank up to most, and else 0.
func within(ranks []int32, most int32) ([]float64, error) {
	values := make([]float64, len(ranks))
	for i, rank := range ranks {
		if rank < 1 {
			return nil, fmt.Errorf("retrieval: found the rank %d of query %d, expected at least 1", rank, i)
		}
		if rank <= most {
			values[i] = 1
		}
	}
	return values, nil
}

func reciprocal(ranks []int32) []float64 {
	values := make([]float64, len(ranks))
	for i, rank := range ranks {
		values[i] = 1 / float64(rank)
	}
	return values
}
