package file

import (
	"image"

	"github.com/longspan/longspan/picture/raster"
)

// code is how YCbCr stands for red, green and blue, times 2¹⁶:
//
//	red   = y·(Y − black) + rv·(Cr − 128)
//	green = y·(Y − black) − gu·(Cb − 128) − gv·(Cr − 128)
//	blue  = y·(Y − black) + bu·(Cb − 128)
type code struct{ black, y, rv, gu, gv, bu int64 }

var (
	// jfif has the full range, 0 … 255 (ITU-T T.871, section 7).
	jfif = code{0, 65536, 91881, 22554, 46802, 116130}
	// studio has 16 … 235 for Y and 16 … 240 for the others (ITU-R BT.601-7): jfif times 255/219 and 255/224. WebP has it (RFC 9649, 2.5).
	// The image.YCbCr that golang.org/x/image/webp returns has it too, though Go takes YCbCr to have the full range: black would be dark
	// grey.
	studio = code{16, 76309, 104597, 25675, 53279, 132201}
)

// convert converts m to red, green and blue, rounded to 8 bits. Where m has less resolution of colour, colour is interpolated linearly: its
// samples lie in the middle of the pixels that they stand for (ITU-T T.871, section 8). Go's own conversion repeats them, which shows as
// steps in an enlarged picture.
func (c code) convert(m *image.YCbCr, out *raster.Image) {
	across, down := ratio(m.SubsampleRatio)
	r := m.Rect
	h := taps(r.Min.X, r.Max.X, across)
	v := taps(r.Min.Y, r.Max.Y, down)
	n := h[len(h)-1].next + 1
	cb, cr := make([]int32, n), make([]int32, n)
	scale := taper(across) * taper(down)
	for y := range r.Dy() {
		t := v[y]
		blend(cb, m.Cb[t.at*m.CStride:], m.Cb[t.next*m.CStride:], t)
		blend(cr, m.Cr[t.at*m.CStride:], m.Cr[t.next*m.CStride:], t)
		c.row(out.Row(y), line{m.Y[y*m.YStride:], cb, cr, h, scale})
	}
}

// tap is how a pixel takes its colour from two samples: the weights add up to taper.
type tap struct {
	at, next   int
	near, more int32 // the weight of each
}

// taper is the sum of the weights of a tap, for samples of n pixels.
func taper(n int) int32 {
	if n == 1 {
		return 1
	}
	return 2 * int32(n)
}

// taps are those of the pixels from … to-1, for samples of n pixels each, the first of which holds pixel from. The outermost samples are
// repeated.
func taps(from, to, n int) []tap {
	out := make([]tap, to-from)
	last := (to-1)/n - from/n // as Go counts, which rounds towards 0
	from = (from%n + n) % n
	for i := range out {
		if n == 1 {
			out[i] = tap{i, i, 1, 0}
			continue
		}
		// Twice n times the place of the pixel's middle, (x + 1/2)/n - 1/2, in samples.
		place := 2*(from+i) + 1 - n + 2*n // of the sample before, so that it is not negative
		at, more := place/(2*n)-1, place%(2*n)
		out[i] = tap{
			at: min(max(at, 0), last), next: min(max(at+1, 0), last),
			near: int32(2*n - more), more: int32(more),
		}
	}
	return out
}

// blend adds up two rows of samples.
func blend(out []int32, a, b []byte, t tap) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = int32(a[i])*t.near + int32(b[i])*t.more
	}
}

// line is a row of pixels: y, and samples of colour at their places, of which taps make scale times the colour.
type line struct {
	y      []byte
	cb, cr []int32
	taps   []tap
	scale  int32
}

func (c code) row(out []float32, l line) {
	scale := int64(l.scale)
	middle := 128 * scale
	y := l.y[:len(l.taps)]
	half := 65536 * scale / 2
	unit := 65536 * scale
	for i := range l.taps {
		t := &l.taps[i]
		u := int64(l.cb[t.at]*t.near+l.cb[t.next]*t.more) - middle
		v := int64(l.cr[t.at]*t.near+l.cr[t.next]*t.more) - middle
		light := c.y*(int64(y[i])-c.black)*scale + half
		to := out[3*i : 3*i+3]
		to[0] = of8[clamp((light+c.rv*v)/unit)]
		to[1] = of8[clamp((light-c.gu*u-c.gv*v)/unit)]
		to[2] = of8[clamp((light+c.bu*u)/unit)]
	}
}

func clamp(v int64) uint8 { return uint8(min(max(v, 0), 255)) }

// ratio is the number of pixels of a sample of colour, across and down.
func ratio(r image.YCbCrSubsampleRatio) (across, down int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}
