package measure

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/gemm"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/tensor"
)

// SWDOptions are the settings of SlicedWasserstein. Zero is the default.
type SWDOptions struct {
	Patches     int    // drawn from each set, for each level: 16,384; at most 4,194,304. The paper draws 2,097,152
	Projections int    // directions: 512; at most 65,536
	Levels      int    // of the pyramids: 4; at most 16
	Seed        uint64 // of places and directions
}

// SWD is a sliced Wasserstein distance. The paper prints a thousand times these numbers.
type SWD struct {
	Levels []float64 `json:"levels"` // finest first
	Mean   float64   `json:"mean"`   // of the levels
}

// SlicedWasserstein compares the patches of 7 × 7 pixels of two sets of pictures, on each level of their Laplacian pyramids: the mean over
// random directions of the Wasserstein distance between the projected patches (Karras et al. 2018, arXiv:1710.10196, section 5). Each set
// is standardised by channel and level.
//
// The number of patches bounds how small the distance of two draws from one source is: compare distances of the same options, beside that
// of two sets of photographs. Both sets use the same draws of places and directions. So a set has the distance 0 to itself, and pictures in
// the same order as their originals are compared at the same places.
//
// It returns an error for an empty set, pictures with other channels than the first, pictures whose coarsest level has a side below 7, and
// options out of range. Cost: one pyramid of each picture, held one at a time. For each level and set, and C channels,
// 49·C·Patches·Projections multiply-adds, and Projections sortings of Patches numbers. The patches of both sets are held: 196·C bytes each,
// for each level.
func SlicedWasserstein(a, b []*raster.Image, o SWDOptions) (*SWD, error) {
	return SlicedWassersteinOf(setOf(a), setOf(b), o)
}

// Set is pictures that are read or made one at a time, where all together would not fit the memory.
type Set struct {
	Len int
	At  func(i int) (*raster.Image, error) // picture i, 0 … Len−1: asked for once, in order
}

func setOf(all []*raster.Image) Set {
	return Set{len(all), func(i int) (*raster.Image, error) { return all[i], nil }}
}

// SlicedWassersteinOf is SlicedWasserstein of pictures that are not in memory. It returns the errors of At too.
func SlicedWassersteinOf(a, b Set, o SWDOptions) (*SWD, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if a.Len < 1 || b.Len < 1 {
		return nil, fmt.Errorf("measure: found a set without pictures, expected at least one")
	}
	pa, err := drawPatches(a, 0, o)
	if err != nil {
		return nil, err
	}
	pb, err := drawPatches(b, pa[0].Cols/(patchSide*patchSide), o)
	if err != nil {
		return nil, err
	}
	d := &SWD{Levels: make([]float64, o.Levels)}
	to := directions(o.Projections, pa[0].Cols, o.Seed)
	for l := range d.Levels {
		d.Levels[l] = sliced(pa[l], pb[l], to)
		d.Mean += d.Levels[l] / float64(o.Levels)
	}
	return d, nil
}

func (o SWDOptions) withDefaults() (SWDOptions, error) {
	for _, n := range []struct {
		name        string
		at          *int
		usual, most int
	}{
		{"patches", &o.Patches, 1 << 14, 1 << 22},
		{"projections", &o.Projections, 512, 1 << 16},
		{"levels", &o.Levels, 4, 16},
	} {
		if *n.at == 0 {
			*n.at = n.usual
		}
		if *n.at < 1 || *n.at > n.most {
			return o, fmt.Errorf("measure: found %d %s, expected 1 to %d, or 0 for %d", *n.at, n.name, n.most, n.usual)
		}
	}
	return o, nil
}

// directionStream is the stream of the directions. Those of places count from 0.
const directionStream = 1 << 63

// directions are unit vectors, evenly spread over all directions: normal numbers, scaled to length 1.
func directions(n, dims int, seed uint64) tensor.Mat {
	r := data.NewRandom(seed, directionStream)
	m := tensor.New(tensor.F32, n, dims)
	for i := range n {
		row, sum := m.Row(i), 0.0
		for j := range row {
			v := normal(r)
			row[j] = float32(v)
			sum += v * v
		}
		for j := range row {
			row[j] /= float32(math.Sqrt(sum))
		}
	}
	return m
}

// normal is nearly normal: the sum of twelve uniform numbers has the variance 1. Its bits are the same on every processor.
func normal(r *data.Random) float64 {
	sum := -6.0
	for range 12 {
		sum += r.Float64()
	}
	return sum
}

// atOnce is the number of directions that are projected on at once: their projections take 4 bytes a patch and direction.
const atOnce = 64

// sliced is the mean distance of two sets of the same number of patches, over directions.
func sliced(a, b, directions tensor.Mat) float64 {
	sum := 0.0
	for at := 0; at < directions.Rows; at += atOnce {
		some := directions.SliceRows(at, min(at+atOnce, directions.Rows))
		pa, pb := projected(a, some), projected(b, some)
		sum += sumRows(0, some.Rows, func(_, i int) float64 { return distance(pa.Row(i), pb.Row(i)) })
	}
	return sum / float64(directions.Rows)
}

// projected are the patches on each direction, in ascending order: [directions, patches].
func projected(patches, directions tensor.Mat) tensor.Mat {
	m := tensor.New(tensor.F32, directions.Rows, patches.Rows)
	gemm.Mul(tensor.Exec{}, m, gemm.N(directions), gemm.T(patches), false)
	sorters := make([]sorter, pool.Threads(0))
	pool.Run(len(sorters), m.Rows, func(worker, i int) { sorters[worker].sort(m.Row(i)) })
	return m
}

// distance is the Wasserstein distance of two sorted samples of one size: the mean |difference| of the values of one rank.
func distance(a, b []float32) float64 {
	sum := 0.0
	for i, v := range a {
		sum += math.Abs(float64(v) - float64(b[i]))
	}
	return sum / float64(len(a))
}
