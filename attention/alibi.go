package attention

import (
	"errors"
	"fmt"
	"math"

	"github.com/longspan/longspan/tensor"
)

// ALiBi lowers the score of a key by slope·|distance|, a slope a head; it takes the place of a position encoding.
//
// Press, Smith and Lewis 2021, arXiv:2108.12409.
type ALiBi struct {
	Slopes []float64 // [H]; nil: ALiBiSlopes(H)
}

// ALiBiSlopes are the paper's: for n heads, n a power of two, 2^(−8/n), 2^(−16/n) … 2^−8. For any other n, those of the next lower power of
// two, then every other one of the next higher.
func ALiBiSlopes(n int) []float64 {
	whole := 1
	for 2*whole <= n {
		whole *= 2
	}
	slopes := make([]float64, 0, n)
	for i := 1; i <= whole; i++ {
		slopes = append(slopes, math.Exp2(-8*float64(i)/float64(whole)))
	}
	for i := 1; len(slopes) < n; i += 2 {
		slopes = append(slopes, math.Exp2(-4*float64(i)/float64(whole)))
	}
	return slopes
}

func (b ALiBi) slopes(heads int) []float64 {
	if b.Slopes == nil {
		return ALiBiSlopes(heads)
	}
	return b.Slopes
}

func (b ALiBi) check(c Config, _ []Seq) error {
	if b.Slopes != nil && len(b.Slopes) != c.Heads {
		return fmt.Errorf("attention: found %d ALiBi slopes, expected one for each of %d heads, or nil for the paper's", len(b.Slopes), c.Heads)
	}
	for h, s := range b.Slopes {
		if !(math.Abs(s) <= maxFactor) {
			return fmt.Errorf("attention: found ALiBi slope %g at head %d, expected a number of at most 2^60 in size; check what made it", s, h)
		}
	}
	return nil
}

func (b ALiBi) checkGrads(*Attention, *BiasGrads) error {
	return errors.New("attention: found room for gradients of ALiBi, expected none: its slopes are constants")
}

func (b ALiBi) value(slopes []float64, head, distance int) float64 {
	return -slopes[head] * math.Abs(float64(distance))
}

func (b ALiBi) naive(_ *NaiveInput, r naiveRow, j int) float64 {
	return b.value(b.slopes(r.n.c.Heads), r.head, r.distance(j))
}

func (b ALiBi) naiveBackward(*NaiveInput, naiveRow, int, float64) {}

func (b ALiBi) scratch(Config) int { return 0 }

func (b ALiBi) start(a *Attention, mem *tensor.Pool, _ In, dry bool) (tileBias, error) {
	slopes := b.slopes(a.c.Heads)
	return newDistanceTable(a, mem, dry, func(head, distance int) float64 { return b.value(slopes, head, distance) }), nil
}
