package linear

import (
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// steps runs the tokens of b through a state, as many at a time as sizes says, over and over.
func (b batch) steps(t testing.TB, s *State, sizes ...int) []float32 {
	t.Helper()
	out := tensor.New(b.typ, b.q.Rows, b.q.Cols)
	for row, i := 0, 0; row < b.q.Rows; i++ {
		to := min(row+sizes[i%len(sizes)], b.q.Rows)
		err := s.Step(tensor.Exec{Threads: 1 + i%2}, out.SliceRows(row, to), attention.In{Q: b.q.SliceRows(row, to), K: b.k.SliceRows(row, to),
			V: b.v.SliceRows(row, to)})
		if err != nil {
			t.Fatal(err)
		}
		row = to
	}
	return flat(out)
}

func mustState(t testing.TB, l *Linear) *State {
	t.Helper()
	s, err := l.NewState()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStepsEqualForward(t *testing.T) {
	for _, c := range configs() {
		if !c.Causal {
			continue
		}
		t.Run(c.name(), func(t *testing.T) {
			b := newBatch(mustNew(t, c, 100), tensor.F32, 1, 7)
			want := b.naive()
			b.l.Naive(want)
			reference := b.naive32().forward()
			for _, sizes := range [][]int{{1}, {40, 1, 1, 0}, {7, 33}} {
				s := mustState(t, b.l)
				kerneltest.Within(t, b.steps(t, s, sizes...), reference, want.Out, 10, 0x1p-22)
				if s.Tokens() != 100 {
					t.Errorf("%d tokens after 100", s.Tokens())
				}
			}
			kerneltest.SameBits(t, b.steps(t, mustState(t, b.l), 100), b.forward(t, tensor.Exec{}))
		})
	}
}

func TestStateCloneAndSave(t *testing.T) {
	l := mustNew(t, Config{Heads: 4, KVHeads: 2, HeadDim: 24, Features: 32, Causal: true}, 50)
	head, tail := newBatch(l, tensor.F32, 1, 1), newBatch(l, tensor.F32, 1, 2)
	s := mustState(t, l)
	head.steps(t, s, 9)
	data, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	loaded, clone := mustState(t, l), s.Clone()
	tail.steps(t, loaded, 3) // the earlier content of the state is gone
	if err := loaded.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	want := tail.steps(t, s, 5)
	kerneltest.SameBits(t, tail.steps(t, clone, 5), want)
	kerneltest.SameBits(t, tail.steps(t, loaded, 5), want)
	if loaded.Tokens() != 100 {
		t.Errorf("%d tokens after 50 saved and 50 more", loaded.Tokens())
	}
	s.Reset()
	kerneltest.SameBits(t, head.steps(t, s, 9), head.steps(t, mustState(t, l), 9))
}

func TestStateRefusals(t *testing.T) {
	c := Config{Heads: 2, HeadDim: 16, Features: 16, Causal: true}
	l := mustNew(t, c)
	s := mustState(t, l)
	data, _ := s.MarshalBinary()
	other := c
	other.Seed = 1
	changed := func(i int) []byte {
		d := append([]byte(nil), data...)
		d[i] ^= 1
		return d
	}
	for want, load := range map[string]func() error{
		"does not begin": func() error { return s.UnmarshalBinary(changed(0)) },
		"checksum":       func() error { return s.UnmarshalBinary(changed(len(data) / 2)) },
		"cut short":      func() error { return s.UnmarshalBinary(data[:len(data)-1]) },
		"the seed":       func() error { return mustState(t, mustNew(t, other)).UnmarshalBinary(data) },
		"yet to come": func() error {
			_, err := mustNew(t, Config{Heads: 1, HeadDim: 16}).NewState()
			return err
		},
		"found K of 1×16": func() error {
			one := tensor.New(tensor.F32, 1, 32)
			return s.Step(tensor.Exec{}, one, attention.In{Q: one, K: one.SliceCols(0, 16), V: one})
		},
	} {
		if err := load(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

func FuzzState(f *testing.F) {
	l := mustNew(f, Config{Heads: 1, HeadDim: 8, Features: 8, Causal: true})
	data, _ := mustState(f, l).MarshalBinary()
	f.Add(data)
	f.Add(data[:20])
	f.Fuzz(func(t *testing.T, data []byte) {
		s := mustState(t, l)
		before := s.Clone()
		if err := s.UnmarshalBinary(data); err != nil {
			kerneltest.SameBits(t, s.mem, before.mem)
			return
		}
		again, _ := s.MarshalBinary()
		if string(again) != string(data) {
			t.Error("a state read and saved again differs")
		}
	})
}

// TestDecodingDoesNotDrift decodes many tokens of few kinds, whose sums are known: of n_i tokens of kind i, with values that sum up to
// V_i, the output is Σ w_i·V_i / Σ w_i·n_i for w_i = φ(q)·φ(k_i). Tokens come one by one, a few at a time, and as parts of a prompt.
func TestDecodingDoesNotDrift(t *testing.T) {
	const d, kinds = 8, 3
	for _, c := range []Config{{Feature: Elu}, {Feature: Performer, Features: 8}} {
		c.Heads, c.HeadDim, c.Causal = 1, d, true
		l := mustNew(t, c, 1)
		in := newBatch(mustNew(t, c, kinds+1), tensor.F32, 1, 3)
		query := features(l, in.q.Row(kinds))
		var weights [kinds]float64
		for i := range kinds {
			for j, phi := range features(l, in.k.Row(i)) {
				weights[i] += phi * query[j]
			}
		}
		for _, path := range []struct {
			tokens int
			steps  []int
		}{{1 << 14, []int{1}}, {1 << 16, []int{5}}, {1 << 17, []int{40, 1}}, {1 << 17, []int{512}}} {
			r, s := kerneltest.Rand(4), mustState(t, l)
			var counts, sums [kinds]float64
			for i, at := 0, 0; at < path.tokens; i++ {
				n := path.steps[i%len(path.steps)]
				q, k, v, out := tensor.New(tensor.F32, n, d), tensor.New(tensor.F32, n, d), tensor.New(tensor.F32, n, d), tensor.New(tensor.F32, n, d)
				for row := range n {
					kind := r.IntN(r.IntN(kinds) + 1)
					value := 1 + float32(r.NormFloat64())/2
					counts[kind], sums[kind] = counts[kind]+1, sums[kind]+float64(value)
					v.Row(row)[0] = value
					copy(k.Row(row), in.k.Row(kind))
					copy(q.Row(row), in.q.Row(kinds))
				}
				if err := s.Step(tensor.Exec{Threads: 1}, out, attention.In{Q: q, K: k, V: v}); err != nil {
					t.Fatal(err)
				}
				at += n
				if at < path.tokens && at&(at-1) != 0 {
					continue
				}
				over, under := 0.0, 0.0
				for i, w := range weights {
					over, under = over+w*sums[i], under+w*counts[i]
				}
				// Features, products and the sums of one step: a few dozen roundings, however many tokens there were.
				if e := math.Abs(float64(out.Row(n - 1)[0])/(over/under) - 1); e > 0x1p-19 {
					t.Errorf("%v, steps of %v: error %.2g after %d tokens", c.Feature, path.steps, e, at)
				}
			}
		}
	}
}

// features is φ(x) by the definition.
func features(l *Linear, x []float32) []float64 {
	phi, unit := make([]float64, l.c.Features), math.Pow(float64(len(x)), -0.25)
	for i := range phi {
		if l.c.Feature == Elu {
			phi[i] = math.Exp(min(float64(x[i]), 0)) + max(float64(x[i]), 0)
			continue
		}
		for j, omega := range l.omega[i*len(x) : (i+1)*len(x)] {
			phi[i] += unit * float64(x[j]) * (float64(omega) - unit*float64(x[j])/2)
		}
		phi[i] = math.Exp(phi[i])
	}
	return phi
}
