package filters

import (
	"errors"
	"fmt"
	"slices"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/picture/raster"
)

// Bank holds the filters of one factor.
type Bank struct {
	Scale   int // s: pixels of the large picture along each side of a pixel of the small one
	Bounds  []float32
	Weights []float32 // [Clusters][s²][49]
}

// Check returns an error for a bank of which the numbers do not fit its scale.
func (b *Bank) Check() error {
	switch {
	case b == nil:
		return errors.New("filters: no bank")
	case b.Scale < 2 || b.Scale > MaxScale:
		return fmt.Errorf("filters: a scale of %d, expected 2 to %d", b.Scale, MaxScale)
	case len(b.Bounds) != strengths+coherences-2:
		return fmt.Errorf("filters: %d bounds of clusters, expected %d", len(b.Bounds), strengths+coherences-2)
	case len(b.Weights) != Clusters*b.Scale*b.Scale*taps:
		return fmt.Errorf("filters: %d weights of scale %d, expected %d", len(b.Weights), b.Scale, Clusters*b.Scale*b.Scale*taps)
	case !slices.IsSorted(b.Bounds[:strengths-1]) || !slices.IsSorted(b.Bounds[strengths-1:]):
		return fmt.Errorf("filters: bounds of clusters %v, expected ascending strengths and coherences", b.Bounds)
	}
	for _, numbers := range [][]float32{b.Bounds, b.Weights} {
		for _, v := range numbers {
			if !(v > -largest && v < largest) {
				return fmt.Errorf("filters: the number %g in a bank of scale %d, expected -%g to %g; the file is damaged", v, b.Scale, largest, largest)
			}
		}
	}
	return nil
}

// largest bounds the numbers of a bank: those of fitted ones are below 10.
const largest = 1e3

// MaxScale is the largest scale of a bank.
const MaxScale = 8

func (b *Bank) bounds() *bounds {
	return &bounds{[strengths - 1]float32(b.Bounds), [coherences - 1]float32(b.Bounds[strengths-1:])}
}

// Enlarge returns a picture of s times the width and the height. All channels of a pixel have one cluster. Bits do not depend on threads; 0
// means all processors. Cost: 49·s² multiplications for each channel of a pixel of m.
func (b *Bank) Enlarge(m *raster.Image, threads int) (*raster.Image, error) {
	if err := b.Check(); err != nil {
		return nil, err
	}
	if err := m.Check(); err != nil {
		return nil, err
	}
	s := b.Scale
	out, err := raster.New(m.Width*s, m.Height*s, m.Channels)
	if err != nil {
		return nil, fmt.Errorf("filters: %d times %d×%d: %w", s, m.Width, m.Height, err)
	}
	t, limits := newTensors(m.Luma(), threads), b.bounds()
	pool.Run(threads, m.Height, func(_, y int) {
		near := newNeighbours(m, y)
		for x := range m.Width {
			filters := b.Weights[limits.cluster(t.at(y*m.Width+x))*s*s*taps:]
			for c := range m.Channels {
				centre, around := near.of(x, c)
				for i := range s * s {
					v := centre + kernel.Dot(filters[i*taps:(i+1)*taps], around)
					out.Pix[((y*s+i/s)*out.Width+x*s+i%s)*m.Channels+c] = v
				}
			}
		}
	})
	return out, nil
}

// neighbours reads the 7×7 neighbours of the pixels of one row. Outside of the picture its border goes on.
type neighbours struct {
	m      *raster.Image
	rows   [side][]float32
	around [taps]float32
}

func newNeighbours(m *raster.Image, y int) *neighbours {
	n := &neighbours{m: m}
	for i := range n.rows {
		n.rows[i] = m.Row(min(max(y+i-radius, 0), m.Height-1))
	}
	return n
}

// of returns channel c of the pixel at x, and what its neighbours differ from it by, which the next call replaces.
func (n *neighbours) of(x, c int) (centre float32, around []float32) {
	channels, last := n.m.Channels, n.m.Width-1
	centre = n.rows[radius][x*channels+c]
	for i, row := range n.rows {
		if x >= radius && x+radius <= last {
			at := (x-radius)*channels + c
			for j := range side {
				n.around[i*side+j] = row[at+j*channels] - centre
			}
			continue
		}
		for j := range side {
			n.around[i*side+j] = row[min(max(x+j-radius, 0), last)*channels+c] - centre
		}
	}
	return centre, n.around[:]
}
