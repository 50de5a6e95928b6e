package measure

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/picture/raster"
)

// Match is the part of a set of pictures that is nearest to a small one.
type Match struct {
	Picture  int     `json:"picture"`  // number in the set
	X        int     `json:"x"`        // of the upper left pixel of the part
	Y        int     `json:"y"`        // of the same
	Mirrored bool    `json:"mirrored"` // the small picture was mirrored, left for right
	Distance float64 `json:"distance"` // root of the mean squared difference over pixels and channels
}

// Nearest finds the part of a set that has the least distance to small, over all shifts by whole pixels, and small as it is and mirrored.
// A generated picture that repeats a training picture is far nearer to the training pictures than held-out photographs are.
//
// Of equally near parts one is given, always the same. Squared distances that differ by less than about 1e-12 of the mean square count as
// equal.
//
// It returns an error for an empty set, and for pictures of the set with other channels or a side below that of small. Cost: for each
// picture of N pixels and C channels 3·C + 2 Fourier transforms of N·log N operations, which find all shifts, and about 8·(C + 5)·N bytes a
// thread.
func Nearest(small *raster.Image, set []*raster.Image) (Match, error) {
	if err := checkOne(small, 1); err != nil {
		return Match{}, err
	}
	if len(set) == 0 {
		return Match{}, fmt.Errorf("measure: found no pictures to search, expected at least one")
	}
	for i, im := range set {
		if err := checkOne(im, 1); err != nil {
			return Match{}, fmt.Errorf("%w: picture %d of the set", err, i)
		}
		if im.Width < small.Width || im.Height < small.Height || im.Channels != small.Channels {
			return Match{}, fmt.Errorf("measure: found picture %d of %d×%d×%d, expected at least %d×%d and just %d channels, as the small one has",
				i, im.Width, im.Height, im.Channels, small.Width, small.Height, small.Channels)
		}
	}
	mirrored := mirroredOf(small)
	found := make([]Match, len(set))
	pool.Run(0, len(set), func(_, i int) { found[i] = nearestIn(set[i], small, mirrored, i) })
	best := found[0]
	for _, m := range found[1:] {
		if m.Distance < best.Distance {
			best = m
		}
	}
	return best, nil
}

// nearestIn is the nearest part of picture number i. A sum of squared differences is that of the squares in the part, plus that of small's,
// less twice the correlation.
func nearestIn(im, small, mirrored *raster.Image, i int) Match {
	best, least := Match{Picture: i}, math.Inf(1)
	squares := newSquares(im)
	search := newCorrelator(im)
	for _, flip := range []bool{false, true} {
		pattern := small
		if flip {
			pattern = mirrored
		}
		correlation := search.with(pattern)
		for y := range im.Height - small.Height + 1 {
			for x := range im.Width - small.Width + 1 {
				// small's own squares are the same everywhere.
				if s := squares.in(x, y, small.Width, small.Height) - 2*correlation[y*search.width+x]; s < least {
					least = s
					best.X, best.Y, best.Mirrored = x, y, flip
				}
			}
		}
	}
	if best.Mirrored {
		small = mirrored
	}
	best.Distance = partDistance(im, small, best.X, best.Y)
	return best
}

// partDistance is the distance of a part, from its differences. The correlation has rounding errors, which equal parts would show.
func partDistance(im, small *raster.Image, x, y int) float64 {
	sum := 0.0
	for i := range small.Height {
		row := small.Row(i)
		sum += squaredError(row, im.Row(y + i)[x*im.Channels:], len(row))
	}
	return math.Sqrt(sum / float64(len(small.Pix)))
}

func mirroredOf(im *raster.Image) *raster.Image {
	out := &raster.Image{Width: im.Width, Height: im.Height, Channels: im.Channels, Pix: make([]float32, len(im.Pix))}
	for y := range im.Height {
		from, to := im.Row(y), out.Row(y)
		for x := range im.Width {
			copy(to[(im.Width-1-x)*im.Channels:], from[x*im.Channels:(x+1)*im.Channels])
		}
	}
	return out
}

// squares are the sums of squares of all rectangles from the upper left corner (Crow 1984, doi:10.1145/800031.808600).
type squares struct {
	stride int
	sums   []float64 // [Height+1][Width+1]
}

func newSquares(im *raster.Image) *squares {
	s := &squares{im.Width + 1, make([]float64, (im.Width+1)*(im.Height+1))}
	for y := range im.Height {
		row, above, to := im.Row(y), s.sums[y*s.stride:], s.sums[(y+1)*s.stride:]
		sum := 0.0
		for x := range im.Width {
			for _, v := range row[x*im.Channels : (x+1)*im.Channels] {
				sum += square(float64(v))
			}
			to[x+1] = above[x+1] + sum
		}
	}
	return s
}

// in is the sum of the squares in a rectangle.
func (s *squares) in(x, y, width, height int) float64 {
	top, bottom := s.sums[y*s.stride:], s.sums[(y+height)*s.stride:]
	return bottom[x+width] - bottom[x] - top[x+width] + top[x]
}
