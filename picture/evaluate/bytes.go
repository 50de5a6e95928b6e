package evaluate

import "github.com/longspan/longspan/picture/raster"

// bytes is a picture of three channels in 8 bits: a quarter of the memory.
type bytes struct {
	width, height int
	pix           []uint8
}

// pack keeps a picture that is rounded to 8 bits.
func pack(m *raster.Image) bytes {
	b := bytes{m.Width, m.Height, make([]uint8, len(m.Pix))}
	for i, v := range m.Pix {
		b.pix[i] = uint8(v*255 + 0.5)
	}
	return b
}

// image is the picture that was packed.
func (b bytes) image() *raster.Image {
	m := &raster.Image{Width: b.width, Height: b.height, Channels: 3, Pix: make([]float32, len(b.pix))}
	for i, v := range b.pix {
		m.Pix[i] = float32(v) / 255
	}
	return m
}
