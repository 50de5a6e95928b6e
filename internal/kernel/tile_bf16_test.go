package kernel_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/kerneltest"
)

// bf16Proofs are tileProofs of the kernels that multiply bf16 numbers.
var bf16Proofs = []struct {
	name  string
	prove func(g *rig, r *rand.Rand, z tileSize)
}{
	{"pair", provePair}, {"zip", proveZip}, {"mul", proveMulBF16}, {"mulAdd", proveMulAddBF16}, {"mulIn", proveMulInBF16},
	{"softmax", proveSoftmaxBF16},
}

func TestTileBF16(t *testing.T) {
	kerneltest.Levels(t, func(t *testing.T) {
		for _, p := range bf16Proofs {
			t.Run(p.name, func(t *testing.T) {
				g, r := &rig{TB: t}, kerneltest.Rand(2)
				for _, z := range tileSizes() {
					if p.prove(g, r, z); t.Failed() {
						t.Fatalf("%+v", z)
					}
				}
			})
		}
	})
}

func widen(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// provePair wants nearest even, ties included; a number below the normal ones may become 0.
func provePair(g *rig, r *rand.Rand, z tileSize) {
	src := nasty(r, kerneltest.Normal(r, z.d*lanes))
	for i := 0; i < len(src); i += 7 {
		src[i] = math.Float32frombits(math.Float32bits(src[i])&^0xFFFF | 0x8000) // half way between two
	}
	operands{in: [][]float32{src}, out16: [][]uint16{make([]uint16, len(src))}}.compute(g, func(o operands) {
		kernel.TilePair(z.d, o.in[0], o.out16[0])
	}, func(got, plain operands) {
		for i, b := range got.out16[0] {
			p, x := i/2/lanes*2+i%2, i/2%lanes
			from, want := src[p*lanes+x], plain.out16[0][i]
			if b != want && !(from != from && widen(b) != widen(b)) && !(math.Abs(float64(from)) < 0x1p-126 && b&0x7FFF == 0) {
				g.Fatalf("pair[%d] is %#04x, want %#04x: row %d, lane %d, from %v", i, b, want, p, x, from)
			}
			if d := math.Abs(float64(widen(b)) - float64(from)); d > 0x1p-8*math.Abs(float64(from))+0x1p-126 && math.Abs(float64(from)) < 3e38 {
				g.Fatalf("%v became %v", from, widen(b))
			}
		}
	})
}

func proveZip(g *rig, r *rand.Rand, z tileSize) {
	even, _ := rounded(r, z.d)
	odd, _ := rounded(r, z.d)
	operands{in16: [][]uint16{even, odd}, out16: [][]uint16{make([]uint16, 2*z.d)}}.compute(g, func(o operands) {
		kernel.TileZip(z.d, o.in16[0], o.in16[1], o.out16[0])
	}, func(got, _ operands) {
		for i, b := range got.out16[0] {
			if want := [][]uint16{even, odd}[i%2][i/2]; b != want {
				g.Fatalf("zip[%d] is %#04x, want %#04x", i, b, want)
			}
		}
	})
}

// pairAt is the index of element (p, x) where rows p of n elements lie in pairs.
func pairAt(p, x, n int) int { return (p/2*n+x)*2 + p%2 }

func proveMulBF16(g *rig, r *rand.Rand, z tileSize) {
	rows, k, lda := z.keys, z.d, z.d+2*z.pad
	a, wideA := rounded(r, (rows-1)*lda+k)
	b, wideB := rounded(r, k*lanes)
	want := make([]float64, rows*lanes)
	for i := range want {
		for p := range k {
			want[i] += wideA[i/lanes*lda+p] * wideB[pairAt(p, i%lanes, lanes)]
		}
	}
	operands{in16: [][]uint16{a, b}, out: [][]float32{nans(rows * lanes)}}.within(g, func(o operands) {
		kernel.TileMulBF16(rows, k, o.in16[0], lda, o.in16[1], o.out[0])
	}, 0x1p-24, want)
}

// proveMulAddBF16 takes the queries of a tile as what is summed over, as the gradients of keys and values do.
func proveMulAddBF16(g *rig, r *rand.Rand, z tileSize) {
	rows, k, lda, ldb, ldc := z.keys, lanes, lanes+2*z.pad, lanes+z.pad, lanes+3*z.pad
	a, wideA := rounded(r, (rows-1)*lda+k)
	b, wideB := rounded(r, (k/2-1)*2*ldb+2*lanes)
	c := strided(r, rows, lanes, ldc)
	want := kerneltest.Float64(c)
	for i := range rows * lanes {
		for p := range k {
			want[i/lanes*ldc+i%lanes] += wideA[i/lanes*lda+p] * wideB[pairAt(p, i%lanes, ldb)]
		}
	}
	operands{in16: [][]uint16{a, b}, out: [][]float32{c}}.within(g, func(o operands) {
		kernel.TileMulAddBF16(rows, k, o.in16[0], lda, o.in16[1], ldb, o.out[0], ldc)
	}, 0x1p-24, want)
}

func proveMulInBF16(g *rig, r *rand.Rand, z tileSize) {
	rows, k, lda := z.d, z.keys, z.keys+2*z.pad
	a, wideA := rounded(r, (rows-1)*lda+k)
	b, wideB := rounded(r, k*lanes)
	alpha, c := kerneltest.Normal(r, lanes), kerneltest.Normal(r, rows*lanes)
	want := kerneltest.Float64(c)
	for i := range want {
		want[i] *= float64(alpha[i%lanes])
		for p := range k {
			want[i] += wideA[i/lanes*lda+p] * wideB[pairAt(p, i%lanes, lanes)]
		}
	}
	operands{in16: [][]uint16{a, b}, in: [][]float32{alpha}, out: [][]float32{c}}.within(g, func(o operands) {
		kernel.TileMulInBF16(rows, k, o.in16[0], lda, o.in16[1], o.in[0], o.out[0])
	}, 0x1p-24, want)
}

// proveSoftmaxBF16 wants the float32 state of TileSoftmax, and probabilities within a rounding: 1.1 times the error of plain Go, which
// rounds too.
func proveSoftmaxBF16(g *rig, r *rand.Rand, z tileSize) {
	for _, mask := range tileMasks(r, z.keys) {
		s, m, l := kerneltest.Uniform(r, z.keys*lanes, -20, 5), make([]float32, lanes), make([]float32, lanes)
		for x := range lanes {
			m[x] = kernel.NoScore
			if x%2 == 1 {
				m[x], l[x] = float32(x)/4, float32(x)
			}
		}
		s[3] = float32(math.Inf(-1))
		want := wantSoftmax(s, mask, m, l)
		o := operands{mask: mask, out: [][]float32{m, l, nans(lanes), s}, out16: [][]uint16{make([]uint16, z.keys*lanes)}}
		o.compute(g, func(o operands) {
			kernel.TileSoftmaxBF16(z.keys, o.out[3], o.mask, o.out[0], o.out[1], o.out[2], o.out16[0])
		}, func(got, plain operands) {
			plain.out[1] = sumInOrder(l, plain.out[2], plain.out[3])
			for i := range 3 {
				kerneltest.Within(g, got.out[i], plain.out[i], want[1+i], 10, 0x1p-24)
			}
			probabilities := func(o operands) []float32 {
				p := make([]float32, z.keys*lanes)
				for i := range p {
					p[i] = widen(o.out16[0][pairAt(i/lanes, i%lanes, lanes)])
				}
				return p
			}
			kerneltest.Within(g, probabilities(got), probabilities(plain), want[0], 1.1, 0x1p-24)
		})
	}
}
