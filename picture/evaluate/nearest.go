package evaluate

import (
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/picture/measure"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/picture/resample"
)

// shares are the parts of a photograph's width that are looked at as first levels: a model learns from 70 to 100 %.
var shares = [...]float64{1, 0.85, 0.7}

// nearest are the train photographs at the sizes at which a first level is a share of them.
type nearest struct {
	set   []*raster.Image
	names []string
	share []float64
}

// add takes a photograph in.
func (n *nearest) add(name string, m *raster.Image, threads int) error {
	for _, share := range shares {
		small, err := atShare(m, share, threads)
		if err != nil {
			return err
		}
		n.set, n.names, n.share = append(n.set, small), append(n.names, name), append(n.share, share)
	}
	return nil
}

// atShare shrinks a photograph so that 240×136 pixels are a share of its width, or of what its height allows at this aspect.
func atShare(m *raster.Image, share float64, threads int) (*raster.Image, error) {
	width := min(float64(m.Width), float64(m.Height)*firstWidth/firstHeight) * share
	size := func(side, least int) int { return max(int(float64(side)*firstWidth/width+0.5), least) }
	return resample.Resize(m, size(m.Width, firstWidth), size(m.Height, firstHeight), resample.Lanczos3, threads)
}

// of finds the part that a picture is nearest to; nil where there are no photographs.
func (n *nearest) of(m *raster.Image, threads int) (*Near, error) {
	if n == nil {
		return nil, nil
	}
	small, err := fit(m, firstWidth, firstHeight, threads)
	if err != nil {
		return nil, err
	}
	found, err := measure.Nearest(small, n.set)
	if err != nil {
		return nil, err
	}
	return &Near{Of: n.names[found.Picture], Share: n.share[found.Picture], Match: found}, nil
}

// cropsOf is the number of crops of a photograph that chroma is compared in.
const cropsOf = 8

// cropStream is the first of the streams of random numbers of crops, one for each photograph.
const cropStream = 1 << 61

// crops draws parts of a photograph as a model learns from them, and takes their chroma.
func (g *generating) crops(m *raster.Image, number uint64) (all []chroma, err error) {
	r := data.NewRandom(g.options.Seed, cropStream+number)
	for range cropsOf {
		share := shares[len(shares)-1] + (1-shares[len(shares)-1])*r.Float64()
		small, err := atShare(m, share, g.pictures.Exec.Threads)
		if err != nil {
			return nil, err
		}
		part, err := small.Crop(r.IntN(small.Width-firstWidth+1), r.IntN(small.Height-firstHeight+1), firstWidth, firstHeight)
		if err != nil {
			return nil, err
		}
		part.Round(255)
		all = append(all, chromaOf(part))
	}
	return all, nil
}
