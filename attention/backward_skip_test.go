package attention

import (
	"slices"
	"testing"

	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// TestBackwardSkips holds that a gradient that is not wanted leaves the bits of the others, and takes the same memory in a dry run.
func TestBackwardSkips(t *testing.T) {
	seqs := []Seq{{Q: 40, K: 40}, {Q: 9, K: 530, Offset: 521}, {Q: 3, K: 3}, {}}
	for name, make := range biasProblems(seqs) {
		for _, typ := range types {
			c, grads := make()
			c.Heads, c.KVHeads, c.HeadDim = biasHeads, 2, biasDim
			pr := newProblem(c, seqs, typ, 8)
			want := pr.run(t, 2, grads)
			for skipped, skip := range map[string]func(g *Grads){
				"dq":       func(g *Grads) { g.DQ = tensor.Mat{} },
				"dk, dv":   func(g *Grads) { g.DK, g.DV = tensor.Mat{}, tensor.Mat{} },
				"all":      func(g *Grads) { g.DQ, g.DK, g.DV = tensor.Mat{}, tensor.Mat{}, tensor.Mat{} },
				"and bias": func(g *Grads) { g.DQ, g.Bias = tensor.Mat{}, nil },
			} {
				_, bias := make()
				got := pr.room(bias)
				skip(&got.g)
				pool := tensor.NewPool()
				pr.backward(t, pool, got.g, want)
				for i, m := range got.mats()[2:] {
					if given(m.m) {
						sameBits(t, name+" without "+skipped+": "+m.name, m.m, want.mats()[2+i].m)
					}
				}
				kerneltest.SameBits(t, got.g.Sinks, want.g.Sinks)
				flat, whole := flatBias(got.g.Bias), flatBias(grads)
				for part, x := range flat {
					if !slices.Equal(x, whole[part]) {
						t.Errorf("%s without %s: gradients of %s differ", name, skipped, part)
					}
				}
				peak := pool.Peak()
				dry := pr
				for _, m := range []*tensor.Mat{&dry.q, &dry.k, &dry.v, &dry.dout, &got.g.DQ, &got.g.DK, &got.g.DV} {
					m.F32, m.U16 = nil, nil
				}
				pool = tensor.NewDryPool()
				dry.backward(t, pool, got.g, results{out: dry.q, lse: tensor.Mat{Rows: c.Heads, Cols: dry.q.Rows, Stride: dry.q.Rows}})
				if pool.Peak() != peak {
					t.Errorf("%s without %s: a dry run takes %d bytes, expected %d", name, skipped, pool.Peak(), peak)
				}
			}
		}
	}
}

// backward runs Backward after what a forward pass wrote, on two threads.
func (p problem) backward(t testing.TB, pool *tensor.Pool, g Grads, of results) {
	t.Helper()
	p.backwardOf(t, pool, g, Out{O: of.out, LSE: of.lse}, In{Q: p.q, K: p.k, V: p.v})
}

// backwardOf is backward with any input.
func (p problem) backwardOf(t testing.TB, pool *tensor.Pool, g Grads, out Out, in In) {
	t.Helper()
	x := tensor.Exec{Threads: 2, Pool: pool}
	if err := p.compile(t).Backward(x, g, p.dout, out, in); err != nil {
		t.Fatal(err)
	}
	if n := pool.InUse(); n != 0 {
		t.Errorf("Backward kept %d bytes of the pool", n)
	}
}

// TestDeltasStandForO holds that a backward pass with the deltas has the bits of one with O, and takes no memory for them.
func TestDeltasStandForO(t *testing.T) {
	for _, typ := range types {
		pr := newProblem(Config{Heads: 4, KVHeads: 2, HeadDim: 24, Sinks: floats(4, 1)}, Self(300, 5), typ, 1)
		want, pool := pr.run(t, 2, nil), tensor.NewPool()
		got, delta := pr.room(nil), tensor.New(tensor.F32, 4, 305)
		if err := pr.compile(t).Deltas(tensor.Exec{Threads: 2}, delta, pr.dout, want.out); err != nil {
			t.Fatal(err)
		}
		pr.backwardOf(t, pool, got.g, Out{LSE: want.lse}, In{Q: pr.q, K: pr.k, V: pr.v, Delta: delta})
		got.out, got.lse = want.out, want.lse
		got.same(t, want)
		with := tensor.NewPool()
		pr.backward(t, with, got.g, want)
		if saved := with.Peak() - pool.Peak(); saved != delta.Bytes() {
			t.Errorf("deltas save %d bytes, expected %d", saved, delta.Bytes())
		}
		refused := pr.compile(t).Deltas(tensor.Exec{}, pr.dout, pr.dout, want.out)
		if refused == nil {
			t.Error("deltas of another shape are taken")
		}
	}
}
