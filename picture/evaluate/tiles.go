package evaluate

import (
	"context"

	"github.com/longspan/longspan/picture/patchflow"
	"github.com/longspan/longspan/picture/raster"
)

// The tiles that the whole picture is compared with: pixels of the enlarged picture. Programs that enlarge by tiles have such sizes.
const (
	tileSide    = 512
	tileOverlap = 64
)

// tiled enlarges a level of a painting by a scale as Generate does, but in tiles of 512×512 pixels that overlap by 64, and are blended
// linearly there. Each tile has noise of its own, by the seed of d and its number.
func tiled(ctx context.Context, s *patchflow.Pictures, base *raster.Image, scale int, d patchflow.Draw) (*raster.Image, error) {
	seed := d.Seed
	out, err := raster.New(base.Width*scale, base.Height*scale, base.Channels)
	if err != nil {
		return nil, err
	}
	total := make([]float32, out.Width*out.Height)
	number := uint64(0)
	for _, y := range places(base.Height, tileSide/scale, tileOverlap/scale) {
		for _, x := range places(base.Width, tileSide/scale, tileOverlap/scale) {
			part, err := base.Crop(x.at, y.at, x.length, y.length)
			if err != nil {
				return nil, err
			}
			number++
			d.Seed = seed<<32 | number
			tile, err := s.Enlarge(ctx, part, scale, d)
			if err != nil {
				return nil, err
			}
			blend(out, total, tile, x.times(scale), y.times(scale))
		}
	}
	for i, w := range total {
		for c := range out.Channels {
			out.Pix[i*out.Channels+c] /= w
		}
	}
	return out, nil
}

// place is a tile along one side of a picture of n pixels.
type place struct{ at, length, n int }

func (p place) times(scale int) place { return place{p.at * scale, p.length * scale, p.n * scale} }

// places are tiles that cover n pixels. The last is moved back so that it ends where the picture does.
func places(n, side, overlap int) (all []place) {
	if n <= side {
		return []place{{0, n, n}}
	}
	for at := 0; ; at += side - overlap {
		if at+side >= n {
			return append(all, place{n - side, side, n})
		}
		all = append(all, place{at, side, n})
	}
}

// weight is that of pixel i of a tile: it falls linearly over the overlap, but not where the picture ends.
func (p place) weight(i int) float32 {
	w := float32(1)
	if p.at > 0 {
		w = min(w, (float32(i)+0.5)/tileOverlap)
	}
	if p.at+p.length < p.n {
		w = min(w, (float32(p.length-i)-0.5)/tileOverlap)
	}
	return w
}

// blend adds a tile, times its weights, and the weights to total.
func blend(out *raster.Image, total []float32, tile *raster.Image, x, y place) {
	for i := range tile.Height {
		wy, from, to := y.weight(i), tile.Row(i), out.Row(y.at + i)[x.at*out.Channels:]
		for j := range tile.Width {
			w := wy * x.weight(j)
			total[(y.at+i)*out.Width+x.at+j] += w
			for c := range out.Channels {
				to[j*out.Channels+c] += w * from[j*out.Channels+c]
			}
		}
	}
}
