package picture

import "github.com/longspan/longspan/picture/raster"

// mean is the grey of three channels, which were equal and differ by what the networks add.
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

// extended is a picture in which transparent pixels, whose colours nobody sees, have those of what is beside them. An edge between seen and
// unseen colours would ring in what is enlarged. A pixel that is seen at all keeps its colour.
//
// Pixels are joined two by two, weighted by alpha, until there is one; then each transparent pixel takes the colour of the joined one
// (Gortler et al. 1996, pull-push).
func extended(m, alpha *raster.Image) *raster.Image {
	out := &raster.Image{Width: m.Width, Height: m.Height, Channels: m.Channels, Pix: make([]float32, len(m.Pix))}
	if m.Width == 1 && m.Height == 1 {
		copy(out.Pix, m.Pix)
		return out
	}
	joined, weight := joined(m, alpha)
	coarse := extended(joined, weight)
	n := m.Channels
	for i, a := range alpha.Pix {
		from := m.Pix[i*n : (i+1)*n]
		if !(a > 0) {
			at := (i/m.Width/2*coarse.Width + i%m.Width/2) * n
			from = coarse.Pix[at : at+n]
		}
		copy(out.Pix[i*n:], from)
	}
	return out
}

// joined is the picture of half the width and the height: the mean colours of 2×2 pixels, weighted by alpha, and the sum of alpha.
func joined(m, alpha *raster.Image) (out, weight *raster.Image) {
	w, h, n := (m.Width+1)/2, (m.Height+1)/2, m.Channels
	out = &raster.Image{Width: w, Height: h, Channels: n, Pix: make([]float32, w*h*n)}
	weight = &raster.Image{Width: w, Height: h, Channels: 1, Pix: make([]float32, w*h)}
	for i, a := range alpha.Pix {
		if !(a > 0) {
			continue
		}
		to := i/m.Width/2*w + i%m.Width/2
		weight.Pix[to] += a
		for c := range n {
			out.Pix[to*n+c] += a * m.Pix[i*n+c]
		}
	}
	for i, a := range weight.Pix {
		for c := i * n; a > 0 && c < (i+1)*n; c++ {
			out.Pix[c] /= a
		}
	}
	return out, weight
}
