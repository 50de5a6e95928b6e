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
	before float64 // seconds a pixel of the result, before the first pass: of the filters, and of noise
	pass   float64 // seconds a flop of a pass of the network
}

// measure measures the pace of enlarging by a factor. A pass is one of the network of d, which has one step and no mixture. For filters
// alone d is nil.
func (m *Model) measure(ctx context.Context, factor int, d *patchflow.Draw) (p pace, err error) {
	s := m.pictures
	small, err := raster.New(paceWidth/factor, paceHeight/factor, 3)
	if err != nil {
		return p, err
	}
	for i := range small.Pix { // without flat places, which take less
		small.Pix[i] = float32(0.5 + 0.4*math.Sin(float64(i)))
	}
	work := func() error {
		_, err := s.Base.Enlarge(small, factor, s.Exec.Threads)
		return err
	}
	flops := int64(1)
	if d != nil {
		need, err := s.NeedEnlarge(small.Width, small.Height, factor, *d)
		if err != nil {
			return p, err
		}
		defer m.reserve(need.Pool)()
		flops = need.Flops
		work = func() error {
			_, err := s.Enlarge(ctx, small, factor, *d)
			return err
		}
	}
	before, pass, err := m.shortest(work)
	return pace{before / (paceWidth * paceHeight), pass / float64(flops)}, err
}

// shortest is the shortest time of several works before their pass and in it, in seconds, after one that wakes the threads and fills the
// pool.
func (m *Model) shortest(work func() error) (before, pass float64, err error) {
	before, pass = math.Inf(1), math.Inf(1)
	for i := range paceRuns + 1 {
		began := time.Now()
		passing := began
		m.pictures.Step = func(_, _, _ int) { passing = time.Now() }
		if err := work(); err != nil {
			return 0, 0, err
		}
		ended := time.Now()
		if passing == began { // there is none
			passing = ended
		}
		if i > 0 {
			before, pass = min(before, passing.Sub(began).Seconds()), min(pass, ended.Sub(passing).Seconds())
		}
	}
	return before, pass, nil
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

// stageSeconds are those of enlarging by one factor, with parts that are done one after the other; without one by the filters alone. What
// is before a pass is counted once.
func (m *Model) stageSeconds(ctx context.Context, width, height, factor int, parts []patchflow.Draw) (total float64, err error) {
	var p pace
	if len(parts) == 0 {
		if p, err = m.measure(ctx, factor, nil); err != nil {
			return 0, err
		}
	}
	before := p.before
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
		before = max(before, p.before)
		total += p.pass * float64(need.Flops)
	}
	return total + before*float64(width)*float64(height)*float64(factor*factor), nil
}
