package plan

import (
	"fmt"
	"slices"

	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/model"
)

// Longest is the result of [Context].
type Longest struct {
	Tokens    int  // of one sequence; 0: not even the shortest fits
	Open      bool // the search ended at Tokens: longer sequences may fit
	Positions bool // Tokens are all learned positions: they are the limit, and not the budget
	Shortest  int  // tokens of the shortest sequences of the search
}

// Context searches for the longest batch of equal sequences that fits a budget of bytes. It has as many sequences as the job, with sources
// as long. The result is a multiple of step, and within 1/64 of the longest that fits, or it is all learned positions, which limit it. Of
// an encoder-decoder they are those of a source, and targets are no longer than its own positions allow. The recomputation policy auto
// counts as the one of least memory.
//
// The search ends at limit tokens, and earlier where compiling the attention patterns would be too much work. That bound is counted in
// spans of keys, not in seconds, so that the result depends on the job alone.
func Context(j Job, budget int64, step, limit int) (Longest, error) {
	if step < 1 || limit < step || limit > maxTokens {
		return Longest{}, fmt.Errorf("plan: found steps of %d up to %d tokens, expected 1 or more, and up to %d", step, limit, maxTokens)
	}
	limit = min(limit, maxTokens/max(1, len(j.Lengths)))
	table := j.Model.MaxTokens()
	if j.Model.Kind == model.EncoderDecoder {
		table = j.Model.MaxSource()
	}
	if table > 0 {
		limit = min(limit, table)
	}
	end := min(j.searchEnd(step, limit), limit)
	s := search{end: end / step, budget: budget, bytes: func(n int) (int64, error) { return j.leastBytes(n * step) }}
	n, err := s.run()
	l := Longest{Tokens: n * step, Open: n == s.end && end != table, Shortest: min(step, end)}
	if err != nil || n < s.end || end != table {
		return l, err
	}
	bytes, err := j.leastBytes(table) // which may end within a step
	if l.Positions = bytes <= budget; l.Positions {
		l.Tokens = table
	}
	return l, err
}

// leastBytes is the peak of the job with sequences of n tokens, with the policy of least memory if the policy is auto.
func (j Job) leastBytes(n int) (int64, error) {
	j.Lengths, j.Sources = slices.Repeat([]int{n}, len(j.Lengths)), nil
	if most := j.Model.MaxTokens(); j.Model.Kind == model.EncoderDecoder && most > 0 && n > most {
		j.Lengths, j.Sources = slices.Repeat([]int{most}, len(j.Lengths)), j.Lengths
	}
	j.EvalLengths, j.EvalSources = nil, nil // as long, and without a backward pass
	policies := []string{j.Model.Recompute}
	if j.Model.Recompute == model.Auto {
		policies = []string{"every", "sqrt"}
	}
	var least int64
	for i, policy := range policies {
		j.Model.Recompute = policy
		e, err := Make(j)
		if err != nil {
			return 0, err
		}
		if bytes := e.Bytes.Total(); i == 0 || bytes < least {
			least = bytes
		}
	}
	return least, nil
}

// maxSpans bounds the spans of keys of one evaluation, which then takes some tenths of a second. Walking a query takes as long as
// querySpans spans.
const (
	maxSpans   = 1 << 24
	querySpans = 8
)

// searchEnd is the largest number of tokens, a power of two times step or limit, whose patterns have at most maxSpans spans; step at least.
func (j Job) searchEnd(step, limit int) int {
	n := step
	for n < limit && j.spans(min(2*n, limit)) <= maxSpans {
		n = min(2*n, limit)
	}
	return n
}

// spans estimates the spans of all queries of a sequence of n tokens, and querySpans more for each query, summed over the distinct
// mechanisms. It samples queries at fixed places.
func (j Job) spans(n int) float64 {
	const samples = 64
	seen := map[string]bool{}
	sum := 0
	layers := j.Model.Layers
	if j.Model.Source != nil {
		layers = slices.Concat(layers, j.Model.Source.Layers)
	}
	for _, layer := range layers {
		if seen[layer.Attention.Mechanism] {
			continue
		}
		seen[layer.Attention.Mechanism] = true
		sum += querySpans * samples
		shape := pattern.Square(n)
		m, err := mechanism.Parse(layer.Attention.Mechanism)
		if err != nil {
			continue // Make refuses it
		}
		p := mechanism.Config{Mechanism: m, Causal: layer.Attention.Causal}.Pattern()
		if p == nil || p.Check(shape) != nil {
			continue // no pattern, or one that Make refuses
		}
		var spans []pattern.Span
		for i := range samples {
			spans = p.Spans(spans[:0], int((int64(2*i)+1)*int64(n)/(2*samples)), shape)
			sum += len(spans)
		}
	}
	return float64(sum) / samples * float64(n)
}

// search finds the largest n from 1 to end whose bytes are within the budget. Bytes rise with n and are nearly linear in it, so that the
// line through the last two points finds n with few evaluations.
type search struct {
	end    int
	budget int64
	bytes  func(n int) (int64, error)

	low, high int // low fits, or is 0; high does not, or is past the end
	last      point
	slope     float64 // bytes for each n, between the last two points; 0: unknown
}

type point struct {
	n     int
	bytes int64
}

// run returns n to within 1/64 below, or 0.
func (s *search) run() (int, error) {
	s.high = s.end + 1
	for i := 0; s.high-s.low > max(1, s.low/64); i++ {
		p := point{n: min(max(s.next(i), s.low+1), s.high-1)}
		var err error
		if p.bytes, err = s.bytes(p.n); err != nil {
			return 0, err
		}
		if s.last.n > 0 && p.n != s.last.n {
			s.slope = float64(p.bytes-s.last.bytes) / float64(p.n-s.last.n)
		}
		s.last = p
		if p.bytes <= s.budget {
			s.low = p.n
		} else {
			s.high = p.n
		}
	}
	return s.low, nil
}

// next is the i-th point to evaluate: just past the end of the line's fit, then just before it. Every third point bisects, or
// doubles, so that the search ends for any bytes.
func (s *search) next(i int) int {
	bracketed := s.high <= s.end
	switch {
	case s.low == 0:
		return 1
	case s.slope <= 0 && !bracketed:
		return 16 * s.low
	case s.slope <= 0 || i%3 == 2:
		return min(2*s.low, (s.low+s.high)/2)
	}
	guess := float64(s.last.n) + float64(s.budget-s.last.bytes)/s.slope
	margin := guess/150 + 1
	if bracketed {
		margin = -margin
	}
	return int(min(guess+margin, float64(s.high)))
}
