package raster

// Bytes is a picture in 8 bits, a quarter of the memory of an Image.
type Bytes struct {
	Width, Height, Channels int
	Pix                     []uint8 // [Height][Width][Channels]
}

// Pack clamps the values of m to 0 … 1, and rounds them to 8 bits, halves up.
func Pack(m *Image) Bytes {
	b := Bytes{m.Width, m.Height, m.Channels, make([]uint8, len(m.Pix))}
	for i, v := range m.Pix {
		b.Pix[i] = uint8(min(max(v, 0), 1)*255 + 0.5)
	}
	return b
}

// Image is b in float32: the picture that was packed, if that was rounded.
func (b Bytes) Image() *Image {
	m := &Image{b.Width, b.Height, b.Channels, make([]float32, len(b.Pix))}
	for i, v := range b.Pix {
		m.Pix[i] = float32(v) / 255
	}
	return m
}
