// Package sampling draws the next token from a language model's logits.
package sampling

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/data"
)

// Config sets how tokens are drawn. The zero value draws from the softmax of the logits.
type Config struct {
	Temperature float64 // logits are divided by it; 0 means 1
	Greedy      bool    // take the most probable token; of the other fields RepetitionPenalty alone then has an effect
	TopK        int     // keep the k most probable tokens; 0 keeps all
	TopP        float64 // then keep the fewest tokens with this share of their probability, 0 … 1; 0 keeps all
	MinP        float64 // then keep the tokens with this share of the probability of the most probable one, 0 … 1; 0 keeps all
	Seed        uint64  // of the draws: the same seed and logits give the same tokens

	// RepetitionPenalty makes tokens that were there before less probable: a positive logit is divided by it, and a negative one multiplied.
	// It is above 0; 1 and 0 change nothing. Keskar et al. 2019, arXiv:1909.05858, section 4.1.
	RepetitionPenalty float64
}

// Check returns an error for a value that a field cannot have.
func (c Config) Check() error {
	switch {
	case !(c.Temperature >= 0) || math.IsInf(c.Temperature, 0):
		return fmt.Errorf("sampling: the temperature is %g; it must be 0 (for 1) or more, and finite", c.Temperature)
	case c.TopK < 0:
		return fmt.Errorf("sampling: top-k is %d; it cannot be negative", c.TopK)
	case !(c.TopP >= 0 && c.TopP <= 1):
		return fmt.Errorf("sampling: top-p is %g; it must lie between 0 and 1", c.TopP)
	case !(c.MinP >= 0 && c.MinP <= 1):
		return fmt.Errorf("sampling: min-p is %g; it must lie between 0 and 1", c.MinP)
	case !(c.RepetitionPenalty >= 0) || math.IsInf(c.RepetitionPenalty, 0):
		return fmt.Errorf("sampling: the repetition penalty is %g; it must be above 0, and finite", c.RepetitionPenalty)
	}
	return nil
}

// Sampler draws tokens. It has scratch memory, and is not safe for concurrent use.
type Sampler struct {
	config    Config
	random    *data.Random
	seen      map[int32]bool // tokens that were there before; nil: there is no penalty
	penalised []float32      // scratch
	heap      heap           // tokens that are not in kept
	kept      []int          // the most probable tokens, by falling logit
	weight    []float64      // of the tokens kept
}

// New returns a sampler at its first draw.
func New(c Config) (*Sampler, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if c.Temperature == 0 {
		c.Temperature = 1
	}
	s := &Sampler{config: c, random: data.NewRandom(c.Seed, 0)}
	if c.RepetitionPenalty != 0 && c.RepetitionPenalty != 1 {
		s.seen = map[int32]bool{}
	}
	return s, nil
}

// Observe makes tokens count as repetitions later, such as those of a prompt. Next observes what it draws.
func (s *Sampler) Observe(tokens []int32) {
	if s.seen == nil {
		return
	}
	for _, t := range tokens {
		s.seen[t] = true
	}
}

// Next draws a token, 0 … len(logits)−1. A logit of −∞ is never drawn; of equal logits the lower token counts as
// the more probable one. It returns an error if a logit is NaN or +∞, or if none is above −∞.
//
// The cost is a few passes over the logits, and log n for each token that is kept. The penalty applies first, then temperature, top-k and
// top-p (Holtzman et al. 2020, arXiv:1904.09751, section 3.1), then min-p (Nguyen et al. 2024, arXiv:2407.01082).
func (s *Sampler) Next(logits []float32) (int, error) {
	for i, v := range logits {
		if v != v || v > math.MaxFloat32 {
			return 0, fmt.Errorf("sampling: the logit of token %d is %g", i, v)
		}
	}
	logits = s.penalise(logits)
	best := -1
	for i, v := range logits {
		if v >= -math.MaxFloat32 && (best < 0 || v > logits[best]) {
			best = i
		}
	}
	if best < 0 {
		return 0, fmt.Errorf("sampling: none of the %d tokens can be drawn", len(logits))
	}
	if !s.config.Greedy {
		best = s.draw(logits, best)
	}
	if s.seen != nil {
		s.seen[int32(best)] = true
	}
	return best, nil
}

// penalise returns the logits with those of repetitions changed.
func (s *Sampler) penalise(logits []float32) []float32 {
	if len(s.seen) == 0 {
		return logits
	}
	s.penalised = append(s.penalised[:0], logits...)
	penalty := float32(s.config.RepetitionPenalty)
	for t := range s.seen {
		if t < 0 || int(t) >= len(logits) {
			continue
		}
		v := logits[t]
		if v > 0 {
			v /= penalty
		} else {
			v *= penalty
		}
		s.penalised[t] = min(v, math.MaxFloat32) // a small penalty of a large logit overflows
	}
	return s.penalised
}

// draw draws one of the tokens that top-k, top-p and min-p keep.
func (s *Sampler) draw(logits []float32, best int) int {
	weigh := func(token int) float64 {
		return math.Exp((float64(logits[token]) - float64(logits[best])) / s.config.Temperature)
	}
	if s.config.TopK == 0 && s.config.TopP == 0 && s.config.MinP == 0 {
		return s.drawAny(len(logits), best, weigh)
	}
	total := s.keep(logits, weigh)
	if p := s.config.TopP; p > 0 {
		total = s.cut(func(kept, _ float64) bool { return kept < p*total })
	}
	if p := s.config.MinP; p > 0 {
		total = s.cut(func(_, next float64) bool { return next >= p })
	}
	at := s.random.Float64() * total
	for i, w := range s.weight {
		if at -= w; at < 0 {
			return s.kept[i]
		}
	}
	return s.kept[len(s.kept)-1] // reached by rounding alone
}

// drawAny draws one of n tokens.
func (s *Sampler) drawAny(n, best int, weigh func(token int) float64) int {
	s.weight = s.weight[:0]
	total := 0.0
	for token := range n {
		w := weigh(token)
		s.weight = append(s.weight, w)
		total += w
	}
	at := s.random.Float64() * total
	for token, w := range s.weight {
		if at -= w; at < 0 {
			return token
		}
	}
	return best // reached by rounding alone
}

// keep makes kept the tokens that top-k leaves, by falling logit, and returns the weight that top-p is a share of. Without top-k it leaves
// out tokens that top-p or min-p is sure to cut, and the weight is that of all.
func (s *Sampler) keep(logits []float32, weigh func(token int) float64) (total float64) {
	s.kept, s.weight = s.kept[:0], s.weight[:0]
	if k := s.config.TopK; k > 0 {
		s.heap.fillBest(logits, k)
	} else {
		for token := range logits {
			s.weight = append(s.weight, weigh(token))
			total += s.weight[token]
		}
		// Tokens of less than this weight have together less than what top-p cuts.
		least := max(s.config.MinP, (1-s.config.TopP)*total/float64(len(logits)))
		if s.config.TopP == 0 {
			least = s.config.MinP
		}
		s.heap.fill(logits, func(token int) bool { return s.weight[token] >= least })
		s.weight = s.weight[:0]
	}
	for len(s.heap.tokens) > 0 {
		token := s.heap.pop()
		w := weigh(token)
		s.kept, s.weight = append(s.kept, token), append(s.weight, w)
		if s.config.TopK > 0 {
			total += w
		}
	}
	return total
}

// cut keeps tokens while stays holds for the weight of those before and its own, and returns the weight of those kept. The most probable
// token always stays.
func (s *Sampler) cut(stays func(kept, next float64) bool) (kept float64) {
	for i, w := range s.weight {
		if i > 0 && !stays(kept, w) {
			s.kept, s.weight = s.kept[:i], s.weight[:i]
			break
		}
		kept += w
	}
	return kept
}
