// Package sampling draws the next token from a language model's logits.
package sampling

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/longspan/longspan/data"
)

// Config sets how tokens are drawn. The zero value draws from the softmax of the logits.
type Config struct {
	Temperature float64 // logits are divided by it; 0 means 1
	Greedy      bool    // take the most probable token; all other fields are then unused
	TopK        int     // keep the k most probable tokens; 0 keeps all
	TopP        float64 // then keep the fewest tokens with this share of their probability, 0 … 1; 0 keeps all
	Seed        uint64  // of the draws: the same seed and logits give the same tokens
}

// Sampler draws tokens. It has scratch memory, and is not safe for concurrent use.
type Sampler struct {
	config Config
	random *data.Random
	order  []int // tokens by falling logit
	weight []float64
}

// New returns a sampler at its first draw.
func New(c Config) (*Sampler, error) {
	switch {
	case !(c.Temperature >= 0) || math.IsInf(c.Temperature, 0):
		return nil, fmt.Errorf("sampling: the temperature is %g; it must be 0 (for 1) or more, and finite", c.Temperature)
	case c.TopK < 0:
		return nil, fmt.Errorf("sampling: top-k is %d; it cannot be negative", c.TopK)
	case !(c.TopP >= 0 && c.TopP <= 1):
		return nil, fmt.Errorf("sampling: top-p is %g; it must lie between 0 and 1", c.TopP)
	}
	if c.Temperature == 0 {
		c.Temperature = 1
	}
	return &Sampler{config: c, random: data.NewRandom(c.Seed, 0)}, nil
}

// Next draws a token, 0 … len(logits)−1. A logit of −∞ is never drawn; of equal logits the lower token counts as
// the more probable one. It returns an error if a logit is NaN or +∞, or if none is above −∞.
//
// The cost is a sort of the logits. Temperature applies first, then top-k, then top-p: Holtzman et al. 2020, arXiv:1904.09751, section 3.1.
func (s *Sampler) Next(logits []float32) (int, error) {
	s.order = s.order[:0]
	for i, v := range logits {
		if v != v || v > math.MaxFloat32 {
			return 0, fmt.Errorf("sampling: the logit of token %d is %g", i, v)
		}
		if v >= -math.MaxFloat32 {
			s.order = append(s.order, i)
		}
	}
	if len(s.order) == 0 {
		return 0, fmt.Errorf("sampling: none of the %d tokens can be drawn", len(logits))
	}
	slices.SortFunc(s.order, func(a, b int) int {
		return cmp.Or(cmp.Compare(logits[b], logits[a]), cmp.Compare(a, b))
	})
	if s.config.Greedy {
		return s.order[0], nil
	}
	if k := s.config.TopK; k > 0 {
		s.order = s.order[:min(k, len(s.order))]
	}
	return s.draw(s.weigh(logits)), nil
}

// weigh sets the weights of the tokens in order, cut by top-p, and returns their sum.
func (s *Sampler) weigh(logits []float32) (total float64) {
	s.weight = s.weight[:0]
	top := float64(logits[s.order[0]])
	for _, token := range s.order {
		w := math.Exp((float64(logits[token]) - top) / s.config.Temperature)
		s.weight = append(s.weight, w)
		total += w
	}
	if s.config.TopP == 0 {
		return total
	}
	enough, kept := s.config.TopP*total, 0.0
	for i, w := range s.weight {
		if kept += w; kept >= enough {
			s.weight = s.weight[:i+1]
			return kept
		}
	}
	return total
}

func (s *Sampler) draw(total float64) int {
	at := s.random.Float64() * total
	for i, w := range s.weight {
		if at -= w; at < 0 {
			return s.order[i]
		}
	}
	return s.order[len(s.weight)-1] // reached by rounding alone
}
