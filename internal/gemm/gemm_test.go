package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

var types = []tensor.Type{tensor.F32, tensor.BF16, tensor.F16}

// random returns a rows × cols view of random elements, whose rows are gap elements further apart than they need be, at
// the end of accessible memory. What lies between the rows is NaN.
func random(t testing.TB, r *rand.Rand, typ tensor.Type, rows, cols, gap int) tensor.Mat {
	t.Helper()
	m := tensor.Mat{Type: typ, Rows: rows, Cols: cols, Stride: cols + gap}
	n := max(0, (rows-1)*m.Stride+cols)
	if rows == 0 || cols == 0 {
		n = 0
	}
	wide := make([]float32, n)
	kerneltest.NaN(wide)
	for i := range rows {
		copy(wide[min(n, i*m.Stride):], kerneltest.Normal(r, cols))
	}
	switch typ {
	case tensor.F32:
		m.F32 = kerneltest.TailOf(t, wide)
	case tensor.BF16:
		m.U16 = kerneltest.Tail[uint16](t, n)
		kernel.F32ToBF16(m.U16, wide)
	case tensor.F16:
		m.U16 = kerneltest.Tail[uint16](t, n)
		kernel.F32ToF16(m.U16, wide)
	}
	return m
}

// operand returns a factor of shape [rows, cols].
func operand(t testing.TB, r *rand.Rand, typ tensor.Type, rows, cols, gap int, trans bool) Operand {
	if trans {
		return T(random(t, r, typ, cols, rows, gap))
	}
	return N(random(t, r, typ, rows, cols, gap))
}

// at is an element of o, widened.
func (o Operand) at(i, j int) float32 {
	if o.Trans {
		i, j = j, i
	}
	var x [1]float32
	o.Mat.ReadPart(x[:], i, j)
	return x[0]
}

// rows is rows i0 … i1−1 of what o stands for, and cols its columns j0 … j1−1.
func (o Operand) rows(i0, i1 int) Operand {
	if o.Trans {
		return T(o.SliceCols(i0, i1))
	}
	return N(o.SliceRows(i0, i1))
}

func (o Operand) cols(j0, j1 int) Operand {
	if o.Trans {
		return T(o.SliceRows(j0, j1))
	}
	return N(o.SliceCols(j0, j1))
}

// naive is c + op(a)·op(b), with sums in float64 and, beside it, in float32 in one go.
func naive(c []float64, a, b Operand) (want []float64, reference []float32) {
	m, k := a.shape()
	_, n := b.shape()
	want, reference = make([]float64, m*n), make([]float32, m*n)
	for i := range m {
		for j := range n {
			s64, s32 := 0.0, float32(0)
			for p := range k {
				x, y := a.at(i, p), b.at(p, j)
				s64 += float64(x) * float64(y)
				s32 += x * y
			}
			want[i*n+j], reference[i*n+j] = s64+c[i*n+j], s32+float32(c[i*n+j])
		}
	}
	return want, reference
}

// flat is the elements of m as float32 without gaps.
func flat(m tensor.Mat) []float32 {
	out := make([]float32, m.Rows*m.Cols)
	for i := range m.Rows {
		if m.Cols > 0 {
			m.ReadPart(out[i*m.Cols:(i+1)*m.Cols], i, 0)
		}
	}
	return out
}

// unit is the rounding of a type, relative.
func unit(t tensor.Type) float64 {
	return map[tensor.Type]float64{tensor.F32: 0, tensor.BF16: 0x1p-8, tensor.F16: 0x1p-11}[t]
}

type shape struct{ m, n, k int }

// compare multiplies one shape, and compares it with float64.
func compare(t *testing.T, r *rand.Rand, s shape, ta, tb, tc tensor.Type, transA, transB, add bool, x tensor.Exec) {
	t.Helper()
	a := operand(t, r, ta, s.m, s.k, r.IntN(3), transA)
	b := operand(t, r, tb, s.k, s.n, r.IntN(3), transB)
	c := random(t, r, tc, s.m, s.n, r.IntN(3))
	old := make([]float64, s.m*s.n)
	if add {
		old = kerneltest.Float64(flat(c))
	} else {
		for i := range c.F32 {
			c.F32[i] = float32(math.NaN())
		}
		for i := range c.U16 {
			c.U16[i] = 0x7FFF // NaN in bf16 and in f16
		}
	}
	same := kerneltest.Unchanged(t, a.F32, b.F32)
	same16 := kerneltest.Unchanged(t, a.U16, b.U16)
	want, reference := naive(old, a, b)
	Mul(x, c, a, b, add)
	same()
	same16()
	got := flat(c)
	name := fmt.Sprintf("%+v %v·%v→%v transposed %v %v add %v", s, ta, tb, tc, transA, transB, add)
	largest := 0.0
	for _, w := range want {
		largest = max(largest, math.Abs(w))
	}
	// A product of pairs rounds the sum of two terms where the float32 reference rounds each.
	limit := 10*kerneltest.Measure(reference, want).Max + 1e-6 + unit(tc)*largest
	if e := kerneltest.Measure(got, want); !(e.Max <= limit) {
		t.Fatalf("%s: error above %.3g: %v", name, limit, e)
	}
	for i := 0; i < c.Rows-1 && c.Cols > 0; i++ {
		for j := c.Cols; j < c.Stride; j++ {
			if at := i*c.Stride + j; tc == tensor.F32 && c.F32[at] == c.F32[at] {
				t.Fatalf("%s: wrote between rows", name)
			}
		}
	}
}

func TestMul(t *testing.T) {
	sizes := []int{0, 1, 2, 3, 5, 7, 8, 11, 12, 13, 15, 16, 17, 24, 25, 31, 32, 33, 47, 64, 65, 97}
	kerneltest.Levels(t, func(t *testing.T) {
		r, pool := kerneltest.Rand(1), tensor.NewPool()
		for i := range 400 {
			s := shape{sizes[r.IntN(len(sizes))], sizes[r.IntN(len(sizes))], sizes[r.IntN(len(sizes))]}
			ta, tb, tc := types[r.IntN(3)], types[r.IntN(3)], types[r.IntN(3)]
			if i%2 == 0 {
				ta, tb = types[i/2%2], types[i/2%2]
			}
			x := tensor.Exec{Threads: 1 + i%3, Pool: pool}
			compare(t, r, s, ta, tb, tc, i&1 == 1, r.IntN(2) == 1, tc == tensor.F32 && r.IntN(2) == 1, x)
		}
		if pool.InUse() != 0 {
			t.Errorf("%d bytes did not come back", pool.InUse())
		}
	})
}

// TestMulBlocks crosses every border of blocking: rows and columns of a piece, chunks, blocks of K. It looks at some elements.
func TestMulBlocks(t *testing.T) {
	shapes := []shape{
		{300, 70, 1100}, {257, 1100, 30}, {97, 33, 2100}, {290, 1060, 1030}, {5, 600, 1500}, {600, 3, 520}, {257, 33, 5000},
		{300, 40, 2100}, {260, 200, 1100}, {270, 140, 900}, {300, 130, 700}, {260, 100, 1100}, {260, 40, 1101}, {270, 40, 1101},
	}
	kerneltest.Levels(t, func(t *testing.T) {
		r, pool := kerneltest.Rand(2), tensor.NewPool()
		for i, s := range shapes {
			typ, transA, transB := types[i%3], i/2%2 == 1, i%2 == 1
			a, b := operand(t, r, typ, s.m, s.k, 1, transA), operand(t, r, typ, s.k, s.n, 2, transB)
			c := tensor.New(types[i/2%3], s.m, s.n)
			kerneltest.NaN(c.F32)
			Mul(tensor.Exec{Threads: 2, Pool: pool}, c, a, b, false)
			sample(t, r, c, a, b)
		}
		if pool.InUse() != 0 {
			t.Errorf("%d bytes did not come back", pool.InUse())
		}
	})
}

// sample compares some elements of c with float64.
func sample(t *testing.T, r *rand.Rand, c tensor.Mat, a, b Operand) {
	t.Helper()
	m, k := a.shape()
	got := flat(c)
	for n := range 300 {
		i, j := r.IntN(m), r.IntN(c.Cols)
		switch n { // the corners
		case 0:
			i, j = m-1, c.Cols-1
		case 1:
			i, j = 0, c.Cols-1
		}
		want, size := 0.0, 0.0
		for p := range k {
			term := float64(a.at(i, p)) * float64(b.at(p, j))
			want, size = want+term, size+math.Abs(term)
		}
		// A partial sum of p random terms of mean size s is near √p·s, and adding to it rounds by up to 2⁻²⁴ of that: K such
		// errors come to a third of 2⁻²⁴·K·s as a rule. Twelve times the rule is beyond chance and far below a term.
		limit := 4*0x1p-24*size + unit(c.Type)*math.Abs(want) + 1e-6
		if d := math.Abs(float64(got[i*c.Cols+j]) - want); !(d <= limit) {
			t.Fatalf("%d×%d×%d %v·%v→%v, transposed %v %v: element (%d, %d) is %v, want %v", m, c.Cols, k, a.Type, b.Type, c.Type,
				a.Trans, b.Trans, i, j, got[i*c.Cols+j], want)
		}
	}
}

// TestLongSums holds that sums of many terms are better than one float32 sum in a row: blocks keep them short.
func TestLongSums(t *testing.T) {
	const k = 200000
	kerneltest.Levels(t, func(t *testing.T) {
		r := kerneltest.Rand(3)
		a, b := N(tensor.FromF32(kerneltest.Uniform(r, k, 0, 1), 1, k)), T(tensor.FromF32(kerneltest.Uniform(r, k, 0, 1), 1, k))
		want, reference := naive([]float64{0}, a, b)
		c := tensor.New(tensor.F32, 1, 1)
		Mul(tensor.Exec{}, c, a, b, false)
		got, plain := math.Abs(float64(c.F32[0])-want[0]), math.Abs(float64(reference[0])-want[0])
		if !(got <= plain && got/want[0] < 1e-6) {
			t.Errorf("relative error %.3g, a plain float32 sum's %.3g", got/want[0], plain/want[0])
		}
	})
}

// TestBits holds what the package promises: bits depend on a row of A, a column of B and K, and on nothing else.
func TestBits(t *testing.T) {
	const m, n, k = 300, 90, 1304 // a multiple of 8, so that few rows take their own way
	kerneltest.Levels(t, func(t *testing.T) {
		r, x := kerneltest.Rand(4), tensor.Exec{Threads: 1, Pool: tensor.NewPool()}
		for _, typ := range [][2]int{{0, 0}, {1, 1}, {0, 1}, {1, 2}} {
			for _, trans := range [][2]bool{{false, false}, {false, true}, {true, false}, {true, true}} {
				a, b := operand(t, r, types[typ[0]], m, k, 0, trans[0]), operand(t, r, types[typ[1]], k, n, 0, trans[1])
				want := tensor.New(tensor.F32, m, n)
				Mul(x, want, a, b, false)
				got := tensor.New(tensor.F32, m, n)
				for threads := 2; threads <= 5; threads += 3 {
					Mul(tensor.Exec{Threads: threads, Pool: x.Pool}, got, a, b, false)
					kerneltest.SameBits(t, got.F32, want.F32)
				}
				packed := Pack(x, b)
				kerneltest.NaN(got.F32)
				MulPacked(x, got, a, packed, false)
				kerneltest.SameBits(t, got.F32, want.F32)
				for _, part := range [][4]int{{0, 1, 0, n}, {7, 10, 3, 70}, {9, 13, 0, 40}, {17, 30, 0, 33}, {100, 140, 5, 6}, {0, m, 40, 90}} {
					i0, i1, j0, j1 := part[0], part[1], part[2], part[3]
					c := tensor.New(tensor.F32, i1-i0, j1-j0)
					Mul(x, c, a.rows(i0, i1), b.cols(j0, j1), false)
					for i := range c.Rows {
						kerneltest.SameBits(t, c.Row(i), want.Row(i0 + i)[j0:j1])
					}
					if j0 == 0 && j1 == n {
						MulPacked(x, c, a.rows(i0, i1), packed, false)
						kerneltest.SameBits(t, c.F32, want.SliceRows(i0, i1).F32)
					}
				}
				packed.Free(x)
			}
		}
		if x.Pool.InUse() != 0 {
			t.Errorf("%d bytes did not come back", x.Pool.InUse())
		}
	})
}

// TestPackedOfOtherTypes multiplies by what was packed for factors of its own type.
func TestPackedOfOtherTypes(t *testing.T) {
	kerneltest.Levels(t, func(t *testing.T) {
		r, x := kerneltest.Rand(5), tensor.Exec{Threads: 1, Pool: tensor.NewPool()}
		for _, ta := range types {
			for _, tb := range types {
				a, b := operand(t, r, ta, 14, 77, 1, false), operand(t, r, tb, 77, 35, 1, true)
				want, got := tensor.New(tensor.F32, 14, 35), tensor.New(tensor.F32, 14, 35)
				Mul(x, want, a, b, false)
				packed := Pack(x, b)
				MulPacked(x, got, a, packed, false)
				kerneltest.SameBits(t, got.F32, want.F32)
				MulPacked(x, got, a, packed, true)
				for i, v := range want.F32 {
					want.F32[i] = v + v
				}
				kerneltest.Near(t, got.F32, kerneltest.Float64(want.F32), 1e-4)
				packed.Free(x)
			}
		}
	})
}

// TestPackedAtAnotherLevel holds that weights packed before kernel.Use still multiply.
func TestPackedAtAnotherLevel(t *testing.T) {
	r, x := kerneltest.Rand(6), tensor.Exec{Threads: 1}
	a, b := operand(t, r, tensor.BF16, 5, 40, 0, false), operand(t, r, tensor.BF16, 40, 9, 0, false)
	packed := Pack(x, b)
	kerneltest.Levels(t, func(t *testing.T) {
		want, got := tensor.New(tensor.F32, 5, 9), tensor.New(tensor.F32, 5, 9)
		Mul(x, want, a, b, false)
		MulPacked(x, got, a, packed, false)
		kerneltest.SameBits(t, got.F32, want.F32)
	})
}

func TestNoAllocation(t *testing.T) {
	r, x := kerneltest.Rand(7), tensor.Exec{Threads: 1, Pool: tensor.NewPool()}
	kerneltest.Levels(t, func(t *testing.T) {
		for _, s := range []shape{{3, 50, 64}, {40, 50, 60}, {300, 50, 60}} {
			for i, ta := range types {
				a, b := operand(t, r, ta, s.m, s.k, 0, i%2 == 0), operand(t, r, types[(i+1)%3], s.k, s.n, 0, true)
				c := tensor.New(types[i], s.m, s.n)
				packed := Pack(x, b)
				if n := testing.AllocsPerRun(5, func() {
					Mul(x, c, a, b, false)
					MulPacked(x, c, a, packed, false)
				}); n != 0 {
					t.Errorf("%+v, %v: %v allocations", s, ta, n)
				}
				packed.Free(x)
			}
		}
	})
}

// TestDry holds that a product without data takes from the pool what one with data takes.
func TestDry(t *testing.T) {
	kerneltest.Levels(t, func(t *testing.T) {
		r := kerneltest.Rand(8)
		for _, s := range []shape{{1, 40, 50}, {3, 40, 64}, {16, 40, 64}, {40, 30, 600}, {300, 1100, 70}, {0, 3, 4}, {3, 4, 0}} {
			for i := range 12 {
				ta, tb, tc := types[i%3], types[i/2%3], types[i/4%3]
				transA, transB := i%2 == 1, i%3 == 1
				wet, dry := tensor.NewPool(), tensor.NewDryPool()
				a, b := operand(t, r, ta, s.m, s.k, 0, transA), operand(t, r, tb, s.k, s.n, 0, transB)
				c := tensor.New(tc, s.m, s.n)
				Mul(tensor.Exec{Threads: 2, Pool: wet}, c, a, b, false)
				for _, m := range []*tensor.Mat{&a.Mat, &b.Mat, &c} {
					m.F32, m.U16 = nil, nil
				}
				Mul(tensor.Exec{Threads: 2, Pool: dry}, c, a, b, false)
				if wet.Peak() != dry.Peak() || dry.InUse() != 0 || wet.InUse() != 0 {
					t.Errorf("%+v: peak %d dry, %d with data; %d and %d in use afterwards", s, dry.Peak(), wet.Peak(), dry.InUse(), wet.InUse())
				}
			}
		}
	})
}

func TestMulRefuses(t *testing.T) {
	m := func(typ tensor.Type, rows, cols int) tensor.Mat { return tensor.New(typ, rows, cols) }
	for name, f := range map[string]func(){
		"inner sizes":    func() { Mul(tensor.Exec{}, m(0, 2, 3), N(m(0, 2, 4)), N(m(0, 5, 3)), false) },
		"result's shape": func() { Mul(tensor.Exec{}, m(0, 3, 3), N(m(0, 2, 4)), N(m(0, 4, 3)), false) },
		"bias of 2 rows": func() { MulBias(tensor.Exec{}, m(0, 2, 3), N(m(0, 2, 4)), N(m(0, 4, 3)), m(0, 2, 3)) },
		"wider bias":     func() { MulBias(tensor.Exec{}, m(0, 2, 3), N(m(0, 2, 4)), N(m(0, 4, 3)), m(0, 1, 4)) },
		"bias in bf16":   func() { MulBias(tensor.Exec{}, m(0, 2, 3), N(m(0, 2, 4)), N(m(0, 4, 3)), m(tensor.BF16, 1, 3)) },
		"adding to bf16": func() { Mul(tensor.Exec{}, m(tensor.BF16, 2, 3), N(m(0, 2, 4)), N(m(0, 4, 3)), true) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: taken", name)
				}
			}()
			f()
		}()
	}
}

func FuzzMul(f *testing.F) {
	f.Add(uint64(1), uint16(13), uint16(33), uint16(515), uint8(0))
	f.Add(uint64(2), uint16(1), uint16(1), uint16(1), uint8(0xFF))
	f.Add(uint64(3), uint16(260), uint16(40), uint16(20), uint8(0x55))
	f.Fuzz(func(t *testing.T, seed uint64, m, n, k uint16, bits uint8) {
		s := shape{int(m % 300), int(n % 100), int(k % 700)}
		if s.m*s.n*s.k > 1<<21 {
			t.Skip()
		}
		r := kerneltest.Rand(seed)
		ta, tb := types[bits&3%3], types[bits>>2&3%3]
		x := tensor.Exec{Threads: 1 + int(bits>>6&1)}
		compare(t, r, s, ta, tb, tensor.F32, bits>>4&1 == 1, bits>>5&1 == 1, bits>>7 == 1, x)
	})
}
