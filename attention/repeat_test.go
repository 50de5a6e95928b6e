package attention

import (
	"testing"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// TestRepeatedKeysStandThereSeveralTimes compares rows that repeat keys with rows over a sequence that has these keys several times, and
// rows that do not with rows over the sequence itself.
func TestRepeatedKeysStandThereSeveralTimes(t *testing.T) {
	const tokens, block, times = 215, 40, 3 // the last block is shorter; 40 and 200 are borders within tiles of 32
	c := Config{Heads: 2, HeadDim: 16}
	plain := newProblem(c, Self(tokens), tensor.F32, 1)
	repeat := plain
	repeat.c.Bias = Repeat{Block: block, Times: times, Longer: tokens - 1}
	got := repeat.run(t, 2, nil)

	longer := func(m tensor.Mat) tensor.Mat { // the first block, times times, and the rest
		all := tensor.New(m.Type, tokens+(times-1)*block, m.Cols)
		for i := range all.Rows {
			copy(all.Row(i), m.Row(max(i%block, i-(times-1)*block)))
		}
		return all
	}
	several := plain
	several.k, several.v = longer(plain.k), longer(plain.v)
	several.seqs = []Seq{{Q: tokens, K: several.k.Rows}}
	for _, x := range []struct {
		name   string
		lo, hi int
		want   problem
	}{{"first block", 0, block, plain}, {"blocks between", block, 200, several}, {"last block", 200, tokens, plain}} {
		n := x.want.naive(t)
		at := x.lo * got.out.Cols
		e := kerneltest.Measure(wide(got.out)[at:x.hi*got.out.Cols], n.Out[at:x.hi*got.out.Cols])
		if e.Max > 1e-6 {
			t.Errorf("%s: %v", x.name, e)
		}
	}
}

// TestShortSequencesRepeatNothing holds that sequences of no more than Longer keys have the bits of attention without repeats, in the
// same batch as those that have not.
func TestShortSequencesRepeatNothing(t *testing.T) {
	seqs := Self(100, 101)
	plain := newProblem(Config{Heads: 2, HeadDim: 16, Pattern: pattern.Full()}, seqs, tensor.F32, 1)
	repeat := plain
	repeat.c.Bias = Repeat{Block: 10, Times: 4, Longer: 100}
	got, want := repeat.run(t, 2, nil).out, plain.run(t, 2, nil).out
	for i := range got.Rows {
		at := i - 100
		same := at < 10 || at >= 100
		for j, v := range got.Row(i) {
			if (v == want.Row(i)[j]) != same {
				t.Fatalf("row %d, column %d: %g beside %g, equal: want %t", i, j, v, want.Row(i)[j], same)
			}
		}
	}
}
