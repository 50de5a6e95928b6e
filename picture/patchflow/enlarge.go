package patchflow

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/tensor"
)

// Pictures enlarges and generates: a network and the base that it adds to.
type Pictures struct {
	Base  *Base
	Model *Model
	Exec  tensor.Exec
	// Step, where not nil, is told before each pass of a network: pass number pass of passes, over a picture of some patches.
	Step func(pass, passes, patches int)

	done, passes int // of the work under way
}

// Enlarge returns m, of three channels, factor times as wide and as high: 2, 4 or 8. detail is 0 for the mean of what the picture could be,
// which has the least error and is smooth; 1 for one of the pictures that it could be, drawn by seed in steps; between them for a mixture.
// Values may be outside of 0 … 1.
//
// The networks have learned the factors that they are used with: the mean 2 and 4, so that 8 is 4 and then 2, and the flow 4 and 8, so that
// a detail at 2 is refused.
func (s *Pictures) Enlarge(ctx context.Context, m *raster.Image, factor int, d Draw) (*raster.Image, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	if m.Channels != channels {
		return nil, fmt.Errorf("patchflow: a picture of %d channels, expected %d", m.Channels, channels)
	}
	if err := d.check(factor); err != nil {
		return nil, err
	}
	s.done, s.passes = 0, d.Passes(factor)
	return s.enlarge(ctx, m, factor, d)
}

// enlarge is Enlarge as a part of the work under way.
func (s *Pictures) enlarge(ctx context.Context, m *raster.Image, factor int, d Draw) (*raster.Image, error) {
	if d.Detail == 0 {
		return s.mean(ctx, m, factor)
	}
	drawn, err := s.detail(ctx, m, factor, d)
	if err != nil || d.Detail == 1 {
		return drawn, err
	}
	runtime.GC() // the noise is as large as the picture, and would stand beside the mean
	mean, err := s.mean(ctx, m, factor)
	if err != nil {
		return nil, err
	}
	for i, v := range drawn.Pix {
		mean.Pix[i] += float32(d.Detail) * (v - mean.Pix[i])
	}
	return mean, nil
}

// mean is the base with the mean of what is missing.
func (s *Pictures) mean(ctx context.Context, m *raster.Image, factor int) (base *raster.Image, err error) {
	net := s.Model.nets[enlargeNet]
	if net == nil {
		return nil, errors.New("patchflow: the model has no network that enlarges; give a detail of 1, or train one with model.enlarge")
	}
	if factor == 8 {
		if m, err = s.mean(ctx, m, 4); err != nil {
			return nil, err
		}
		factor = 2
	}
	if base, err = s.Base.Enlarge(m, factor, s.Exec.Threads); err != nil {
		return nil, err
	}
	c, rho := newContrast(base, net.config.Patch, s.Exec.Threads), s.Base.rho(factor)
	s.tell(len(c.sigma))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// All tokens are read from the base before the first patch is written.
	o := Condition{Factor: factor, Once: true, Time: 1}
	return base, s.Model.predict(ctx, s.Exec, task{net, c, nil, o}, func(t int, r []float32) { c.add(t, r, rho) })
}

// detail is the base with what is missing as flow draws it.
func (s *Pictures) detail(ctx context.Context, m *raster.Image, factor int, d Draw) (*raster.Image, error) {
	net := s.Model.nets[drawNet]
	if net == nil {
		return nil, errors.New("patchflow: the model has no network that draws; give a detail of 0, or train one with model.draw")
	}
	base, err := s.Base.Enlarge(m, factor, s.Exec.Threads)
	if err != nil {
		return nil, err
	}
	c, rho := newContrast(base, net.config.Patch, s.Exec.Threads), s.Base.rho(factor)
	f := &flow{s: s, net: net, base: c, rho: rho}
	return base, f.draw(ctx, Condition{Factor: factor, Noise: d.Noise}, d, nil)
}

// tell is called before each pass.
func (s *Pictures) tell(patches int) {
	s.done++
	if s.Step != nil {
		s.Step(s.done, s.passes, patches)
	}
}

// Draw says how a picture is drawn.
type Draw struct {
	Detail float64 // 0 … 1
	Steps  int     // of flow, 1 or more
	Seed   uint64
	Noise  float64 // standard deviation of what the picture that is enlarged has of its own noise; 0 … MaxNoise
}

// Passes is the number of passes of a network that enlarging by a factor takes.
func (d Draw) Passes(factor int) int {
	n := 0
	if d.Detail > 0 {
		n += flowPasses(d.Steps)
	}
	if d.Detail < 1 {
		n++
		if factor == 8 {
			n++ // 4, then 2
		}
	}
	return n
}

// maxSteps is the most steps of flow: more than a network of any size needs.
const maxSteps = 1000

func (d Draw) check(factor int) error {
	switch {
	case factor != 2 && factor != 4 && factor != 8:
		return fmt.Errorf("patchflow: a factor of %d, expected 2, 4 or 8", factor)
	case factor == 2 && d.Detail > 0:
		return fmt.Errorf("patchflow: a detail of %g at a factor of 2, expected 0, or a factor of 4 or 8, which the flow has learned", d.Detail)
	case !(d.Detail >= 0 && d.Detail <= 1):
		return fmt.Errorf("patchflow: a detail of %g, expected 0 to 1", d.Detail)
	case d.Detail > 0 && (d.Steps < 1 || d.Steps > maxSteps):
		return fmt.Errorf("patchflow: %d steps, expected 1 to %d", d.Steps, maxSteps)
	case !(d.Noise >= 0 && d.Noise <= MaxNoise):
		return fmt.Errorf("patchflow: a noise of %g, expected 0 to %g", d.Noise, MaxNoise)
	}
	return nil
}
