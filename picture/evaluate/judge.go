package evaluate

import (
	"errors"
	"math"
	"slices"

	"github.com/longspan/longspan/bootstrap"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/picture/measure"
	"github.com/longspan/longspan/picture/raster"
)

// Measured is what was found of an enlarged picture.
type Measured struct {
	Method    string  `json:"method"`
	PSNR      float64 `json:"psnr"`        // of luma in the limited range, dB, without a border of the factor
	Gain      float64 `json:"gain"`        // PSNR over that of Lanczos
	Detail    float64 `json:"psnr_detail"` // the same range, over the tenth of the tiles with the most detail
	SSIM      float64 `json:"ssim"`
	GMSD      float64 `json:"gmsd"`
	TopOctave float64 `json:"top_octave"` // energy in the top octave over that of the original
	Seam      float64 `json:"seam"`       // index, at the patch and pitch of the photograph's
	Seconds   float64 `json:"seconds"`

	// Worse are the measures, of psnr, ssim and gmsd, that are worse than those of Lanczos.
	Worse []string `json:"worse_than_lanczos,omitempty"`
}

// compare fills in what is relative to Lanczos, the first of the methods before.
func (m *Measured) compare(before []Measured) {
	if len(before) == 0 {
		return
	}
	l := before[0]
	m.Gain = m.PSNR - l.PSNR
	if m.PSNR < l.PSNR {
		m.Worse = append(m.Worse, "psnr")
	}
	if m.SSIM < l.SSIM {
		m.Worse = append(m.Worse, "ssim")
	}
	if m.GMSD > l.GMSD {
		m.Worse = append(m.Worse, "gmsd")
	}
}

// add adds the numbers of x, times a weight.
func (m *Measured) add(x Measured, weight float64) {
	to, from := m.numbers(), x.numbers()
	for i := range to {
		*to[i] += weight * *from[i]
	}
}

func (m *Measured) numbers() []*float64 {
	return []*float64{&m.PSNR, &m.Gain, &m.Detail, &m.SSIM, &m.GMSD, &m.TopOctave, &m.Seam, &m.Seconds}
}

// judge compares pictures with an original.
type judge struct {
	original *raster.Image
	scale    int
	tiles    []measure.Tile
	top      float64
	seam     Seam
}

func newJudge(original *raster.Image, scale, patch int) (*judge, error) {
	j := &judge{original: original, scale: scale, seam: Seam{Patch: patch, Pitch: pitch(patch, scale)}}
	var err error
	if j.tiles, err = measure.Tiles(original); err != nil {
		return nil, err
	}
	if j.top, err = measure.TopOctave(original); err != nil {
		return nil, err
	}
	if j.seam.Index, err = measure.Seam(original, patch, j.seam.Pitch); err != nil {
		return nil, err
	}
	if j.top == 0 {
		return nil, errors.New("evaluate: found a picture without detail, expected a photograph")
	}
	return j, nil
}

// pitch is the grid that seams are compared with: the pixels that were enlarged, if a patch has several of them.
func pitch(patch, scale int) int {
	if patch > scale && patch%scale == 0 {
		return scale
	}
	return 1
}

// measure measures a picture in 8 bits. What is relative to other methods is not filled in.
func (j *judge) measure(m *raster.Image) (*Measured, error) {
	found := &Measured{}
	for _, f := range []struct {
		to *float64
		of func() (float64, error)
	}{
		{&found.PSNR, func() (float64, error) { return measure.PSNRLuma(m, j.original, j.scale) }},
		{&found.Detail, func() (float64, error) { return measure.PSNRDetail(m, j.original) }},
		{&found.SSIM, func() (float64, error) { return measure.SSIM(m, j.original) }},
		{&found.GMSD, func() (float64, error) { return measure.GMSD(m, j.original) }},
		{&found.TopOctave, func() (float64, error) { return measure.TopOctave(m) }},
		{&found.Seam, func() (float64, error) { return measure.Seam(m, j.seam.Patch, j.seam.Pitch) }},
	} {
		v, err := f.of()
		if err != nil {
			return nil, err
		}
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return nil, errors.New("evaluate: found a picture that shrinking and enlarging do not change, expected a photograph with detail")
		}
		*f.to = v
	}
	found.PSNR += measure.LimitedRange
	found.Detail += measure.LimitedRange
	found.TopOctave /= j.top
	return found, nil
}

// errors are the mean squared errors of luma in the tiles.
func (j *judge) errors(m *raster.Image) ([]float64, error) {
	return measure.TileErrors(m, j.original, j.tiles)
}

// blockTiles are the tiles along a side of a block: neighbours share objects, and so errors.
const blockTiles = 4

// blocks are the numbers of the tiles of each block.
func (j *judge) blocks() [][]int {
	side := blockTiles * measure.TileSide
	across := (j.original.Width + side - 1) / side
	blocks := make([][]int, across*((j.original.Height+side-1)/side))
	for i, t := range j.tiles {
		b := t.Y/side*across + t.X/side
		blocks[b] = append(blocks[b], i)
	}
	return slices.DeleteFunc(blocks, func(b []int) bool { return len(b) == 0 })
}

// resamples make the ends of an interval certain to a fiftieth of its length or so.
const resamples = 2000

// gainStream is the stream of random numbers of tileGain.
const gainStream = 1 << 60

// tileGain is the PSNR of a over that of b, from mean squared errors of tiles, with the ends of the 95 % percentile interval of a block
// bootstrap: blocks are drawn with replacement (Efron 1979; Künsch 1989 for blocks).
func tileGain(a, b []float64, blocks [][]int, seed uint64) bootstrap.Interval {
	sums := make([][2]float64, len(blocks))
	var all [2]float64
	for i, block := range blocks {
		for _, t := range block {
			sums[i][0] += a[t]
			sums[i][1] += b[t]
		}
		all[0] += sums[i][0]
		all[1] += sums[i][1]
	}
	r := data.NewRandom(seed, gainStream)
	drawn := make([]float64, resamples)
	for i := range drawn {
		var s [2]float64
		for range blocks {
			k := r.IntN(len(blocks))
			s[0] += sums[k][0]
			s[1] += sums[k][1]
		}
		drawn[i] = decibels(s)
	}
	slices.Sort(drawn)
	tail := resamples / 40
	return bootstrap.Interval{Mean: decibels(all), Low: drawn[tail], High: drawn[resamples-1-tail]}
}

// tiny is an error that no picture of 8 bits has but 0: no ratio is infinite.
const tiny = 1e-15

// decibels is the gain of an error over another.
func decibels(errors [2]float64) float64 { return 10 * math.Log10((errors[1]+tiny)/(errors[0]+tiny)) }
