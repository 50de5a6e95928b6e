package autograd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/tensor"
)

// headCase is a cross-entropy behind a linear layer.
type headCase struct {
	policy     Policy
	chunk      int
	smoothing  float64
	bias       bool
	checkpoint bool
	threads    int
}

// headResult is what a step of it leaves.
type headResult struct {
	loss   []float32 // and the losses of the rows
	best   []int32
	grads  [][]float32
	peak   int64
	cost   Cost
	second error
}

const headRows, headIn, headClasses = 9, 6, 2*gradientTile + 3

// run does a step whose loss is announced to have a derivative, or not where announced is 0. Backward is called with scale.
func (c headCase) run(t *testing.T, pool *tensor.Pool, announced, scale float32) headResult {
	t.Helper()
	x := tensor.Exec{Threads: c.threads, Pool: pool}
	g := New(x, Options{Policy: c.policy, Train: true})
	defer g.Close()
	r, result := rand.New(rand.NewPCG(11, 1)), headResult{loss: make([]float32, headRows), best: make([]int32, headRows)}
	leaf := func(rows, cols int) *Var {
		m, _ := randomMat(r, tensor.F32, rows, cols, 1)
		grad := tensor.New(tensor.F32, rows, cols)
		grad.F32[0] = 3 // gradients are added to what is there
		result.grads = append(result.grads, grad.F32)
		return g.Leaf(m, grad)
	}
	in, w1, w2 := leaf(headRows, headIn), leaf(headIn, headIn), leaf(headClasses, headIn)
	var b *Var
	if c.bias {
		b = leaf(1, headClasses)
	}
	targets := []int32{0, 5, Ignore, gradientTile - 1, gradientTile, headClasses - 1, 7, Ignore, 7}
	head := func() *Var {
		o := CrossEntropyOptions{Smoothing: c.smoothing, Losses: result.loss, Best: result.best, Derivative: announced}
		loss := g.CrossEntropy(g.Linear(g.Cast(in), w1, nil), w2, b, targets, o)
		loss.producer.op.(*crossEntropy).chunk = c.chunk
		return loss
	}
	loss := (*Var)(nil)
	if c.checkpoint {
		loss = g.Recompute(head)
	} else {
		loss = head()
	}
	g.Keep(loss)
	if err := g.Forward(); err != nil {
		t.Fatal(err)
	}
	result.loss = append(result.loss, loss.Scalar())
	result.second = g.Backward(loss, scale)
	result.peak, result.cost = pool.Peak(), g.Cost()
	return result
}

// What is announced changes when the gradients are computed, and nothing about them.
func TestAnnouncedDerivativeKeepsTheBits(t *testing.T) {
	for _, p := range []Policy{F32(), BF16(), FP16()} {
		for i := range 16 {
			c := headCase{policy: p, chunk: []int{headRows, 4}[i&1], smoothing: []float64{0, 0.1}[i>>1&1],
				bias: i>>2&1 == 1, checkpoint: i>>3&1 == 1, threads: 1 + i%3}
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) { c.compare(t) })
		}
	}
}

func (c headCase) compare(t *testing.T) {
	const scale = 0.375
	pool := tensor.NewPool()
	late, early := c.run(t, tensor.NewPool(), 0, scale), c.run(t, pool, scale, scale)
	if late.second != nil || early.second != nil {
		t.Fatal(late.second, early.second)
	}
	if !slices.Equal(late.loss, early.loss) || !slices.Equal(late.best, early.best) {
		t.Errorf("losses %v and classes %v, announced %v and %v", late.loss, late.best, early.loss, early.best)
	}
	for i := range late.grads {
		if !slices.Equal(late.grads[i], early.grads[i]) {
			t.Errorf("gradient %d differs", i)
		}
	}
	if early.grads[2][1] == 0 {
		t.Error("the weights have no gradient")
	}
	if pool.InUse() != 0 {
		t.Errorf("%d bytes did not come back", pool.InUse())
	}
	more := int64(0)
	if c.chunk < headRows {
		more = 2 * headRows * headIn * headClasses // the logits once more
	}
	if got := late.cost.Matmul - early.cost.Matmul; got != more {
		t.Errorf("announcing saves %d flops, want %d", got, more)
	}
	if dry := c.run(t, tensor.NewDryPool(), scale, scale); dry.peak != early.peak || dry.cost != early.cost {
		t.Errorf("dry run: peak %d and cost %v, the real one %d and %v", dry.peak, dry.cost, early.peak, early.cost)
	}
}

func TestAnotherDerivativeIsRefused(t *testing.T) {
	pool := tensor.NewPool()
	got := headCase{chunk: 4, threads: 1}.run(t, pool, 2, 3)
	if got.second == nil || !strings.Contains(got.second.Error(), "found a derivative of 3 by the loss, expected 2") {
		t.Errorf("found %v", got.second)
	}
	if pool.InUse() != 0 {
		t.Errorf("%d bytes did not come back", pool.InUse())
	}
}

// A NaN among the logits must come out as one, wherever it is: a largest element that steps over it must not hide it.
func TestCrossEntropyShowsNaN(t *testing.T) {
	nan := float32(math.NaN())
	for _, classes := range []int{1, 5, 16, 100} {
		for at := -1; at < classes; at++ { // −1: all of them
			z := make([]float32, classes)
			for j := range z {
				if at < 0 || j == at {
					z[j] = nan
				}
			}
			for _, best := range [][]int32{nil, {9}} {
				o := crossEntropy{targets: []int32{0}, options: CrossEntropyOptions{Best: best}}
				loss, lse := o.rowLoss(z, 0, make([]float32, classes))
				if loss == loss || lse == lse {
					t.Fatalf("NaN at %d of %d: loss %g, log of the sum %g", at, classes, loss, lse)
				}
				if want := int32((at + classes) % classes); best != nil && best[0] != want {
					t.Fatalf("NaN at %d of %d: class %d, want %d", at, classes, best[0], want)
				}
			}
		}
	}
}
