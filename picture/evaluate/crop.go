package evaluate

import (
	"math"

	"github.com/longspan/longspan/picture/measure"
	"github.com/longspan/longspan/picture/raster"
)

// Crop says where a crop that is shown is from.
type Crop struct {
	Photo  string // file name
	Number int    // of the photograph, from 0
	Track  string
	Scale  int
	X, Y   int // of the upper left pixel, in the original
}

// CropSide is the side of a crop, in pixels; less where the photograph is smaller.
const CropSide = 240

// window is the part of a picture that is shown.
type window struct{ x, y, width, height int }

// newWindow chooses the part of an original that has the most detail: the largest sum of steps of luma between neighbours. Parts begin at
// multiples of the tile.
func newWindow(original *raster.Image) window {
	best, most := window{0, 0, min(CropSide, original.Width), min(CropSide, original.Height)}, -1.0
	across, down := original.Width/measure.TileSide, original.Height/measure.TileSide
	steps := make([]float64, across*down)
	luma := original.Luma()
	for y := range down*measure.TileSide - 1 {
		row, below := luma.Row(y), luma.Row(y+1)
		for x := range across*measure.TileSide - 1 {
			d := math.Abs(float64(row[x+1]-row[x])) + math.Abs(float64(below[x]-row[x]))
			steps[y/measure.TileSide*across+x/measure.TileSide] += d
		}
	}
	const n = CropSide / measure.TileSide
	for y := range down - n + 1 {
		for x := range across - n + 1 {
			sum := 0.0
			for v := range n {
				for u := range n {
					sum += steps[(y+v)*across+x+u]
				}
			}
			if sum > most {
				best.x, best.y, most = x*measure.TileSide, y*measure.TileSide, sum
			}
		}
	}
	return best
}
