// Package raster holds pictures as numbers that can be computed with.
//
// Values are coded as in the file, mostly by the curve of sRGB: 0 is black and 1 is white. Values outside are allowed between two
// computations. Nothing here is converted to light; the peers that this project compares with resample coded values too.
package raster

import "fmt"

// MaxPixels is the most pixels that an Image may have: 2²⁸, 16,384 × 16,384.
const MaxPixels = 1 << 28

// Image is a picture of Height rows of Width pixels of Channels values: grey, or red, green and blue. The zero value is an empty picture.
type Image struct {
	Width, Height, Channels int
	Pix                     []float32 // [Height][Width][Channels]
}

// New returns a black picture. It returns an error for a width or a height below 1, more than MaxPixels pixels, or channels other than
// 1 … 4.
func New(width, height, channels int) (*Image, error) {
	switch {
	case width < 1 || height < 1 || int64(width)*int64(height) > MaxPixels:
		return nil, fmt.Errorf("raster: a picture of %d×%d, expected 1×1 to %d pixels", width, height, MaxPixels)
	case channels < 1 || channels > 4:
		return nil, fmt.Errorf("raster: a picture of %d channels, expected 1 to 4", channels)
	}
	return &Image{width, height, channels, make([]float32, width*height*channels)}, nil
}

// Check returns an error for a picture that New would not make, or of too few or too many values.
func (m *Image) Check() error {
	switch {
	case m == nil:
		return fmt.Errorf("raster: no picture")
	case m.Width < 1 || m.Height < 1 || int64(m.Width)*int64(m.Height) > MaxPixels || m.Channels < 1 || m.Channels > 4:
		return fmt.Errorf("raster: a picture of %d×%d and %d channels", m.Width, m.Height, m.Channels)
	case len(m.Pix) != m.Width*m.Height*m.Channels:
		return fmt.Errorf("raster: a picture of %d×%d×%d with %d values", m.Width, m.Height, m.Channels, len(m.Pix))
	}
	return nil
}

// Row is row y, as a part of Pix.
func (m *Image) Row(y int) []float32 {
	n := m.Width * m.Channels
	return m.Pix[y*n : (y+1)*n : (y+1)*n]
}

// Crop returns a copy of the pixels from (x, y), of a size. The rectangle must be inside.
func (m *Image) Crop(x, y, width, height int) (*Image, error) {
	if x < 0 || y < 0 || width < 1 || height < 1 || x > m.Width-width || y > m.Height-height {
		return nil, fmt.Errorf("raster: a part of %d×%d at (%d, %d) of a picture of %d×%d", width, height, x, y, m.Width, m.Height)
	}
	out, err := New(width, height, m.Channels)
	if err != nil {
		return nil, err
	}
	for i := range height {
		copy(out.Row(i), m.Row(y + i)[x*m.Channels:])
	}
	return out, nil
}

// Coloured is m in three channels: itself, or three times the first channel of a picture of one or two.
func (m *Image) Coloured() *Image {
	if m.Channels >= 3 {
		return m
	}
	out := &Image{m.Width, m.Height, 3, make([]float32, 3*m.Width*m.Height)}
	for i := range m.Width * m.Height {
		v := m.Pix[i*m.Channels]
		out.Pix[3*i], out.Pix[3*i+1], out.Pix[3*i+2] = v, v, v
	}
	return out
}

// The weights of red, green and blue in luma (ITU-R BT.601-7, 2.5.1).
const (
	LumaRed   = 0.299
	LumaGreen = 0.587
	LumaBlue  = 0.114
)

// Luma is the brightness of each pixel, in one channel: by the weights of BT.601 in full range. Pictures of one or two channels give their
// first one.
func (m *Image) Luma() *Image {
	out := &Image{m.Width, m.Height, 1, make([]float32, m.Width*m.Height)}
	for i := range out.Pix {
		p := m.Pix[i*m.Channels:]
		if m.Channels < 3 {
			out.Pix[i] = p[0]
			continue
		}
		out.Pix[i] = LumaRed*p[0] + LumaGreen*p[1] + LumaBlue*p[2]
	}
	return out
}

// Round clamps every value to 0 … 1 and rounds it to a multiple of 1/levels, halves up: 255 gives what a file of 8 bits keeps.
func (m *Image) Round(levels int) {
	n := float32(levels)
	for i, v := range m.Pix {
		if !(v > 0) { // NaN too
			v = 0
		}
		m.Pix[i] = float32(int(min(v, 1)*n+0.5)) / n
	}
}
