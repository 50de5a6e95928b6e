package mechanism

import (
	"fmt"
	"strings"
	"testing"

	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

func TestOverLinearEqualsOne(t *testing.T) {
	for _, causal := range []bool{false, true} {
		for text, c := range map[string]Config{
			"performer(features=16, seed=3)": {Heads: 4, KVHeads: 2, HeadDim: 8}, "elu": {Heads: 9, HeadDim: 8},
		} {
			c.Causal = causal
			t.Run(fmt.Sprintf("%s/causal=%v", text, causal), func(t *testing.T) {
				l := mustLayer(t, text, c)
				equalsOne(t, l, tensor.F32, []int{1}, []int{1, 4}, overLinear)
				equalsOne(t, l, tensor.F32, []int{7}, []int{3}, overLinear)
				equalsOne(t, l, tensor.BF16, []int{513}, []int{2, 4}, overLinear)
				equalsOne(t, l, tensor.F32, []int{6000}, []int{1, 2, 3, 4, 5}, overLinear)
				equalsOne(t, l, tensor.BF16, []int{6000}, []int{3}, overLinear)
				equalsOne(t, l, tensor.F32, []int{30, 0, 2600, 1, 1500, 4400}, []int{2, 5}, overLinear)
			})
		}
	}
}

// TestOverLinearBytes checks that what a rank receives is a few sums, however many tokens there are.
func TestOverLinearBytes(t *testing.T) {
	const kvHeads, features, headDim, ranks = 2, 64, 32, 4
	sums := int64(kvHeads * features * (17 + headDim) * 4)
	for _, causal := range []bool{false, true} {
		l := mustLayer(t, "performer(features=64)", Config{Heads: 4, KVHeads: kvHeads, HeadDim: headDim, Causal: causal})
		for _, tokens := range []int{1 << 14, 1 << 20} {
			total := int64(0)
			for r := range ranks {
				e, x := parallel.Dry(r, ranks), tensor.Exec{Pool: tensor.NewDryPool()}
				s, err := parallel.NewShare(e, []int{tokens})
				if err != nil {
					t.Fatal(err)
				}
				core, err := overLinear(l, s)
				if err != nil {
					t.Fatal(err)
				}
				d := newTape(l, tensor.F32, 1, 1).dry()
				for _, m := range []*tensor.Mat{&d.in.Q, &d.in.K, &d.in.V, &d.out, &d.do, &d.grads.Q, &d.grads.K, &d.grads.V} {
					m.Rows = core.Queries()
				}
				if err := d.run(x, core); err != nil {
					t.Fatal(err)
				}
				total += e.Counts.Received
			}
			// Cuts are borders of ranges. Forward: the sums before, 3 times, and without a causal mask those of all, 3 times. Backward: the same.
			want := 2 * 3 * sums
			if !causal {
				want *= 2
			}
			if total != want {
				t.Errorf("causal=%v, %d tokens: %d ranks receive %d bytes, expected %d", causal, tokens, ranks, total, want)
			}
		}
	}
}

func TestOverLinearRefuses(t *testing.T) {
	s, err := parallel.NewShare(parallel.Dry(0, 2), []int{600})
	if err != nil {
		t.Fatal(err)
	}
	_, err = overLinear(mustLayer(t, "full", Config{Heads: 2, HeadDim: 8}), s)
	if want := "mechanism: found a layer of mechanism.softmaxLayer, expected linear attention"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("found error %v, expected %q", err, want)
	}
}
