package patchflow

import (
	"context"
	"errors"
	"fmt"

	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/picture/resample"
)

// Painting says how a picture is made from nothing, or after a sketch.
type Painting struct {
	Width, Height int
	Steps         [3]int // of flow: of the first picture, of the one before the last level, and of the last
	Seed          uint64

	// Sketch, where not nil, is what the picture should look like from afar: three channels, of any size. Strength is how much of it may
	// change: 0 keeps the sketch and only enlarges it, 1 ignores it.
	Sketch   *raster.Image
	Strength float64

	// Preview, where not nil, is told of the picture at each level but the last.
	Preview func(m *raster.Image)
}

// DefaultSteps are the steps of flow that a painting has where none are given.
var DefaultSteps = [3]int{48, 8, 8}

func (p Painting) check() error {
	if p.Width < 1 || p.Height < 1 || int64(p.Width)*int64(p.Height) > raster.MaxPixels {
		return fmt.Errorf("patchflow: a picture of %d×%d, expected 1×1 to %d pixels", p.Width, p.Height, raster.MaxPixels)
	}
	for _, n := range p.Steps {
		if n < 1 || n > maxSteps {
			return fmt.Errorf("patchflow: %d steps, expected 1 to %d", n, maxSteps)
		}
	}
	if p.Sketch != nil {
		if err := p.Sketch.Check(); err != nil {
			return err
		}
		if p.Sketch.Channels != channels {
			return fmt.Errorf("patchflow: a sketch of %d channels, expected %d", p.Sketch.Channels, channels)
		}
	}
	if !(p.Strength >= 0 && p.Strength <= 1) {
		return fmt.Errorf("patchflow: a strength of %g, expected 0 to 1", p.Strength)
	}
	return nil
}

// level is the size of a level of a painting, and the factor from the level before.
type level struct{ width, height, factor int }

// The longer side of a first level is 240 pixels where the picture allows it, as in what was learned from, and these at least and at most.
const (
	shortest = 170
	longest  = 340
)

// levels are the levels of a painting. The factor between two is 4, and that to the last 4 or 8: those that the flow has learned. Their
// product is the least that reaches the picture from a first level that is not too large. The last level is the picture or a little more,
// which is shrunk and cut; of pictures of 341 to 679 pixels it is up to twice as much.
func levels(width, height int) []level {
	long := max(width, height)
	var factors []int
	product := 1
	for (long+product-1)/product > longest {
		switch n := len(factors); {
		case n > 0 && factors[n-1] == 4: // 4 becomes 8, and 8 becomes 4 · 4
			factors[n-1], product = 8, product*2
		case n > 0:
			factors[n-1] = 4
			factors, product = append(factors, 4), product*2
		default:
			factors, product = []int{4}, 4
		}
	}
	first := max((long+product-1)/product, shortest)
	side := func(n int) int { return max(1, int((int64(n)*int64(first)+int64(long)-1)/int64(long))) }
	all := []level{{side(width), side(height), 1}}
	for i, f := range factors {
		all = append(all, level{all[i].width * f, all[i].height * f, f})
	}
	return all
}

// LastFactor is the factor of the last level of a painting, 4 or 8, or 1 for a painting of one level.
func LastFactor(width, height int) int {
	all := levels(width, height)
	return all[len(all)-1].factor
}

// Generate paints a picture: flow from nothing at the first level, and from the enlarged level before at the others. The same options give
// the same bits with any number of threads.
func (s *Pictures) Generate(ctx context.Context, p Painting) (*raster.Image, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if s.Model.nets[drawNet] == nil {
		return nil, errors.New("patchflow: the model has no network that draws; train one with model.draw")
	}
	sizes := levels(p.Width, p.Height)
	s.passes, s.done = 0, 0
	for i := range sizes {
		s.passes += flowPasses(p.steps(i, len(sizes)))
	}
	m, err := s.first(ctx, p, sizes[0], p.steps(0, len(sizes)))
	if err != nil {
		return nil, err
	}
	for i := 1; i < len(sizes); i++ {
		if p.Preview != nil {
			p.Preview(m)
		}
		m.Round(255)
		d := Draw{Detail: 1, Steps: p.steps(i, len(sizes)), Seed: p.Seed + uint64(i), Noise: LevelNoise}
		if m, err = s.enlarge(ctx, m, sizes[i].factor, d); err != nil {
			return nil, err
		}
	}
	if m.Width != p.Width || m.Height != p.Height {
		return s.cut(m, p.Width, p.Height)
	}
	return m, nil
}

// LevelNoise is the noise that the network is told each level but the last to have: its colours are right to about one of 255 steps.
const LevelNoise = 1. / 255

// steps are those of level i of n.
func (p Painting) steps(i, n int) int {
	switch {
	case i == 0:
		return p.Steps[0]
	case i == n-1:
		return p.Steps[2]
	}
	return p.Steps[1]
}

// first paints the first level.
func (s *Pictures) first(ctx context.Context, p Painting, size level, steps int) (*raster.Image, error) {
	net := s.Model.nets[drawNet]
	c, err := blank(size.width, size.height, net.config.Patch, s.Exec.Threads)
	if err != nil {
		return nil, err
	}
	d := Draw{Detail: 1, Steps: steps, Seed: p.Seed}
	var from *start
	if p.Sketch != nil {
		sketch, err := resample.Resize(p.Sketch, size.width, size.height, resample.Lanczos3, s.Exec.Threads)
		if err != nil {
			return nil, err
		}
		if p.Strength == 0 {
			return sketch, nil
		}
		from = &start{sketch, p.Strength}
	}
	f := &flow{s: s, net: net, base: c, rho: 1}
	return c.base, f.draw(ctx, Condition{}, d, from)
}

// cut shrinks a picture to a size of nearly its aspect: the longer way over is cut off first, evenly on both sides.
func (s *Pictures) cut(m *raster.Image, width, height int) (*raster.Image, error) {
	w, h := m.Width, m.Height
	if int64(w)*int64(height) > int64(h)*int64(width) {
		w = max(1, (h*width+height/2)/height)
	} else {
		h = max(1, (w*height+width/2)/width)
	}
	w, h = min(w, m.Width), min(h, m.Height)
	m, err := m.Crop((m.Width-w)/2, (m.Height-h)/2, w, h)
	if err != nil {
		return nil, err
	}
	return resample.Resize(m, width, height, resample.Lanczos3, s.Exec.Threads)
}
