package patchflow

import (
	"math"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/picture/raster"
)

// The numbers of a token.
const (
	channels = 3
	features = 16
)

// outputs is the numbers of a patch of p×p pixels, [p][p][3], and inputs those of its token: base, noisy residual and features.
func outputs(p int) int { return p * p * channels }
func inputs(p int) int  { return 2*outputs(p) + features }

// lowest is the smallest deviation: half of it is what rounding to 8 bits makes, and dividing by less would amplify the blocks of JPEG.
const lowest = 2. / 255

// Condition is what a pass of the network is for.
type Condition struct {
	Factor int     // of enlarging: 2, 4 or 8; 0: there is no base
	Once   bool    // one step from t = 1 to the mean
	Time   float64 // t, 0 … 1
	Noise  float64 // standard deviation of what was added to the smaller picture, so that its own faults are not continued; 0 … MaxNoise
}

// MaxNoise is the most noise that a smaller picture is given: 3 steps of 8 bits.
const MaxNoise = 3. / 255

// contrast is a base, seen as patches, with the mean colour and the deviation of each.
type contrast struct {
	base  *raster.Image // three channels
	patch int           // pixels along a side
	x, y  int           // pixels that the first patch begins before the picture: less than a patch
	flat  float32       // the deviation of all patches; 0: that of the base
	grid  autograd.Grid
	mean  []float32 // [T][3]
	sigma []float32 // [T]
}

// gridOf is the grid of patches that covers a picture. The last row and column may be covered in part.
func gridOf(width, height, patch int) autograd.Grid {
	return autograd.Grid{Height: (height + patch - 1) / patch, Width: (width + patch - 1) / patch}
}

func newContrast(base *raster.Image, patch, threads int) *contrast {
	return (&contrast{base: base, patch: patch}).shifted(0, 0, threads)
}

// shifted is c with patches that begin x and y pixels before the picture.
func (c *contrast) shifted(x, y, threads int) *contrast {
	c = &contrast{base: c.base, patch: c.patch, x: x, y: y, flat: c.flat, grid: gridOf(c.base.Width+x, c.base.Height+y, c.patch)}
	n := c.grid.Height * c.grid.Width
	c.mean, c.sigma = make([]float32, n*channels), make([]float32, n)
	pool.Run(threads, c.grid.Height, func(_, i int) {
		for j := range c.grid.Width {
			c.measure(i, j)
		}
	})
	return c
}

// around is the number of pixels around a patch that its deviation is of.
const around = 4

// measure sets the mean of the patch in row i, column j, and the deviation of luma of it and the pixels around.
func (c *contrast) measure(i, j int) {
	p := c.patch
	t := i*c.grid.Width + j
	var mean [channels]float64
	var sum, squares float64
	left, top := j*p-c.x, i*p-c.y
	for y := top - around; y < top+p+around; y++ {
		for x := left - around; x < left+p+around; x++ {
			v := c.pixel(x, y)
			luma := raster.LumaRed*float64(v[0]) + raster.LumaGreen*float64(v[1]) + raster.LumaBlue*float64(v[2])
			sum += luma
			squares += luma * luma
			if x >= left && x < left+p && y >= top && y < top+p {
				for k := range mean {
					mean[k] += float64(v[k]) / float64(p*p)
				}
			}
		}
	}
	n := float64((p + 2*around) * (p + 2*around))
	for k := range mean {
		c.mean[t*channels+k] = float32(mean[k])
	}
	c.sigma[t] = float32(math.Sqrt(max(squares/n-sum/n*sum/n, lowest*lowest)))
	if c.flat > 0 {
		c.sigma[t] = c.flat
	}
}

// pixel is the pixel at (x, y), or the nearest one inside.
func (c *contrast) pixel(x, y int) []float32 {
	x, y = min(max(x, 0), c.base.Width-1), min(max(y, 0), c.base.Height-1)
	return c.base.Pix[(y*c.base.Width+x)*channels:][:channels]
}

// eachPixel calls f for the pixels of token t, in the order of its numbers, with the place of the pixel in the picture.
func (c *contrast) eachPixel(t int, f func(k, x, y int)) {
	i, j := t/c.grid.Width, t%c.grid.Width
	for k := range c.patch * c.patch {
		f(k*channels, j*c.patch-c.x+k%c.patch, i*c.patch-c.y+k/c.patch)
	}
}

// eachInside calls f for the pixels of token t that are inside of the picture, with the place of the pixel's numbers in the picture.
func (c *contrast) eachInside(t int, f func(k, at int)) {
	c.eachPixel(t, func(k, x, y int) {
		if c.inside(x, y) {
			f(k, (y*c.base.Width+x)*channels)
		}
	})
}

// inside reports whether a pixel is one of the picture.
func (c *contrast) inside(x, y int) bool {
	return x >= 0 && y >= 0 && x < c.base.Width && y < c.base.Height
}

// input writes the row of token t: the base in units of contrast, the noisy residual as noisy writes it, nil for zeros, and the features.
func (c *contrast) input(dst []float32, t int, noisy func(t int, dst []float32), o Condition) {
	sigma, mean := c.sigma[t], c.mean[t*channels:][:channels]
	c.eachPixel(t, func(k, x, y int) {
		for q, v := range c.pixel(x, y) {
			dst[k+q] = (v - mean[q]) / sigma
		}
	})
	n := outputs(c.patch)
	rest := dst[n : 2*n]
	if noisy == nil {
		clear(rest)
	} else {
		noisy(t, rest)
	}
	o.write(dst[2*n:], mean, sigma)
}

// write sets the features of a token. Their sizes are near 1.
func (o Condition) write(dst, mean []float32, sigma float32) {
	clear(dst[:features])
	for q, v := range mean {
		dst[q] = 2*v - 1
	}
	dst[3] = float32(math.Log2(float64(sigma)/lowest)) / 3 // 0 … 2
	if o.Once {
		dst[4] = 1
	} else {
		sin, cos := math.Sincos(math.Pi * o.Time)
		dst[5], dst[6], dst[7] = float32(o.Time), float32(sin), float32(cos)
	}
	if o.Factor == 0 {
		dst[8] = 1
	} else {
		dst[9] = float32(math.Log2(float64(o.Factor))) / 2
	}
	dst[10] = float32(o.Noise / MaxNoise)
}

// residual writes what the picture y has over the base in token t, divided by the deviation times rho. Outside of the picture it is zero.
func (c *contrast) residual(dst []float32, t int, y *raster.Image, rho float32) {
	unit := 1 / (c.sigma[t] * rho)
	c.eachPixel(t, func(k, x, row int) {
		if !c.inside(x, row) {
			dst[k], dst[k+1], dst[k+2] = 0, 0, 0
			return
		}
		p, b := y.Pix[(row*y.Width+x)*channels:], c.pixel(x, row)
		for q := range channels {
			dst[k+q] = (p[q] - b[q]) * unit
		}
	})
}

// add adds a residual to the base in place, in token t.
func (c *contrast) add(t int, r []float32, rho float32) {
	unit := c.sigma[t] * rho
	c.eachInside(t, func(k, at int) {
		for q := range channels {
			c.base.Pix[at+q] += unit * r[k+q]
		}
	})
}
