package rankcheck

import (
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/longspan/longspan/parallel"
)

// hash is that of numbers, over the bytes of their bits.
func hash(floats []float32, doubles []float64) uint64 {
	h := fnv.New64a()
	word := func(bits uint64) {
		var b [8]byte
		for i := range b {
			b[i] = byte(bits >> (8 * i))
		}
		h.Write(b[:])
	}
	for _, v := range floats {
		word(uint64(math.Float32bits(v)))
	}
	for _, v := range doubles {
		word(math.Float64bits(v))
	}
	return h.Sum64()
}

// normals are numbers that depend on a seed and the rank. Their sum depends on its order.
func normals(seed uint64, rank, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, uint64(rank)))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// sumLengths are those of the vectors that sums adds: none, less than a unit of Sum, and more than eager messages of MPI carry.
var sumLengths = []int{0, 1, 15, 100, 4097, 100_000}

func sums(e parallel.Engine) (uint64, error) {
	var all []float32
	for i, n := range sumLengths {
		x := normals(uint64(i), e.Rank(), n)
		if err := parallel.Sum(e, nil, "sum", x); err != nil {
			return 0, err
		}
		all = append(all, x...)
	}
	few := []float64{math.Pi * float64(e.Rank()+1), 1 / float64(e.Rank()+3)}
	if err := parallel.SumFloat64(e, "sum of doubles", few); err != nil {
		return 0, err
	}
	return hash(all, few), nil
}

// pieceLength is the length of a piece between two ranks, from 0 to 2,999.
func pieceLength(from, to int) int {
	return (from*7919 + to*104_729) % 3 * (from*31 + to*17 + 1) % 3000
}

func gather(e parallel.Engine) (uint64, error) {
	parts := make([][]float32, e.Size())
	for r := range parts {
		parts[r] = make([]float32, pieceLength(r, r+1))
	}
	copy(parts[e.Rank()], normals(20, e.Rank(), len(parts[e.Rank()])))
	err := parallel.AllGather(e, "gather", parts)
	return joined(parts), err
}

func allToAll(e parallel.Engine) (uint64, error) {
	out, in := make([][]float32, e.Size()), make([][]float32, e.Size())
	for r := range out {
		out[r] = normals(uint64(100+r), e.Rank(), pieceLength(e.Rank(), r))
		in[r] = make([]float32, pieceLength(r, e.Rank()))
	}
	err := parallel.AllToAll(e, "all-to-all", out, in)
	return joined(in), err
}

func joined(parts [][]float32) uint64 {
	var all []float32
	for _, p := range parts {
		all = append(all, p...)
	}
	return hash(all, nil)
}
