package bench

import (
	"bytes"
	"errors"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/longspan/longspan/internal/cpu"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/tensor"
)

func TestMain(m *testing.M) {
	shortest = time.Millisecond
	peakFlops = func(tensor.Type, int) float64 { return 200 }
	peakBandwidth = func(int) float64 { return 20 }
	m.Run()
}

// small is a valid measurement that takes little time.
func small() Attention {
	return Attention{Mechanism: "full", Tokens: 96, Heads: 2, HeadDim: 16, Pass: Forward, Threads: 2, Runs: 1}
}

func TestAttentionRows(t *testing.T) {
	const T, H, D = 96, 2, 16
	all := float64(T * T)
	causal := float64(T * (T + 1) / 2)
	for _, c := range []struct {
		name   string
		change func(a *Attention)
		flops  float64
		inputs int64 // numbers of Q, K, V and O
	}{
		{"full", func(a *Attention) {}, 4 * H * D * all, 4 * T * H * D},
		{"causal", func(a *Attention) { a.Causal = true }, 4 * H * D * causal, 4 * T * H * D},
		{"backward", func(a *Attention) { a.Pass = Backward }, 10 * H * D * all, 4 * T * H * D},
		{"pattern", func(a *Attention) { a.Mechanism = "segments(48)" }, 4 * H * D * all / 2, 4 * T * H * D},
		{"grouped", func(a *Attention) { a.KVHeads = 1 }, 4 * H * D * all, 3 * T * H * D},
		{"decode", func(a *Attention) { a.Pass, a.KVHeads = Decode, 1 }, 4 * H * D * T, 2 * (T + H) * D},
		{"window decode", func(a *Attention) { a.Mechanism, a.Pass = "window(9)", Decode }, 4 * H * D * 10, 2*T*H*D + 2*H*D},
		{"elu", func(a *Attention) { a.Mechanism = "elu" }, 4 * T * H * D * D, 4 * T * H * D},
		{"nystrom", func(a *Attention) { a.Mechanism = "nystrom" }, 2 * 4 * T * 64 * H * D, 4 * T * H * D},
		{"few landmarks", func(a *Attention) { a.Mechanism = "nystrom(landmarks=16)" }, 2 * 4 * T * 16 * H * D, 4 * T * H * D},
		{"skip", func(a *Attention) { a.Mechanism, a.Pass = "nystrom(landmarks=16, conv=5)", Forward }, 2*4*T*16*H*D + 2*T*H*D*5, 4 * T * H * D},
		{"few features", func(a *Attention) { a.Mechanism = "performer(features=24)" }, 8 * T * H * D * 24, 4 * T * H * D},
		{"performer decode", func(a *Attention) { a.Mechanism, a.Pass = "performer", Decode }, 8 * H * D * 256, 2*T*H*D + 2*H*D},
		{"performer backward", func(a *Attention) { a.Mechanism, a.Pass = "performer", Backward }, 12 * T * H * D * 256, 4 * T * H * D},
	} {
		for _, dtype := range []tensor.Type{tensor.F32, tensor.BF16, tensor.F16} {
			a := small()
			a.Type = dtype
			c.change(&a)
			if dtype != tensor.F32 && c.name != "full" && c.name != "performer backward" {
				continue // measuring the peaks beside each takes its time
			}
			row, err := a.Run(t.Context(), nil)
			if err != nil {
				t.Errorf("%s %s: %v", c.name, dtype, err)
				continue
			}
			if float64(row.Flops) != c.flops {
				t.Errorf("%s %s: %d flops, want %g", c.name, dtype, row.Flops, c.flops)
			}
			if want := c.inputs * int64(dtype.Size()); row.InputBytes != want || row.PeakBytes < want {
				t.Errorf("%s %s: %d bytes of inputs and a peak of %d, want %d and no less", c.name, dtype, row.InputBytes, row.PeakBytes, want)
			}
			if (row.GBs > 0) != (a.Pass == Decode) || math.IsNaN(row.BandwidthShare) {
				t.Errorf("%s %s: %g GB/s", c.name, dtype, row.GBs)
			}
			if row.Seconds <= 0 || row.Runs != 1 || row.DType != dtype.String() || row.Threads != 2 ||
				math.Abs(row.Efficiency*row.PeakGFlops-row.GFlops) > 1e-9*row.GFlops {
				t.Errorf("%s %s: %+v", c.name, dtype, row)
			}
		}
	}
}

func TestAttentionRefuses(t *testing.T) {
	for _, c := range []struct {
		change func(a *Attention)
		says   string
	}{
		{func(a *Attention) { a.Mechanism = "fulll" }, "expected one of full, window"},
		{func(a *Attention) { a.Mechanism = "" }, "expected one of full, window"},
		{func(a *Attention) { a.Mechanism = "windw(3)" }, "column 1"},
		{func(a *Attention) { a.Tokens = 0 }, "found 0 tokens"},
		{func(a *Attention) { a.Tokens = math.MaxInt }, "tokens, expected 1 to"},
		{func(a *Attention) { a.Heads = -1 }, "found -1 heads"},
		{func(a *Attention) { a.Heads, a.HeadDim = math.MaxInt, math.MaxInt }, "heads of dimension"},
		{func(a *Attention) { a.KVHeads = 3 }, "2 heads and 3 key/value heads"},
		{func(a *Attention) { a.HeadDim = 12 }, "multiple of 8"},
		{func(a *Attention) { a.Pass = "sideways" }, `found pass "sideways"`},
		{func(a *Attention) { a.Mechanism, a.Causal = "nystrom", true }, "found a causal mask"},
		{func(a *Attention) { a.Mechanism, a.Pass = "nystrom", Decode }, "found a causal mask"},
		{func(a *Attention) { a.Mechanism, a.KVHeads = "nystrom", 1 }, "found 1 key/value heads"},
		{func(a *Attention) { a.Runs = 0 }, "found 0 runs"},
		{func(a *Attention) { a.Threads = -2 }, "found -2 threads"},
	} {
		a := small()
		c.change(&a)
		if _, err := a.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("got %v, want an error with %q", err, c.says)
		}
	}
}

func TestTooBigIsRefusedBeforeAllocating(t *testing.T) {
	if memory.Read().Available == 0 {
		t.Skip("this system does not tell what is available")
	}
	var tooBig *memory.Error
	a := small()
	a.Tokens, a.Heads, a.HeadDim = 1<<28, 1024, 64
	if _, err := a.Run(t.Context(), nil); !errors.As(err, &tooBig) || tooBig.Need < 4<<46 {
		t.Errorf("attention: %v", err)
	}
	g := GEMM{M: maxSide, N: maxSide, K: maxSide, Runs: 1}
	if _, err := g.Run(t.Context(), nil); !errors.As(err, &tooBig) || tooBig.Need < 3<<42 {
		t.Errorf("gemm: %v", err)
	}
}

func TestGEMM(t *testing.T) {
	done := 0
	row, err := GEMM{M: 40, N: 56, K: 24, Threads: 1, Runs: 3}.Run(t.Context(), func(d, all int) { done = d })
	if err != nil {
		t.Fatal(err)
	}
	if row.Flops != 2*40*56*24 || row.Runs != 3 || done != 3 || row.SecondsMin > row.Seconds || row.Seconds > row.SecondsMax {
		t.Errorf("%+v, progress %d", row, done)
	}
	if row.PeakBytes < 4*(40*24+24*56+40*56) {
		t.Errorf("%d bytes do not hold the matrices", row.PeakBytes)
	}
	for _, g := range []GEMM{{M: 0, N: 1, K: 1, Runs: 1}, {M: 1, N: maxSide + 1, K: 1, Runs: 1}, {M: 1, N: 1, K: 1, Runs: 1001}} {
		if _, err := g.Run(t.Context(), nil); err == nil {
			t.Errorf("%+v was accepted", g)
		}
	}
}

func TestSweep(t *testing.T) {
	s := Sweep{Attention: small(), Lengths: []int{64, 128, 1 << 17}, Names: []string{"full", "elu"}, Limit: time.Second}
	rows, skipped, err := s.Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(skipped) == 0 || skipped[0].Mechanism != "full" || skipped[0].Tokens != 1<<17 || len(rows)+len(skipped) != 6 {
		t.Errorf("%d rows; skipped %+v", len(rows), skipped)
	}
	var file bytes.Buffer
	if err := PNG(&file, rows); err != nil {
		t.Fatal(err)
	}
	if image, err := png.Decode(&file); err != nil || image.Bounds().Dx() < 1000 {
		t.Errorf("the picture does not decode: %v", err)
	}
	if err := PNG(&file, nil); err == nil {
		t.Error("a picture of nothing was drawn")
	}
	if _, _, err := (Sweep{Attention: small(), Lengths: []int{2, 1}}).Run(t.Context(), nil); err == nil {
		t.Error("lengths that fall were accepted")
	}
	s.Causal = true
	if slices.Contains(s.presets(), "nystrom") {
		t.Error("a causal sweep has Nyström, which has no causal form")
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{1, 5}, 3}, {[]float64{1, 2, 9}, 2}, {[]float64{1, 2, 4, 9}, 3}} {
		if got := median(c.of); got != c.want {
			t.Errorf("median of %v is %g, want %g", c.of, got, c.want)
		}
	}
}

func TestAimIsOfALevel(t *testing.T) {
	both, low, high := aims{0.9, 0.8}, aims{avx2: 0.9}, aims{avx512: 0.8}
	for _, c := range []struct {
		of    aims
		level cpu.Level
		want  Aim
	}{
		{both, cpu.Generic, Aim{}}, {both, cpu.AVX2, Aim{"avx2", 0.9}}, {both, cpu.AVX512, Aim{"avx512", 0.8}},
		{both, cpu.AMX, Aim{"avx512", 0.8}}, {low, cpu.AVX2, Aim{"avx2", 0.9}}, {low, cpu.AVX512BF16, Aim{"avx2", 0.9}},
		{high, cpu.AVX2, Aim{}}, {high, cpu.AVX512, Aim{"avx512", 0.8}}, {aims{}, cpu.AMX, Aim{}},
	} {
		if got := c.of.of(c.level); got == nil && c.want != (Aim{}) || got != nil && *got != c.want {
			t.Errorf("%v at %v: found the aim %v, expected %v", c.of, c.level, got, c.want)
		}
	}
}

// The table takes minutes to make; that its rows can be asked for is checked here.
func TestTableIsValid(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range table() {
		if seen[e.what()] {
			t.Errorf("%s is there twice", e.what())
		}
		seen[e.what()] = true
		if e.gemm != nil {
			continue
		}
		e.attention.Tokens, e.attention.Runs = 40, 1
		set, _, err := e.attention.prepare()
		if err != nil {
			t.Errorf("%s: %v", e.what(), err)
			continue
		}
		j, err := set(tensor.Exec{Threads: 1, Pool: tensor.NewPool()})
		if err == nil {
			err = j.run()
		}
		if err != nil {
			t.Errorf("%s: %v", e.what(), err)
		}
	}
	if err := Table(t.Context(), TableOptions{}, nil, nil); err == nil {
		t.Error("a table of no runs was made")
	}
}
