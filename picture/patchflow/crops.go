package patchflow

import (
	"fmt"
	"math"
	"slices"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/internal/strict"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/picture/resample"
)

// CropConfig says which crops the batches of a network have.
type CropConfig struct {
	Batch int     `yaml:"batch"`           // crops
	Side  int     `yaml:"side"`            // patches along a side of a crop
	Large int     `yaml:"large"`           // patches along a side of the single crop of each tenth batch; 0: there is none
	Paint float64 `yaml:"paint,omitempty"` // share of the crops that have no base, and are whole photographs at 240×136; for the flow alone
	Turns int     `yaml:"turns"`           // batches of the network in each step
}

// largeEvery is the distance of batches of one large crop: sums over many patches must not be met for the first time in use.
const largeEvery = 10

// Check returns an error that names the first setting out of range.
func (c CropConfig) Check() error {
	switch {
	case c.Batch < 1 || c.Batch > 1<<16:
		return strict.Wrong("batch", "is %d; expected 1 to %d", c.Batch, 1<<16)
	case c.Side < 2 || c.Side > 256:
		return strict.Wrong("side", "is %d; expected 2 to 256", c.Side)
	case c.Large < 0 || c.Large > 512:
		return strict.Wrong("large", "is %d; expected 0 to 512", c.Large)
	case c.Turns < 1 || c.Turns > 1000:
		return strict.Wrong("turns", "is %d; expected 1 to 1000", c.Turns)
	case !(c.Paint >= 0 && c.Paint <= 1):
		return strict.Wrong("paint", "is %g; expected 0 to 1", c.Paint)
	}
	return nil
}

// crops makes the batches of one network. Batch n depends on the seed and on n alone.
type crops struct {
	config  CropConfig
	network int
	patch   int
	seed    uint64
	base    *Base
	photos  []*photo
	threads int
}

// batch replaces b by batch number i.
func (s *crops) batch(b *data.Batch, i uint64) error {
	b.Reset()
	if b.Patches == nil {
		b.Patches = &data.Patches{}
	}
	b.Patches.Network = s.network
	n, side := s.config.Batch, s.config.Side
	if s.config.Large > 0 && i%largeEvery == largeEvery-1 {
		n, side = 1, s.config.Large
	}
	made := make([]sample, n)
	failed := make([]error, n)
	pool.Run(s.threads, n, func(_, k int) {
		made[k], failed[k] = s.sample(data.NewRandom(s.seed, (i<<16|uint64(k))*nets+uint64(s.network)), side)
	})
	for i, m := range made {
		if failed[i] != nil {
			return failed[i]
		}
		b.Lengths = append(b.Lengths, len(m.weights))
		b.Patches.Widths = append(b.Patches.Widths, m.width)
		b.Patches.Inputs = append(b.Patches.Inputs, m.inputs...)
		b.Patches.Targets = append(b.Patches.Targets, m.targets...)
		b.Patches.Weights = append(b.Patches.Weights, m.weights...)
	}
	b.Tokens = append(b.Tokens, make([]int32, len(b.Patches.Weights))...)
	return nil
}

// sample is one picture of a batch.
type sample struct {
	width                    int
	inputs, targets, weights []float32
}

// sample draws a crop of side × side patches, or a whole small photograph.
func (s *crops) sample(r *data.Random, side int) (sample, error) {
	p := s.photos[r.IntN(len(s.photos))]
	if s.network == enlargeNet {
		factor := 2 << r.IntN(2)
		y, base, err := s.pair(r, p.sizes[:len(shares)], side, factor, 0)
		if err != nil {
			return sample{}, err
		}
		return newSample(newContrast(base, s.patch, 1), y, Condition{Factor: factor, Once: true, Time: 1}, s.base.rho(factor), nil), nil
	}
	if r.Float64() >= s.config.Paint {
		factor := 4 << r.IntN(2)
		o := Condition{Factor: factor, Noise: MaxNoise * r.Float64()}
		o.Time = drawTime(r, o.shift())
		y, base, err := s.pair(r, p.sizes, side, factor, o.Noise)
		if err != nil {
			return sample{}, err
		}
		return newSample(newContrast(base, s.patch, 1), y, o, s.base.rho(factor), r), nil
	}
	return s.paint(r, p)
}

// margin is the number of small pixels around a crop that make its own pixels what they are in the whole picture: 2 of the kernel that
// shrinks, 3 of the filters, and 3 and 1 of their structure tensor.
const margin = 9

// flat is the deviation of luma of crops that are drawn again: nothing can be learned from a sky. At most redraws times.
const (
	flat    = 22. / 255
	redraws = 3
)

// pair draws a crop of a photograph, at one of the sizes that are large enough, and the base of it: the crop, shrunk by factor, rounded to
// 8 bits, and enlarged.
func (s *crops) pair(r *data.Random, sizes []raw, side, factor int, noise float64) (y, base *raster.Image, err error) {
	small := side*s.patch/factor + 2*margin
	large := small * factor
	sizes = slices.DeleteFunc(slices.Clone(sizes), func(b raw) bool { return b.Width < large || b.Height < large })
	if len(sizes) == 0 {
		return nil, nil, fmt.Errorf("patchflow: a photograph of too few pixels, expected %d×%d or more for crops of %d patches at ×%d", large,
			large, side, factor)
	}
	from := sizes[r.IntN(len(sizes))]
	for range redraws {
		y = from.crop(r.IntN(from.Width-large+1), r.IntN(from.Height-large+1), large, large, drawSymmetry(r))
		if s.network == drawNet || deviation(y) > flat {
			break
		}
	}
	low, err := resample.Resize(y, small, small, resample.Bicubic, 1)
	if err != nil {
		return nil, nil, err
	}
	low.Round(255)
	if noise > 0 {
		addNoise(low.Pix, float32(noise), r)
	}
	at, size := margin*factor, side*s.patch
	if y, err = y.Crop(at, at, size, size); err != nil {
		return nil, nil, err
	}
	base, err = s.base.enlargeInside(low, factor)
	return y, base, err
}

// paint draws a whole photograph at 240×136: 70 to 100 % of its width, or of what 16:9 leaves of it.
func (s *crops) paint(r *data.Random, p *photo) (sample, error) {
	from := p.sizes[len(p.sizes)-1]
	share := 0.7 + 0.3*r.Float64()
	w := min(float64(from.Width), float64(from.Height)*tinyWidth/tinyRows) * share
	width, height := max(int(w), 1), max(int(w*tinyRows/tinyWidth), 1)
	m := from.crop(r.IntN(from.Width-width+1), r.IntN(from.Height-height+1), width, height, symmetry{flipX: r.IntN(2) == 1})
	y, err := resample.Resize(m, tinyWidth, tinyRows, resample.Lanczos3, 1)
	if err != nil {
		return sample{}, err
	}
	c, err := blank(tinyWidth, tinyRows, s.patch, 1)
	if err != nil {
		return sample{}, err
	}
	o := Condition{}
	o.Time = drawTime(r, o.shift())
	return newSample(c, y, o, 1, r), nil
}

// easy is the mean squared error of a base, at 36 dB, below which a crop counts less: most of what is left of it is noise.
const easy = 16. / (255 * 255)

// newSample makes the rows of a picture y over its base. With r it is one of flow: the residual is mixed with noise.
func newSample(c *contrast, y *raster.Image, o Condition, rho float32, r *data.Random) sample {
	n, in, out := c.grid.Height*c.grid.Width, inputs(c.patch), outputs(c.patch)
	s := sample{c.grid.Width, make([]float32, n*in), make([]float32, n*out), make([]float32, n)}
	noisy := make([]float32, out)
	total := 0.0
	for t := range n {
		u := s.targets[t*out:][:out]
		c.residual(u, t, y, rho)
		if r == nil {
			s.weights[t] = c.sigma[t] * c.sigma[t] * rho * rho
			for _, v := range u {
				total += float64(s.weights[t]) * float64(v) * float64(v)
			}
			c.input(s.inputs[t*in:][:in], t, nil, o)
			continue
		}
		at := float32(o.Time)
		s.weights[t] = 1 / max(at, soonest) / max(at, soonest)
		clear(noisy)
		addNoise(noisy, at, r)
		for k, v := range u {
			noisy[k] += (1 - at) * v
		}
		c.input(s.inputs[t*in:][:in], t, func(_ int, dst []float32) { copy(dst, noisy) }, o)
	}
	if r == nil { // the error is relative to that of the base: PSNR counts every picture alike
		unit := float32(1 / (total/float64(n*out) + easy))
		for t := range s.weights {
			s.weights[t] *= unit
		}
	}
	return s
}

// soonest bounds the weight 1/t² of errors at times near 0, which would outweigh all others.
const soonest = 0.2

// Times of pictures without a base are moved towards noise (Esser et al. 2024, section 5.3.2). The mean colour of a third of a picture of
// 240×136 is that of 11,000 pixels. In noise of deviation t it stands out by (1−t)·100/t, and is decided between t = 1 and 0.97: with times
// evenly apart one step would pass over all of it, and both sides of a picture would choose their colours alone. A base has the low
// frequencies already, so that the times of what is left are even.
const paintShift = 4

// shift is that of the times of a condition.
func (o Condition) shift() float64 {
	if o.Factor == 0 {
		return paintShift
	}
	return 1
}

// shifted moves a time towards 1.
func shifted(t, shift float64) float64 { return shift * t / (1 + (shift-1)*t) }

// timeSpread is the deviation of the logits of times: with 1, one time in 40 would be below 1/8, where the last of eight steps is.
const timeSpread = 1.4

// drawTime draws a time: a logistic function of a normal number, shifted.
func drawTime(r *data.Random, shift float64) float64 {
	a, _ := normals(r)
	return shifted(1/(1+math.Exp(-timeSpread*a)), shift)
}

// addNoise adds normal numbers of a deviation.
func addNoise(x []float32, deviation float32, r *data.Random) {
	for i := 0; i < len(x); i += 2 {
		a, b := normals(r)
		x[i] += deviation * float32(a)
		if i+1 < len(x) {
			x[i+1] += deviation * float32(b)
		}
	}
}

// normals draws two independent normal numbers (Box and Muller 1958).
func normals(r *data.Random) (a, b float64) {
	radius := math.Sqrt(-2 * math.Log(1-r.Float64()))
	sin, cos := math.Sincos(2 * math.Pi * r.Float64())
	return radius * cos, radius * sin
}

// deviation is the standard deviation of luma.
func deviation(m *raster.Image) float64 {
	var sum, squares float64
	luma := m.Luma().Pix
	for _, v := range luma {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	n := float64(len(luma))
	return math.Sqrt(max(squares/n-sum/n*sum/n, 0))
}
