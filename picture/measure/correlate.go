package measure

import (
	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/longspan/longspan/picture/raster"
)

// correlator correlates one picture with smaller ones, at all shifts: by the product of their two-dimensional Fourier transforms.
type correlator struct {
	width, height int // of the transforms: those of the picture, or a little more
	rows          *fourier.FFT
	columns       *fourier.CmplxFFT
	line          []float64
	column        []complex128
	channels      [][]complex128 // the transforms of the picture's channels, [height][width/2+1] each
}

func newCorrelator(im *raster.Image) *correlator {
	c := &correlator{width: smooth(im.Width), height: smooth(im.Height)}
	c.rows, c.columns = fourier.NewFFT(c.width), fourier.NewCmplxFFT(c.height)
	c.line, c.column = make([]float64, c.width), make([]complex128, c.height)
	for channel := range im.Channels {
		of := make([]complex128, c.height*c.bins())
		c.transform(of, im, channel)
		c.channels = append(c.channels, of)
	}
	return c
}

// bins is the number of different frequencies of a row.
func (c *correlator) bins() int { return c.width/2 + 1 }

// with returns, at [y·width + x], Σ picture(x+i, y+j)·small(i, j) over pixels and channels. Shifts at which small is not inside the picture
// wrap around and mean nothing. The sizes of the transforms reach over the picture, so that no other shift does.
func (c *correlator) with(small *raster.Image) []float64 {
	product := make([]complex128, c.height*c.bins())
	of := make([]complex128, c.height*c.bins())
	for channel, picture := range c.channels {
		c.transform(of, small, channel)
		for i, v := range of {
			product[i] += picture[i] * complex(real(v), -imag(v))
		}
	}
	return c.invert(product)
}

// transform computes the transform of a channel, surrounded by zeros, into dst.
func (c *correlator) transform(dst []complex128, im *raster.Image, channel int) {
	clear(dst)
	for y := range im.Height {
		clear(c.line)
		row := im.Row(y)
		for x := range im.Width {
			c.line[x] = float64(row[x*im.Channels+channel])
		}
		c.rows.Coefficients(dst[y*c.bins():(y+1)*c.bins()], c.line)
	}
	c.eachColumn(dst, c.columns.Coefficients)
}

// invert is the inverse of transform. It writes over x.
func (c *correlator) invert(x []complex128) []float64 {
	c.eachColumn(x, c.columns.Sequence)
	out := make([]float64, c.height*c.width)
	n := float64(c.height * c.width)
	for y := range c.height {
		line := out[y*c.width : (y+1)*c.width]
		c.rows.Sequence(line, x[y*c.bins():(y+1)*c.bins()])
		for i := range line {
			line[i] /= n
		}
	}
	return out
}

// eachColumn puts f of each column in its place.
func (c *correlator) eachColumn(x []complex128, f func(dst, from []complex128) []complex128) {
	for i := range c.bins() {
		for y := range c.height {
			c.column[y] = x[y*c.bins()+i]
		}
		for y, v := range f(c.column, c.column) {
			x[y*c.bins()+i] = v
		}
	}
}

// smooth is the least number from n on whose prime factors are 2, 3 and 5: transforms of large prime factors are slow.
func smooth(n int) int {
	for ; ; n++ {
		left := n
		for _, p := range []int{2, 3, 5} {
			for left%p == 0 {
				left /= p
			}
		}
		if left == 1 {
			return n
		}
	}
}
