package patchflow

import (
	"context"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/picture/raster"
)

// flow draws what a picture has over its base. Its state is kept for each pixel, not for each patch: the clean residual that was predicted
// last, and the noise that is then left,
//
//	x_t = (1−t)·clean/(σ·ρ) + t·noise
//
// in units of the patch that a pixel is in. So each step can have another grid of patches, and no border of patches is one in all steps.
// With one grid this is Euler's method.
type flow struct {
	s     *Pictures
	net   *net
	base  *contrast
	rho   float32
	seed  uint64
	clean []float32 // of base.base.Pix
	noise []float32
	looks [grids]*contrast // the base in each grid, where a step had it
}

// draw adds to the base what is drawn by Euler's steps from time 1, or from a start. Times are closer near noise where there is no base, as
// in training.
//
// Memory: three float32 for each number of the picture.
func (f *flow) draw(ctx context.Context, o Condition, d Draw, from *start) error {
	pix := f.base.base.Pix
	f.clean, f.noise, f.seed = make([]float32, len(pix)), make([]float32, len(pix)), d.Seed
	begin := 1.0
	if from != nil {
		begin = from.time
		for i, v := range from.picture.Pix {
			f.clean[i] = v - pix[i]
		}
	}
	width := f.base.base.Width * channels
	pool.Run(f.s.Exec.Threads, f.base.base.Height, func(_, y int) {
		addNoise(f.noise[y*width:(y+1)*width], 1, data.NewRandom(d.Seed, uint64(y)))
	})
	shift := o.shift()
	even := begin / (shift - (shift-1)*begin) // what shifts to begin
	for i := range d.Steps - 1 {
		o.Time = shifted(even*float64(d.Steps-i)/float64(d.Steps), shift)
		look := f.grid(i)
		if err := f.pass(ctx, look, o, func(t int, r []float32) { f.split(look, t, r, float32(o.Time)) }); err != nil {
			return err
		}
	}
	o.Time = shifted(even/float64(d.Steps), shift)
	return f.last(ctx, o)
}

// start is a picture that flow begins from at a time below 1: a sketch.
type start struct {
	picture *raster.Image
	time    float64
}

// grids is the number of grids of patches, half a patch apart in both directions.
const grids = 4

// flowPasses is the number of passes of a network that steps of flow take: the last step has all grids.
func flowPasses(steps int) int { return steps + grids - 1 }

// grid is the base in grid i, of four in turn.
func (f *flow) grid(i int) *contrast {
	look := &f.looks[i%grids]
	switch x, y := gridBegin(i, f.base.patch); {
	case *look != nil:
	case x == 0 && y == 0:
		*look = f.base
	default:
		*look = f.base.shifted(x, y, f.s.Exec.Threads)
	}
	return *look
}

// gridBegin is the number of pixels that grid i, of four in turn, begins before the picture.
func gridBegin(i, patch int) (x, y int) {
	half := patch / 2
	at := [grids][2]int{{0, 0}, {half, half}, {half, 0}, {0, half}}[i%grids]
	return at[0], at[1]
}

// pass predicts r for the patches of a grid.
func (f *flow) pass(ctx context.Context, look *contrast, o Condition, use func(t int, r []float32)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.s.tell(len(look.sigma))
	noisy := func(t int, dst []float32) { f.mix(dst, look, t, float32(o.Time)) }
	return f.s.Model.predict(ctx, f.s.Exec, task{f.net, look, noisy, o}, use)
}

// mix writes x_t of a token. Outside of the picture there is noise alone, as in training.
func (f *flow) mix(dst []float32, look *contrast, t int, time float32) {
	if i, j := t/look.grid.Width, t%look.grid.Width; i == 0 || j == 0 || i == look.grid.Height-1 || j == look.grid.Width-1 {
		clear(dst)
		addNoise(dst, time, data.NewRandom(f.seed, outsideStream|uint64(t)))
	}
	unit := (1 - time) / (look.sigma[t] * f.rho)
	look.eachInside(t, func(k, at int) {
		for q := range channels {
			dst[k+q] = unit*f.clean[at+q] + time*f.noise[at+q]
		}
	})
}

// outsideStream is the stream of random numbers outside of the picture.
const outsideStream = 1 << 62

// split makes r of a token the clean residual of its pixels, and sets the noise to what x_t has beside it.
func (f *flow) split(look *contrast, t int, r []float32, time float32) {
	size := look.sigma[t] * f.rho
	look.eachInside(t, func(k, at int) {
		for q := range channels {
			clean := size * r[k+q]
			f.noise[at+q] += (1 - time) / time * (f.clean[at+q] - clean) / size
			f.clean[at+q] = clean
		}
	})
}

// last takes the last step, which goes all the way to the prediction, with all grids. Each weighs most in the middle of its patches, and
// nothing at their borders.
func (f *flow) last(ctx context.Context, o Condition) error {
	sum := make([]float32, len(f.clean))
	for i := range grids {
		look := f.grid(i)
		if err := f.pass(ctx, look, o, func(t int, r []float32) { look.blend(sum, t, r, f.rho) }); err != nil {
			return err
		}
	}
	for i, v := range sum {
		f.base.base.Pix[i] += v
	}
	return nil
}

// blend adds the residual of token t, times its weights, to the pixels of sum.
func (c *contrast) blend(sum []float32, t int, r []float32, rho float32) {
	unit := c.sigma[t] * rho
	c.eachPixel(t, func(k, x, y int) {
		if !c.inside(x, y) {
			return
		}
		w := unit * gridWeight(x, c.x, c.patch) * gridWeight(y, c.y, c.patch)
		for q := range channels {
			sum[(y*c.base.Width+x)*channels+q] += w * r[k+q]
		}
	})
}

// gridWeight is the weight of a pixel along a side of patches, which begin before the picture by 0 pixels or half a patch. It falls
// linearly from the middle of a patch to its borders. Those of the two grids add up to 1.
func gridWeight(at, before, patch int) float32 {
	height := func(i int) float32 { return min(float32(i%patch)+0.5, float32(patch-i%patch)-0.5) }
	own := height(at + before)
	return own / (own + height(at+patch/2-before))
}
