package optim

import "fmt"

// Scaler chooses the number that the loss is multiplied by so that the small gradients of fp16 do not become zero.
// It begins at 2¹⁶, doubles after 2,000 steps without an overflow, and halves at each step whose gradients hold
// an infinity or a NaN, which is then skipped. Micikevicius et al. 2018, arXiv:1710.03740, section 3.2.
//
// The scale is always a power of two, so that scaling and unscaling change no bit of a gradient in range.
type Scaler struct {
	Scale   float64 // now
	Clean   int64   // steps since it last changed
	Skipped int64   // steps skipped in all
}

const (
	firstScale = 1 << 16
	growAfter  = 2000
	// maxScale bounds the growth: at 2²⁴ the smallest subnormal of fp16, 2⁻²⁴, stands for a gradient of 2⁻⁴⁸, and
	// a weight near 1 in f32 does not change by less than 2⁻²⁴.
	maxScale = 1 << 24
	// minScale is where the gradients themselves are beyond what halving can cure: below one, scaling shrinks
	// gradients that fp16 holds as they are.
	minScale = 1
)

// NewScaler returns a scaler at 2¹⁶.
func NewScaler() *Scaler { return &Scaler{Scale: firstScale} }

// Observe records whether the gradients of a step overflowed. If they did, the caller must skip the step.
// It returns a line about a change of the scale, or nothing, and an error where the scale cannot fall further.
func (s *Scaler) Observe(overflow bool) (change string, err error) {
	before := s.Scale
	switch {
	case overflow && s.Scale <= minScale:
		s.Skipped++
		return "", fmt.Errorf("the gradients overflow fp16 even with a loss scale of %g; lower the learning rate, or use bf16", s.Scale)
	case overflow:
		s.Scale, s.Clean = s.Scale/2, 0
		s.Skipped++
		return fmt.Sprintf("gradients overflowed: step skipped, loss scale %g → %g", before, s.Scale), nil
	}
	if s.Clean++; s.Clean >= growAfter && s.Scale < maxScale {
		s.Scale, s.Clean = s.Scale*2, 0
		return fmt.Sprintf("%d steps without an overflow: loss scale %g → %g", growAfter, before, s.Scale), nil
	}
	return "", nil
}
