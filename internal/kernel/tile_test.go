package kernel_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/longspan/longspan/internal/cpu"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/kerneltest"
)

const lanes = kernel.Lanes

// tileSize is the shape of one call: keys and d are multiples of 8, rows ≤ Lanes, and pad is what strides are longer by.
type tileSize struct{ keys, d, rows, pad int }

// tileSizes are every number of keys and every head dimension, with strides whole and padded.
func tileSizes() (z []tileSize) {
	for keys := 8; keys <= kernel.KeyBlock; keys += 8 {
		z = append(z, tileSize{keys, 24, lanes, keys % 3})
	}
	for d := 8; d <= 256; d += 8 {
		z = append(z, tileSize{40, d, lanes - 1, d / 8 % 4})
	}
	return append(z, tileSize{kernel.KeyBlock, 128, lanes, 0}, tileSize{kernel.KeyBlock + lanes, 64, lanes, 0})
}

// tileProofs prove one kernel each, at the level in use, for one size.
var tileProofs = []struct {
	name  string
	prove func(g *rig, r *rand.Rand, z tileSize)
}{
	{"mul", func(g *rig, r *rand.Rand, z tileSize) { proveMul(g, r, z, z.d, false) }},
	{"mulShort", func(g *rig, r *rand.Rand, z tileSize) { proveMul(g, r, z, 2+2*(z.d/8%4), false) }},
	{"mulAdd", func(g *rig, r *rand.Rand, z tileSize) { proveMul(g, r, z, lanes, true) }},
	{"mulT", proveMulT},
	{"softmax", proveSoftmax},
	{"softmaxExtremes", proveSoftmaxExtremes},
	{"probs", proveProbs},
	{"dscores", proveDScores},
	{"load", func(g *rig, r *rand.Rand, z tileSize) { everyRows(g, r, z, proveLoad) }},
	{"store", func(g *rig, r *rand.Rand, z tileSize) { everyRows(g, r, z, proveStore) }},
	{"shift", proveShift},
	{"softcap", proveSoftcap},
	{"skew", proveSkew},
	{"unskew", proveUnskew},
}

func TestTile(t *testing.T) {
	kerneltest.Levels(t, func(t *testing.T) {
		for _, p := range tileProofs {
			t.Run(p.name, func(t *testing.T) {
				g, r := &rig{TB: t}, kerneltest.Rand(1)
				for _, z := range tileSizes() {
					if p.prove(g, r, z); t.Failed() {
						t.Fatalf("%+v", z)
					}
				}
			})
		}
	})
}

// FuzzTile draws sizes and values, and proves every kernel at the highest level. LONGSPAN_CPU picks another.
func FuzzTile(f *testing.F) {
	f.Add(uint64(1), uint8(15), uint8(7), uint8(32), uint8(3))
	f.Fuzz(func(t *testing.T, seed uint64, keys, d, rows, pad uint8) {
		z := tileSize{8 + 8*int(keys%16), 8 + 8*int(d%32), int(rows) % (lanes + 1), int(pad % 70)}
		g := &rig{TB: t}
		for _, p := range tileProofs {
			p.prove(g, kerneltest.Rand(seed), z)
		}
		for _, p := range bf16Proofs {
			p.prove(g, kerneltest.Rand(seed), z)
		}
	})
}

// proveMul holds c (+)= a·b against the sum of k products in float64.
func proveMul(g *rig, r *rand.Rand, z tileSize, k int, add bool) {
	rows, lda, ldb, ldc := z.keys, k+z.pad, lanes+z.pad, lanes+2*z.pad
	a, b, c := strided(r, rows, k, lda), strided(r, k, lanes, ldb), nans((rows-1)*ldc+lanes)
	run := kernel.TileMul
	if add {
		c, run = strided(r, rows, lanes, ldc), kernel.TileMulAdd
	}
	want := kerneltest.Float64(c)
	for i := range rows {
		for x := range lanes {
			sum := 0.0
			if add {
				sum = want[i*ldc+x]
			}
			for p := range k {
				sum += float64(a[i*lda+p]) * float64(b[p*ldb+x])
			}
			want[i*ldc+x] = sum
		}
	}
	operands{in: [][]float32{a, b}, out: [][]float32{c}}.within(g, func(o operands) {
		run(rows, k, o.in[0], lda, o.in[1], ldb, o.out[0], ldc)
	}, 0x1p-24, want)
}

func proveMulT(g *rig, r *rand.Rand, z tileSize) {
	rows, k, lda := z.d, z.keys, z.d+z.pad
	a, b, alpha, c := strided(r, k, rows, lda), kerneltest.Normal(r, k*lanes), kerneltest.Normal(r, lanes), kerneltest.Normal(r, rows*lanes)
	want := kerneltest.Float64(c)
	for i := range want {
		want[i] *= float64(alpha[i%lanes])
		for p := range k {
			want[i] += float64(a[p*lda+i/lanes]) * float64(b[p*lanes+i%lanes])
		}
	}
	operands{in: [][]float32{a, b, alpha}, out: [][]float32{c}}.within(g, func(o operands) {
		kernel.TileMulT(rows, k, o.in[0], lda, o.in[1], o.in[2], o.out[0])
	}, 0x1p-24, want)
}

// tileMasks are the ways to hide keys: none, some (query 0 sees nothing at all), all, and a mask that hides none.
func tileMasks(r *rand.Rand, keys int) [][]uint32 {
	some, all, whole := make([]uint32, keys), make([]uint32, keys), make([]uint32, keys)
	for j := range some {
		some[j], whole[j] = r.Uint32()&^1, math.MaxUint32
	}
	return [][]uint32{nil, some, all, whole}
}

func seen(mask []uint32, j, x int) bool { return mask == nil || mask[j]>>x&1 == 1 }

// wantSoftmax is the definition of TileSoftmax in float64: probabilities, maxima, sums and alpha.
func wantSoftmax(s []float32, mask []uint32, m, l []float32) [4][]float64 {
	w := [4][]float64{make([]float64, len(s)), make([]float64, lanes), make([]float64, lanes), make([]float64, lanes)}
	for x := range lanes {
		high, sum := float64(m[x]), 0.0
		for i := x; i < len(s); i += lanes {
			if seen(mask, i/lanes, x) {
				high = max(high, float64(s[i]))
			}
		}
		for i := x; i < len(s); i += lanes {
			if seen(mask, i/lanes, x) {
				w[0][i] = math.Exp2(float64(s[i]) - high)
				sum += w[0][i]
			}
		}
		alpha := math.Exp2(float64(m[x]) - high)
		w[1][x], w[2][x], w[3][x] = high, alpha*float64(l[x])+sum, alpha
	}
	return w
}

// proveSoftmax begins odd lanes in the middle of a row and even ones at its start.
func proveSoftmax(g *rig, r *rand.Rand, z tileSize) {
	for _, mask := range tileMasks(r, z.keys) {
		s, m, l := kerneltest.Uniform(r, z.keys*lanes, -30, 10), make([]float32, lanes), make([]float32, lanes)
		for x := range lanes {
			m[x] = kernel.NoScore
			if x%2 == 1 {
				m[x], l[x] = float32(x)/2, float32(x)
			}
		}
		want := wantSoftmax(s, mask, m, l)
		operands{mask: mask, out: [][]float32{s, m, l, nans(lanes)}}.compute(g, func(o operands) {
			kernel.TileSoftmax(z.keys, o.out[0], o.mask, o.out[1], o.out[2], o.out[3])
		}, func(got, plain operands) {
			plain.out[2] = sumInOrder(l, plain.out[3], plain.out[0])
			for i := range want {
				kerneltest.Within(g, got.out[i], plain.out[i], want[i], 10, 0x1p-24)
			}
		})
	}
}

// sumInOrder is the running sum of a softmax in float32, a probability at a time: plain Go adds them up among themselves first, which
// makes smaller roundings than the rule should count on.
func sumInOrder(l, alpha, probabilities []float32) []float32 {
	sums := make([]float32, lanes)
	for x := range sums {
		sums[x] = l[x] * alpha[x]
	}
	for i, p := range probabilities {
		sums[i%lanes] += p
	}
	return sums
}

// proveSoftmaxExtremes holds what follows from scores that are infinite, huge, tiny or NaN. A lane with a NaN or +Inf that is seen sums to
// NaN; a hidden one does nothing; other lanes are as the definition says.
func proveSoftmaxExtremes(g *rig, r *rand.Rand, z tileSize) {
	inf, keys := float32(math.Inf(1)), z.keys
	for _, mask := range tileMasks(r, keys) {
		s, m, l := kerneltest.Normal(r, keys*lanes), slices.Repeat([]float32{kernel.NoScore}, lanes), make([]float32, lanes)
		s[3], s[5*lanes+7], s[9], s[10], s[2*lanes+12] = -inf, 3e38, -3e38, 1e-40, kernel.NoScore
		for j := range keys {
			s[j*lanes+11] = -inf // a lane that sees keys, all of them at −Inf
		}
		bad := []int{17, 2*lanes + 18, 4*lanes + 31}
		s[bad[0]], s[bad[1]], s[bad[2]] = float32(math.NaN()), inf, float32(math.NaN())
		want := wantSoftmax(s, mask, m, l)
		o := operands{mask: mask, out: [][]float32{s, m, l, nans(lanes)}}
		o.compute(g, func(o operands) { kernel.TileSoftmax(keys, o.out[0], o.mask, o.out[1], o.out[2], o.out[3]) }, func(got, _ operands) {
			for _, i := range bad {
				x := i % lanes
				if sum := got.out[2][x]; seen(mask, i/lanes, x) {
					if sum == sum {
						g.Fatalf("lane %d sees a score of %v and sums to %v", x, s[i], sum)
					}
					for k := range got.out {
						for e := x; e < len(got.out[k]); e += lanes {
							got.out[k][e], want[k][e] = 0, 0 // what else a NaN leaves behind is not promised
						}
					}
				}
			}
			for i := range got.out {
				// 10 roundings of numbers up to 1 and of sums up to 2^7: exact maxima.
				kerneltest.Near(g, got.out[i], want[i], []float64{0x1p-20, 0, 0x1p-14, 0x1p-20}[i])
			}
		})
	}
}

// proveProbs has one lane with an lse of +Inf, whose probabilities are 0 and nothing near it.
func proveProbs(g *rig, r *rand.Rand, z tileSize) {
	for _, mask := range tileMasks(r, z.keys) {
		s, lse := kerneltest.Uniform(r, z.keys*lanes, -150, 3), kerneltest.Uniform(r, lanes, 3, 8)
		s[3], lse[4] = float32(math.Inf(-1)), float32(math.Inf(1))
		want := make([]float64, len(s))
		for i := range want {
			if seen(mask, i/lanes, i%lanes) {
				want[i] = math.Exp2(float64(s[i]) - float64(lse[i%lanes]))
			}
		}
		o := operands{in: [][]float32{lse}, mask: mask, out: [][]float32{s}}
		run := func(o operands) { kernel.TileProbs(z.keys, o.out[0], o.mask, o.in[0]) }
		o.within(g, run, 0x1p-30, want)
		o.compute(g, run, func(got, _ operands) {
			for i, p := range got.out[0] {
				if p != 0 && (i%lanes == 4 || !seen(mask, i/lanes, i%lanes)) {
					g.Fatalf("probability %v of key %d for query %d, which is hidden", p, i/lanes, i%lanes)
				}
			}
		})
	}
}

func proveDScores(g *rig, r *rand.Rand, z tileSize) {
	dp, p, delta := nasty(r, kerneltest.Normal(r, z.keys*lanes)), kerneltest.Uniform(r, z.keys*lanes, 0, 1), kerneltest.Normal(r, lanes)
	want := make([]float32, len(dp))
	for i := range want {
		difference := dp[i] - delta[i%lanes]
		want[i] = p[i] * difference
	}
	operands{in: [][]float32{p, delta}, out: [][]float32{dp}}.exact(g, func(o operands) {
		kernel.TileDScores(z.keys, o.out[0], o.in[0], o.in[1])
	}, want)
}

// everyRows proves the size, and for some also every number of rows.
func everyRows(g *rig, r *rand.Rand, z tileSize, prove func(*rig, *rand.Rand, tileSize)) {
	prove(g, r, z)
	for z.rows = 0; z.rows <= lanes && z.d == 16; z.rows++ {
		prove(g, r, z)
	}
}

func proveLoad(g *rig, r *rand.Rand, z tileSize) {
	const scale = 1.25
	ld := z.d + z.pad
	src, want := nasty(r, strided(r, max(1, z.rows), z.d, ld)), make([]float32, z.d*lanes)
	for i := range z.rows * z.d {
		x, p := i/z.d, i%z.d
		want[p*lanes+x] = src[x*ld+p] * scale
	}
	operands{in: [][]float32{src}, out: [][]float32{nans(z.d * lanes)}}.exact(g, func(o operands) {
		kernel.TileLoad(z.rows, z.d, o.in[0], ld, scale, o.out[0])
	}, want)
}

func proveStore(g *rig, r *rand.Rand, z tileSize) {
	ld := z.d + z.pad
	src, scale, dst := nasty(r, kerneltest.Normal(r, z.d*lanes)), kerneltest.Normal(r, lanes), nans(max(0, z.rows-1)*ld+z.d)
	want := slices.Clone(dst)
	for i := range z.rows * z.d {
		x, p := i/z.d, i%z.d
		want[x*ld+p] = src[p*lanes+x] * scale[x]
	}
	operands{in: [][]float32{src, scale}, out: [][]float32{dst}}.exact(g, func(o operands) {
		kernel.TileStore(z.rows, z.d, o.in[0], o.in[1], o.out[0], ld)
	}, want)
}

func proveShift(g *rig, r *rand.Rand, z tileSize) {
	s, table := nasty(r, kerneltest.Normal(r, z.keys*lanes)), nasty(r, kerneltest.Normal(r, z.keys-1+lanes))
	want := slices.Clone(s)
	for i := range want {
		want[i] += table[z.keys-1-i/lanes+i%lanes]
	}
	operands{in: [][]float32{table}, out: [][]float32{s}}.exact(g, func(o operands) { kernel.TileShift(z.keys, o.out[0], o.in[0]) }, want)
}

// proveSoftcap takes numbers of one size at a time. Plain Go computes tanh in float64, so it is no measure of float32. The polynomial of
// the kernels is made for 2^f; 2^f − 1 has up to 7.6e-7 of relative error from it (at f = 0.145), and seven roundings of 6e-8 follow.
// Where in·s is below the normal numbers, the error is some of the least number times out.
func proveSoftcap(g *rig, r *rand.Rand, z tileSize) {
	const in, out = 0.02, 50
	n := z.keys * lanes
	run := func(o operands) { kernel.TileSoftcap(z.keys, o.out[0], in, out) }
	for _, size := range []float32{1e-42, 1e-37, 1e-20, 1e-4, 1, 30, 100, 1e4, 1e37} {
		s := kerneltest.Normal(r, n)
		for i := range s {
			s[i] *= size
		}
		operands{out: [][]float32{s}}.compute(g, run, func(got, _ operands) {
			for i, y := range got.out[0] {
				want := out * math.Tanh(float64(float32(in))*float64(s[i]))
				if d := kerneltest.Distance(float64(y), want); !(d <= 1.2e-6*math.Abs(want)+0x1p-140) {
					g.Fatalf("softcap of %v is %v, want %v", s[i], y, want)
				}
			}
		})
	}
	ends := kerneltest.Normal(r, n)
	ends[0], ends[1], ends[2], ends[3] = float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 0
	operands{out: [][]float32{ends}}.compute(g, run, func(got, _ operands) {
		if y := got.out[0]; y[0] != out || y[1] != -out || y[2] == y[2] || y[3] != 0 {
			g.Fatalf("softcap of +Inf, −Inf, NaN and 0 is %v", y[:4])
		}
	})
}

func proveSkew(g *rig, r *rand.Rand, z tileSize) {
	s, c := nasty(r, kerneltest.Normal(r, z.keys*lanes)), nasty(r, kerneltest.Normal(r, (z.keys+lanes-1)*lanes))
	want := slices.Clone(s)
	for i := range want {
		j, x := i/lanes, i%lanes
		want[i] += c[(j+lanes-1-x)*lanes+x]
	}
	operands{in: [][]float32{c}, out: [][]float32{s}}.exact(g, func(o operands) { kernel.TileSkew(z.keys, o.out[0], o.in[0]) }, want)
}

func proveUnskew(g *rig, r *rand.Rand, z tileSize) {
	s, c := nasty(r, kerneltest.Normal(r, z.keys*lanes)), nasty(r, kerneltest.Normal(r, (z.keys+lanes-1)*lanes))
	want := slices.Clone(c)
	for i := range s {
		j, x := i/lanes, i%lanes
		want[(j+lanes-1-x)*lanes+x] += s[i]
	}
	operands{in: [][]float32{s}, out: [][]float32{c}}.exact(g, func(o operands) { kernel.TileUnskew(z.keys, o.in[0], o.out[0]) }, want)
}

// TestTileFetch asks for rows of up to four lines and a part of one, also of none, and finds them as they were.
func TestTileFetch(t *testing.T) {
	kerneltest.Levels(t, func(t *testing.T) {
		for n := range 210 {
			rows, d := n/70, n%70
			x, y := make([]float32, rows*d), make([]uint16, rows*d)
			kernel.TileFetch(rows, d, x, d)
			kernel.TileFetch(rows, d, y, d)
			if slices.Max(append(x, 0)) != 0 || slices.Max(append(y, 0)) != 0 {
				t.Fatalf("%d elements changed", n)
			}
		}
	})
}

func BenchmarkTileSkew(b *testing.B) {
	s, c := make([]float32, kernel.KeyBlock*lanes), make([]float32, (kernel.KeyBlock+lanes)*lanes)
	for _, level := range cpu.Levels() {
		for _, k := range []struct {
			name string
			run  func(int, []float32, []float32)
		}{{"skew", kernel.TileSkew}, {"unskew", kernel.TileUnskew}} {
			b.Run(fmt.Sprintf("%s/keys=128/level=%v", k.name, level), func(b *testing.B) {
				defer kernel.Use(level)()
				for b.Loop() {
					k.run(kernel.KeyBlock, s, c)
				}
			})
		}
	}
}
