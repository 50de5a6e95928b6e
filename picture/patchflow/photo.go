package patchflow

import (
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/picture/resample"
)

// photo is a photograph in 8 bits at some sizes.
type photo struct{ sizes []raw }

// raw is a picture of three channels.
type raw struct{ raster.Bytes }

// The sizes that are learned from, as shares of the photograph's: pictures of cameras are soft, and smaller they are sharp.
var shares = [...]float64{1, 0.5, 0.35}

const (
	// small is the width of a photograph that is learned from as the step before the last one of a generated picture, and tiny that of the
	// first.
	small     = 960
	tinyWidth = 240
	tinyRows  = 136
)

// Photos are the photographs that a model learns from. A photograph takes 1.4 times the bytes of its pixels, and those of 960 in a row.
type Photos struct{ all []*photo }

// Add takes a photograph of three channels in. m may change afterwards.
func (p *Photos) Add(m *raster.Image, threads int) error {
	one, err := newPhoto(m, threads)
	if err != nil {
		return err
	}
	p.all = append(p.all, one)
	return nil
}

// Len is the number of photographs.
func (p *Photos) Len() int { return len(p.all) }

// pixels is the number of pixels of all photographs, at their own sizes.
func (p *Photos) pixels() (n int) {
	for _, one := range p.all {
		n += one.sizes[0].Width * one.sizes[0].Height
	}
	return n
}

// newPhoto shrinks a picture to the sizes that are learned from.
func newPhoto(m *raster.Image, threads int) (*photo, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	if m.Channels != channels {
		return nil, fmt.Errorf("patchflow: a photograph of %d channels, expected %d", m.Channels, channels)
	}
	p := &photo{}
	for _, share := range append(shares[:], float64(small)/float64(m.Width)) {
		w, h := int(share*float64(m.Width)+0.5), int(share*float64(m.Height)+0.5)
		sized, err := resample.Resize(m, max(w, 1), max(h, 1), resample.Lanczos3, threads)
		if err != nil {
			return nil, err
		}
		p.sizes = append(p.sizes, raw{raster.Pack(sized)})
	}
	return p, nil
}

// symmetry is one of the eight ways of laying a rectangle.
type symmetry struct{ flipX, flipY, transpose bool }

func drawSymmetry(r *data.Random) symmetry {
	n := r.IntN(8)
	return symmetry{n&1 != 0, n&2 != 0, n&4 != 0}
}

// whole is the picture, cut to sides that are multiples of n.
func (b raw) whole(n int) *raster.Image {
	return b.crop(0, 0, b.Width/n*n, b.Height/n*n, symmetry{})
}

// crop copies the pixels from (x, y), laid by s; width and height are those of the result.
func (b raw) crop(x, y, width, height int, s symmetry) *raster.Image {
	out := &raster.Image{Width: width, Height: height, Channels: channels, Pix: make([]float32, width*height*channels)}
	for i := range height {
		for j := range width {
			u, v := j, i
			if s.flipX {
				u = width - 1 - j
			}
			if s.flipY {
				v = height - 1 - i
			}
			if s.transpose {
				u, v = v, u
			}
			p := b.Pix[((y+v)*b.Width+x+u)*channels:]
			o := out.Pix[(i*width+j)*channels:]
			o[0], o[1], o[2] = float32(p[0])/255, float32(p[1])/255, float32(p[2])/255
		}
	}
	return out
}
