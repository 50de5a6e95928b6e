package filters

import (
	"errors"
	"fmt"
	"slices"

	"github.com/longspan/longspan/picture/raster"
)

// Fitter collects samples of small pictures and their large ones, and makes a Bank of them.
type Fitter struct {
	scale   int
	bounds  *bounds
	sums    []moments // of each cluster
	samples []structure
}

// moments are the sums of a cluster's samples: A = Σ x·xᵀ [49, 49], of which the upper triangle is kept, and B = Σ x·yᵀ [49, s²].
type moments struct {
	n    float64
	a, b []float64
}

// NewFitter returns a Fitter without samples. Pictures are first shown by Look, then by Add.
func NewFitter(scale int) (*Fitter, error) {
	if scale < 2 || scale > MaxScale {
		return nil, fmt.Errorf("filters: a scale of %d, expected 2 to %d", scale, MaxScale)
	}
	f := &Fitter{scale: scale, sums: make([]moments, Clusters)}
	for i := range f.sums {
		f.sums[i] = moments{a: make([]float64, taps*taps), b: make([]float64, taps*scale*scale)}
	}
	return f, nil
}

// lookEvery is the distance of the pixels that Look reads, along rows and columns: bounds of clusters need no more than some thousands.
const lookEvery = 7

// Look reads the structure of a small picture, which the bounds of clusters are taken from.
func (f *Fitter) Look(small *raster.Image, threads int) error {
	if err := small.Check(); err != nil {
		return err
	}
	if f.bounds != nil {
		return errors.New("filters: Look after Add: the bounds of clusters are fixed")
	}
	t := newTensors(small.Luma(), threads)
	for y := 0; y < small.Height; y += lookEvery {
		for x := 0; x < small.Width; x += lookEvery {
			f.samples = append(f.samples, t.at(y*small.Width+x))
		}
	}
	return nil
}

// split fixes the bounds, so that bins have equal shares of what Look saw.
func (f *Fitter) split() {
	quantiles := func(limits []float32, of func(structure) float32) {
		values := make([]float32, len(f.samples))
		for i, s := range f.samples {
			values[i] = of(s)
		}
		slices.Sort(values)
		for i := range limits {
			if len(values) > 0 {
				limits[i] = values[(i+1)*len(values)/(len(limits)+1)]
			}
		}
	}
	f.bounds = &bounds{}
	quantiles(f.bounds.Strength[:], func(s structure) float32 { return s.strength })
	quantiles(f.bounds.Coherence[:], func(s structure) float32 { return s.coherence })
	f.samples = nil
}

// Add learns from every pixel of a small picture whose number, counted along the rows from first, is a multiple of every. large is s times
// as wide and as high; luma is learned from. Cost: 1,225 + 49·s² multiplications a sample.
func (f *Fitter) Add(small, large *raster.Image, first, every, threads int) error {
	for _, m := range []*raster.Image{small, large} {
		if err := m.Check(); err != nil {
			return err
		}
	}
	s := f.scale
	if large.Width != s*small.Width || large.Height != s*small.Height {
		return fmt.Errorf("filters: %d×%d for %d×%d, expected %d times that", large.Width, large.Height, small.Width, small.Height, s)
	}
	if every < 1 || first < 0 {
		return fmt.Errorf("filters: every %dth pixel from %d, expected 1 and 0 or more", every, first)
	}
	if f.bounds == nil {
		f.split()
	}
	luma, target := small.Luma(), large.Luma()
	t := newTensors(luma, threads)
	y := make([]float64, s*s)
	var near *neighbours
	for i, row := first, -1; i < len(luma.Pix); i += every {
		if i/luma.Width != row {
			row = i / luma.Width
			near = newNeighbours(luma, row)
		}
		x := i % luma.Width
		centre, around := near.of(x, 0)
		for j := range y {
			y[j] = float64(target.Pix[(row*s+j/s)*target.Width+x*s+j%s] - centre)
		}
		f.sums[f.bounds.cluster(t.at(i))].add(around, y)
	}
	return nil
}

func (m *moments) add(x []float32, y []float64) {
	m.n++
	for i, v := range x {
		v := float64(v)
		if v == 0 {
			continue
		}
		row := m.a[i*taps:][:taps]
		for j := i; j < taps; j++ {
			row[j] += v * float64(x[j])
		}
		for j, w := range y {
			m.b[i*len(y)+j] += v * w
		}
	}
}

// ridge is added to the diagonal of the common problem, relative to its mean: without it the tap of the middle, which is always 0, would
// make the matrix singular.
const ridge = 1e-4

// Fit solves for the weights. shrink, more than 0, is the number of samples by which a cluster is drawn to the common filter.
func (f *Fitter) Fit(shrink float64) (*Bank, error) {
	s := f.scale
	common := moments{a: make([]float64, taps*taps), b: make([]float64, taps*s*s)}
	for _, m := range f.sums {
		common.n += m.n
		addTo(common.a, m.a, 1)
		addTo(common.b, m.b, 1)
	}
	switch {
	case common.n == 0:
		return nil, errors.New("filters: no samples to fit to")
	case !(shrink > 0):
		return nil, fmt.Errorf("filters: shrink is %g, expected more than 0", shrink)
	}
	trace := 0.0
	for i := range taps {
		trace += common.a[i*taps+i]
	}
	for i := range taps {
		common.a[i*taps+i] += ridge*trace/taps + 1e-12*common.n
	}
	b := &Bank{Scale: s, Bounds: append(f.bounds.Strength[:], f.bounds.Coherence[:]...), Weights: make([]float32, Clusters*s*s*taps)}
	for c := range f.sums {
		a, rhs := slices.Clone(f.sums[c].a), slices.Clone(f.sums[c].b)
		addTo(a, common.a, shrink/common.n)
		addTo(rhs, common.b, shrink/common.n)
		if err := solve(a, rhs, taps, s*s); err != nil {
			return nil, err
		}
		for i := range s * s {
			for k := range taps {
				b.Weights[(c*s*s+i)*taps+k] = float32(rhs[k*s*s+i])
			}
		}
	}
	return b, nil
}

func addTo(dst, src []float64, factor float64) {
	for i, v := range src {
		dst[i] += factor * v
	}
}
