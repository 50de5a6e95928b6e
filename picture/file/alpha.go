package file

import (
	"fmt"

	"github.com/longspan/longspan/picture/raster"
)

// Premultiplied is a copy of the picture's Image, each pixel times its alpha. It is what is resampled: colours of transparent pixels, which
// nobody sees, would bleed into the others. Without alpha it is Image itself.
func (p *Picture) Premultiplied() (*raster.Image, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if p.Alpha == nil {
		return p.Image, nil
	}
	m := p.Image
	out := &raster.Image{Width: m.Width, Height: m.Height, Channels: m.Channels, Pix: make([]float32, len(m.Pix))}
	for i, a := range p.Alpha.Pix {
		for c := i * m.Channels; c < (i+1)*m.Channels; c++ {
			out.Pix[c] = m.Pix[c] * a
		}
	}
	return out, nil
}

// Unpremultiply takes back Premultiplied, in place, and clamps alpha to 0 … 1, which resampling may have left. A pixel of an alpha below
// half a step of 16 bits becomes black. A nil alpha changes nothing.
func Unpremultiply(m, alpha *raster.Image) error {
	if err := checkPair(m, alpha); err != nil {
		return err
	}
	unpremultiply(m, alpha)
	return nil
}

func unpremultiply(m, alpha *raster.Image) {
	if alpha == nil {
		return
	}
	for i, a := range alpha.Pix {
		a = clamped(a)
		alpha.Pix[i] = a
		pixel := m.Pix[i*m.Channels : (i+1)*m.Channels]
		for c, v := range pixel {
			if a < 0.5/65535 {
				pixel[c] = 0
			} else {
				pixel[c] = min(v/a, 1)
			}
		}
	}
}

// clamped is v within 0 … 1; NaN gives 0.
func clamped(v float32) float32 {
	if !(v > 0) {
		return 0
	}
	return min(v, 1)
}

// Check returns an error for a picture that cannot be written: without values, of channels other than 1 and 3, of another size of alpha, of
// bits other than 8 and 16, or with a profile that does not fit.
func (p *Picture) Check() error {
	if p == nil {
		return fmt.Errorf("file: no picture")
	}
	if err := checkPair(p.Image, p.Alpha); err != nil {
		return err
	}
	switch {
	case p.Image.Channels != 1 && p.Image.Channels != 3:
		return fmt.Errorf("file: a picture of %d channels, expected 1 for grey or 3 for red, green and blue", p.Image.Channels)
	case p.Bits != 8 && p.Bits != 16:
		return fmt.Errorf("file: a picture of %d bits, expected 8 or 16", p.Bits)
	}
	if p.ICC != nil {
		if err := checkProfile(p.ICC, p.Image.Channels); err != nil {
			return fmt.Errorf("file: the colour profile does not fit: %w; set another, or none", err)
		}
	}
	return nil
}

// checkPair checks a picture and its alpha, which may be nil.
func checkPair(m, alpha *raster.Image) error {
	if err := m.Check(); err != nil {
		return err
	}
	if alpha == nil {
		return nil
	}
	if err := alpha.Check(); err != nil {
		return err
	}
	if alpha.Width != m.Width || alpha.Height != m.Height || alpha.Channels != 1 {
		return fmt.Errorf("file: an alpha of %d×%d×%d for a picture of %d×%d, expected one value a pixel",
			alpha.Width, alpha.Height, alpha.Channels, m.Width, m.Height)
	}
	return nil
}
