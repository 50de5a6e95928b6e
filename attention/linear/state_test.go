package linear

import (
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
		err := s.Step(tensor.Exec{Threads: 1 + i%2}, out.SliceRows(row, to), attention.In{Q: b.q.SliceRows(row, to), K: b.k.SliceRows(row, to), V: b.v.SliceRows(row, to)})
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
	tail.steps(t, loaded, 3) // what a state held before is gone
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
