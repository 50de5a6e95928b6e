package attention

import (
	"fmt"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// TestWholeRows proves Backward without O and LSE where a tile has all keys of its queries, and that nothing of it depends on threads.
func TestWholeRows(t *testing.T) {
	seqs := []Seq{{Q: 70, K: 100}, {Q: 3, K: 3}, {Q: 0, K: 9}, {Q: 33, K: 128}}
	for name, c := range map[string]Config{
		"full":    {Heads: 4, KVHeads: 2, HeadDim: 24},
		"cap":     {Heads: 2, HeadDim: 8, SoftCap: 2, Scale: 1},
		"alibi":   {Heads: 2, HeadDim: 40, Bias: ALiBi{}},
		"segment": {Heads: 2, HeadDim: 16, Pattern: pattern.Segments(64)},
	} {
		for _, typ := range []tensor.Type{tensor.F32, tensor.BF16} {
			t.Run(fmt.Sprint(name, "/", typ), func(t *testing.T) {
				pr := newProblem(c, seqs, typ, 5)
				if name == "segment" {
					pr = newProblem(c, Self(60), typ, 5)
				}
				a, got := pr.compile(t), pr.run(t, 1, nil)
				if !a.WholeRows() {
					t.Fatal("found rows in parts")
				}
				whole := func(threads int) results {
					r := results{out: got.out, lse: got.lse, g: pr.room(nil).g}
					if err := a.Backward(tensor.Exec{Threads: threads}, r.g, pr.dout, Out{}, In{Q: pr.q, K: pr.k, V: pr.v}); err != nil {
						t.Fatal(err)
					}
					return r
				}
				got = whole(1)
				got.near(t, pr, pr.naive(t), pr.eager(t))
				got.same(t, whole(3))
			})
		}
	}
}

// TestRowsInParts holds that O and LSE are asked for where a tile has not all keys, or a row has a sink.
func TestRowsInParts(t *testing.T) {
	for name, pr := range map[string]problem{
		"keys of two blocks": newProblem(Config{Heads: 1, HeadDim: 8}, []Seq{{Q: 5, K: 129}}, tensor.F32, 1),
		"two runs of keys": newProblem(Config{Heads: 1, HeadDim: 8, Pattern: pattern.Or(pattern.Global(0, 120), pattern.Window(0))},
			Self(128), tensor.F32, 1),
		"a sink": newProblem(Config{Heads: 1, HeadDim: 8, Sinks: []float32{1}}, Self(20), tensor.F32, 1),
	} {
		a, g := pr.compile(t), pr.room(nil).g
		g.Sinks = nil
		err := a.Backward(tensor.Exec{}, g, pr.dout, Out{}, In{Q: pr.q, K: pr.k, V: pr.v})
		if a.WholeRows() || err == nil || !strings.Contains(err.Error(), "found LSE of 0×0") {
			t.Errorf("%s: found whole rows %t and error %v, expected one about LSE", name, a.WholeRows(), err)
		}
	}
}
