package file

import (
	"image"

	"github.com/longspan/longspan/picture/raster"
)

// to8 and to16 round a value to the nearest number, halves up. Values outside 0 … 1 are clamped.
func to8(v float32) uint8   { return uint8(clamped(v)*255 + 0.5) }
func to16(v float32) uint16 { return uint16(clamped(v)*65535 + 0.5) }

// put16 writes a number of 16 bits, the high byte first.
func put16(b []byte, v float32) { be.PutUint16(b, to16(v)) }

// ToImage makes an image of Go: Gray or Gray16 for grey without alpha, RGBA or RGBA64 without alpha, else NRGBA or NRGBA64. Values outside
// 0 … 1 are clamped. It returns an error for what Check refuses.
func ToImage(p *Picture) (image.Image, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	r := image.Rect(0, 0, p.Image.Width, p.Image.Height)
	switch {
	case p.Image.Channels == 1 && p.Alpha == nil && p.Bits == 8:
		m := image.NewGray(r)
		for i, v := range p.Image.Pix {
			m.Pix[i] = to8(v)
		}
		return m, nil
	case p.Image.Channels == 1 && p.Alpha == nil:
		m := image.NewGray16(r)
		for i, v := range p.Image.Pix {
			put16(m.Pix[2*i:], v)
		}
		return m, nil
	case p.Bits == 8 && p.Alpha == nil:
		m := image.NewRGBA(r)
		p.pack8(m.Pix)
		return m, nil
	case p.Bits == 8:
		m := image.NewNRGBA(r)
		p.pack8(m.Pix)
		return m, nil
	case p.Alpha == nil:
		m := image.NewRGBA64(r)
		p.pack16(m.Pix)
		return m, nil
	}
	m := image.NewNRGBA64(r)
	p.pack16(m.Pix)
	return m, nil
}

// colour is the red, green and blue of pixel i.
func colour(m *raster.Image, i int) (r, g, b float32) {
	if m.Channels == 1 {
		return m.Pix[i], m.Pix[i], m.Pix[i]
	}
	return m.Pix[3*i], m.Pix[3*i+1], m.Pix[3*i+2]
}

// alphaAt is the alpha of pixel i.
func (p *Picture) alphaAt(i int) float32 {
	if p.Alpha == nil {
		return 1
	}
	return p.Alpha.Pix[i]
}

// pack8 writes 4 bytes a pixel.
func (p *Picture) pack8(pix []byte) {
	for i := range len(pix) / 4 {
		r, g, b := colour(p.Image, i)
		to := pix[4*i : 4*i+4]
		to[0], to[1], to[2], to[3] = to8(r), to8(g), to8(b), to8(p.alphaAt(i))
	}
}

// pack16 writes 8 bytes a pixel.
func (p *Picture) pack16(pix []byte) {
	for i := range len(pix) / 8 {
		r, g, b := colour(p.Image, i)
		to := pix[8*i : 8*i+8]
		put16(to, r)
		put16(to[2:], g)
		put16(to[4:], b)
		put16(to[6:], p.alphaAt(i))
	}
}

// onWhite is an opaque picture of 8 bits: p laid over white.
func (p *Picture) onWhite() *Picture {
	out := &Picture{Image: p.Image, Bits: 8, ICC: p.ICC}
	if p.Alpha == nil {
		return out
	}
	m := p.Image
	out.Image = &raster.Image{Width: m.Width, Height: m.Height, Channels: m.Channels, Pix: make([]float32, len(m.Pix))}
	for i, a := range p.Alpha.Pix {
		a = clamped(a)
		for c := i * m.Channels; c < (i+1)*m.Channels; c++ {
			out.Image.Pix[c] = 1 - a + a*clamped(m.Pix[c])
		}
	}
	return out
}
