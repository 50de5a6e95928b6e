package picture

import (
	"context"
	"math"
	"time"

	"github.com/longspan/longspan/picture/patchflow"
	"github.com/longspan/longspan/picture/raster"
)

// The size that a picture is enlarged to where the pace of the model is measured, and the number of measurements, of which the shortest
// counts.
const (
	paceWidth  = 512
	paceHeight = 256
	paceRuns   = 2
)

// codeSeconds are those of reading, converting or writing a pixel as PNG: measured, one thread of an AMD Zen 4.
const codeSeconds = 1e-7

// pace is the time of the parts of enlarging by a factor.
type pace struct {
	filters float64 // seconds a pixel of the result
	pass    float64 // seconds a flop of a pass of the network
}

// measure measures the pace of enlarging by a factor. A pass is one of the network of d, which has one step and no mixture. For filters
// alone d is nil.
func (m *Model) measure(ctx context.Context, factor int, d *patchflow.Draw) (p pace, err error) {
	s := m.pictures
	s.Step = nil
	small, err := raster.New(paceWidth/factor, paceHeight/factor, 3)
	if err != nil {
		return p, err
	}
	for i := range small.Pix { // without flat places, which take less
		small.Pix[i] = float32(0.5 + 0.4*math.Sin(float64(i)))
	}
	p.filters, err = shortest(func() error {
		_, err := s.Base.Enlarge(small, factor, s.Exec.Threads)
		return err
	})
	if err != nil || d == nil {
		p.filters /= paceWidth * paceHeight
		return p, err
	}
	need, err := s.NeedEnlarge(small.Width, small.Height, factor, *d)
	if err != nil {
		return p, err
	}
	defer m.reserve(need.Pool)()
	whole, err := shortest(func() error {
		_, err := s.Enlarge(ctx, small, factor, *d)
		return err
	})
	p.pass = max(0, whole-p.filters) / float64(need.Flops)
	p.filters /= paceWidth * paceHeight
	return p, err
}

// shortest is the shortest time of several runs, in seconds, after one that wakes the threads and fills the pool.
func shortest(run func() error) (best float64, err error) {
	best = math.Inf(1)
	for i := range paceRuns + 1 {
		began := time.Now()
		if err := run(); err != nil {
			return 0, err
		}
		if i > 0 {
			best = min(best, time.Since(began).Seconds())
		}
	}
	return best, nil
}

// seconds estimates the time of enlarging: the filters by the pixels, and each network by its flops, at the pace of a small picture.
func (w *upscaling) seconds(ctx context.Context) (total float64, err error) {
	width, height := w.from.Width, w.from.Height
	for _, factor := range w.factors {
		var parts []patchflow.Draw
		d := w.options.draw()
		if d.Detail > 0 {
			parts = append(parts, patchflow.Draw{Detail: 1, Steps: d.Steps})
		}
		if d.Detail < 1 {
			parts = append(parts, patchflow.Draw{})
		}
		if w.options.Filters {
			parts = nil
		}
		seconds, err := w.model.stageSeconds(ctx, width, height, factor, parts)
		if err != nil {
			return 0, err
		}
		total += seconds
		width, height = width*factor, height*factor
	}
	pixels := int64(w.from.Width)*int64(w.from.Height) + int64(width)*int64(height) + int64(w.to.X)*int64(w.to.Y)
	return total + codeSeconds*float64(pixels), nil
}

// stageSeconds are those of enlarging by one factor, with parts that are done one after the other.
func (m *Model) stageSeconds(ctx context.Context, width, height, factor int, parts []patchflow.Draw) (total float64, err error) {
	p, err := m.measure(ctx, factor, nil)
	if err != nil {
		return 0, err
	}
	total = p.filters * float64(width) * float64(height) * float64(factor*factor)
	for _, d := range parts {
		one := d
		one.Steps = min(d.Steps, 1)
		if p, err = m.measure(ctx, factor, &one); err != nil {
			return 0, err
		}
		need, err := m.pictures.NeedEnlarge(width, height, factor, d)
		if err != nil {
			return 0, err
		}
		total += p.pass * float64(need.Flops)
	}
	return total, nil
}
