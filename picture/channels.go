package picture

import "github.com/longspan/longspan/picture/raster"

// threeChannels is a grey picture with three equal channels.
func threeChannels(m *raster.Image) *raster.Image {
	out := &raster.Image{Width: m.Width, Height: m.Height, Channels: 3, Pix: make([]float32, 3*len(m.Pix))}
	for i, v := range m.Pix {
		out.Pix[3*i], out.Pix[3*i+1], out.Pix[3*i+2] = v, v, v
	}
	return out
}

// mean is the grey of three channels: what threeChannels takes back of channels that differ by what the networks add.
func mean(m *raster.Image) *raster.Image {
	out := &raster.Image{Width: m.Width, Height: m.Height, Channels: 1, Pix: make([]float32, len(m.Pix)/3)}
	for i := range out.Pix {
		out.Pix[i] = (m.Pix[3*i] + m.Pix[3*i+1] + m.Pix[3*i+2]) / 3
	}
	return out
}

// clamp cuts values off at black and white.
func clamp(m *raster.Image) {
	for i, v := range m.Pix {
		if !(v > 0) { // NaN too
			v = 0
		}
		m.Pix[i] = min(v, 1)
	}
}
