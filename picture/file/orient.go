package file

import "github.com/longspan/longspan/picture/raster"

// upright is the picture that a viewer shows for an orientation of 1 … 8 (EXIF 2.32, 4.6.4, tag Orientation). nil gives nil, 1 the
// picture itself.
//
//	1 as it is           5 mirrored about the main diagonal
//	2 mirrored left-right  6 turned by 90° clockwise
//	3 turned by 180°     7 mirrored about the other diagonal
//	4 mirrored up-down   8 turned by 90° anticlockwise
func upright(m *raster.Image, orientation int) *raster.Image {
	if m == nil || orientation <= 1 || orientation > 8 {
		return m
	}
	out := &raster.Image{Width: m.Width, Height: m.Height, Channels: m.Channels, Pix: make([]float32, len(m.Pix))}
	if orientation >= 5 {
		out.Width, out.Height = m.Height, m.Width
	}
	right, down := m.Width-1, m.Height-1 // the last column and row of m
	w := m.Width
	// Pixel (x, y) of out is pixel from + x·alongX + y·alongY of m.
	var from, alongX, alongY int
	switch orientation {
	case 2:
		from, alongX, alongY = right, -1, w
	case 3:
		from, alongX, alongY = down*w+right, -1, -w
	case 4:
		from, alongX, alongY = down*w, 1, -w
	case 5:
		from, alongX, alongY = 0, w, 1
	case 6:
		from, alongX, alongY = down*w, -w, 1
	case 7:
		from, alongX, alongY = down*w+right, -w, -1
	case 8:
		from, alongX, alongY = right, w, -1
	}
	c := m.Channels
	for y := range out.Height {
		row, at := out.Row(y), (from+y*alongY)*c
		for x := range out.Width {
			copy(row[x*c:(x+1)*c], m.Pix[at:])
			at += alongX * c
		}
	}
	return out
}

// firstChannel keeps the first channel of a picture.
func firstChannel(m *raster.Image) *raster.Image {
	if m.Channels == 1 {
		return m
	}
	out := &raster.Image{Width: m.Width, Height: m.Height, Channels: 1, Pix: make([]float32, m.Width*m.Height)}
	for i := range out.Pix {
		out.Pix[i] = m.Pix[i*m.Channels]
	}
	return out
}
