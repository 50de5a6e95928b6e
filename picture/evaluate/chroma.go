package evaluate

import (
	"math"
	"slices"

	"github.com/longspan/longspan/bootstrap"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/picture/raster"
)

// Agreement tells how well the sides of pictures agree: the correlation, over pictures, of the mean chroma of the left third with that of
// the right third, averaged over Cb and Cr. Photographs have one light and often one scene from side to side.
type Agreement struct {
	Of       string `json:"of"`
	Pictures int    `json:"pictures"`
	// Correlation is −1 … 1. The interval is that of a bootstrap: over pictures, and for crops over the photographs that they are of.
	Correlation bootstrap.Interval `json:"correlation"`
}

// chroma is the mean Cb and Cr of the left and of the right third of a picture, in the full range of ITU-R BT.601.
type chroma struct{ left, right [2]float64 }

func chromaOf(m *raster.Image) (c chroma) {
	third := max(1, m.Width/3)
	return chroma{meanChroma(m, 0, third), meanChroma(m, m.Width-third, m.Width)}
}

// meanChroma is the mean Cb and Cr of the columns from x on to the one before end.
func meanChroma(m *raster.Image, x, end int) (mean [2]float64) {
	luma := m.Luma()
	for y := range m.Height {
		for i := x; i < end; i++ {
			l := float64(luma.Row(y)[i])
			mean[0] += (float64(m.Row(y)[i*m.Channels+2]) - l) / 1.772
			mean[1] += (float64(m.Row(y)[i*m.Channels]) - l) / 1.402
		}
	}
	n := float64((end - x) * m.Height)
	return [2]float64{mean[0] / n, mean[1] / n}
}

// agreementStream is the stream of random numbers of agreement.
const agreementStream = 1<<60 + 1

// agreement computes an Agreement from the pictures of each group, which are drawn together.
func agreement(of string, groups [][]chroma, seed uint64) Agreement {
	a := Agreement{Of: of}
	var all []chroma
	for _, g := range groups {
		all = append(all, g...)
	}
	a.Pictures = len(all)
	r := data.NewRandom(seed, agreementStream)
	drawn := make([]float64, resamples)
	for i := range drawn {
		all := all[:0:0]
		for range groups {
			all = append(all, groups[r.IntN(len(groups))]...)
		}
		drawn[i] = correlations(all)
	}
	slices.Sort(drawn)
	tail := resamples / 40
	a.Correlation = bootstrap.Interval{Mean: correlations(all), Low: drawn[tail], High: drawn[resamples-1-tail]}
	return a
}

// correlations is the mean of those of Cb and Cr.
func correlations(all []chroma) float64 {
	sum := 0.0
	for k := range 2 {
		sum += correlation(all, k) / 2
	}
	return sum
}

// correlation is Pearson's of number k; 0 where one side is the same everywhere.
func correlation(all []chroma, k int) float64 {
	var left, right, ll, rr, lr float64
	for _, c := range all {
		left += c.left[k] / float64(len(all))
		right += c.right[k] / float64(len(all))
	}
	for _, c := range all {
		x, y := c.left[k]-left, c.right[k]-right
		ll, rr, lr = ll+x*x, rr+y*y, lr+x*y
	}
	if !(ll > 0 && rr > 0) {
		return 0
	}
	return lr / math.Sqrt(ll*rr)
}
