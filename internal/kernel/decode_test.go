package kernel_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/kerneltest"
)

// decodeSize is the shape of one call; pad is what a row is longer by, in elements.
type decodeSize struct{ keys, heads, group, d, pad int }

func decodeSizes() (z []decodeSize) {
	for d := 8; d <= 256; d += 8 {
		z = append(z, decodeSize{3, 4, 2, d, d / 8 % 4})
	}
	for keys := 1; keys <= 17; keys++ {
		z = append(z, decodeSize{keys, 2, 1, 24, keys % 3})
	}
	for _, h := range [][2]int{{1, 1}, {3, 1}, {3, 3}, {8, 2}, {5, 5}, {6, 6}, {14, 7}, {8, 8}, {30, 3}, {lanes, 4}, {lanes, 1}, {lanes, lanes}} {
		z = append(z, decodeSize{5, h[0], h[1], 16, h[1]})
	}
	return append(z, decodeSize{kernel.KeyBlock, 8, 1, 64, 0})
}

// decodeRows are rows of keys or values in one type of element, as bytes, with what they are in float64. Between them lie bytes of ones,
// which are NaN in every type.
func decodeRows(r *rand.Rand, e kernel.Element, z decodeSize) (rows []byte, ld int, wide []float64) {
	size, width := []int{4, 2, 2}[e], z.heads/z.group*z.d
	ld = (width + z.pad) * size
	rows = make([]byte, (z.keys-1)*ld+width*size)
	for i := range rows {
		rows[i] = 0xFF
	}
	one, half := make([]float32, 1), make([]uint16, 1)
	for j := range z.keys {
		for i, x := range kerneltest.Normal(r, width) {
			at := rows[j*ld+i*size:]
			switch one[0] = x; e {
			case kernel.ElementF32:
				binary.NativeEndian.PutUint32(at, math.Float32bits(x))
			case kernel.ElementBF16:
				half[0] = uint16(math.Float32bits(x) >> 16)
				one[0] = widen(half[0])
				binary.NativeEndian.PutUint16(at, half[0])
			case kernel.ElementF16:
				kernel.F32ToF16(half, one)
				kernel.F16ToF32(one, half)
				binary.NativeEndian.PutUint16(at, half[0])
			}
			wide = append(wide, float64(one[0]))
		}
	}
	return rows, ld, wide
}

func proveDots(g *rig, r *rand.Rand, e kernel.Element, z decodeSize) {
	k, ld, wide := decodeRows(r, e, z)
	q, s := kerneltest.Normal(r, z.heads*z.d), (z.keys-1)*lanes+z.heads
	want, width := wideNaNs(s), z.heads/z.group*z.d
	for j := range z.keys {
		for h := range z.heads {
			sum := 0.0
			for p := range z.d {
				sum += float64(q[h*z.d+p]) * wide[j*width+h/z.group*z.d+p]
			}
			want[j*lanes+h] = sum
		}
	}
	operands{in: [][]float32{q}, bytes: [][]byte{k}, out: [][]float32{nans(s)}}.within(g, func(o operands) {
		kernel.DecodeDots(e, z.keys, z.heads, z.group, z.d, o.in[0], &o.bytes[0][0], ld, o.out[0])
	}, 0x1p-24*float64(z.d), want)
}

func proveSums(g *rig, r *rand.Rand, e kernel.Element, z decodeSize) {
	v, ld, wide := decodeRows(r, e, z)
	p, o := strided(r, z.keys, z.heads, lanes), kerneltest.Normal(r, z.heads*z.d)
	want, width := kerneltest.Float64(o), z.heads/z.group*z.d
	for i := range want {
		h := i / z.d
		for j := range z.keys {
			want[i] += float64(p[j*lanes+h]) * wide[j*width+h/z.group*z.d+i%z.d]
		}
	}
	operands{in: [][]float32{p}, bytes: [][]byte{v}, out: [][]float32{o}}.within(g, func(o operands) {
		kernel.DecodeSums(e, z.keys, z.heads, z.group, z.d, o.in[0], &o.bytes[0][0], ld, o.out[0])
	}, 0x1p-24, want)
}

var elements = []kernel.Element{kernel.ElementF32, kernel.ElementBF16, kernel.ElementF16}

func TestDecode(t *testing.T) {
	kerneltest.Levels(t, func(t *testing.T) {
		for _, e := range elements {
			t.Run(fmt.Sprintf("element=%d", e), func(t *testing.T) {
				g, r := &rig{TB: t}, kerneltest.Rand(3)
				for _, z := range decodeSizes() {
					proveDots(g, r, e, z)
					if proveSums(g, r, e, z); t.Failed() {
						t.Fatalf("%+v", z)
					}
				}
			})
		}
	})
}

// FuzzDecode draws sizes and values, and proves both kernels for every element at the highest level.
func FuzzDecode(f *testing.F) {
	f.Add(uint64(1), uint8(9), uint8(3), uint8(2), uint8(5), uint8(1))
	f.Fuzz(func(t *testing.T, seed uint64, keys, kvHeads, group, d, pad uint8) {
		z := decodeSize{keys: 1 + int(keys%kernel.KeyBlock), group: 1 + int(group%8), d: 8 + 8*int(d%32), pad: int(pad % 40)}
		z.heads = z.group * (1 + int(kvHeads)%(lanes/z.group))
		g := &rig{TB: t}
		for _, e := range elements {
			proveDots(g, kerneltest.Rand(seed), e, z)
			proveSums(g, kerneltest.Rand(seed), e, z)
		}
	})
}
