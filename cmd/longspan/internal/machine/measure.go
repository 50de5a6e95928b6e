package machine

import (
	"time"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/gemm"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// Measure measures the rates. Threads are as in tensor.Exec. It takes about three seconds, and three times as long without assembly.
// The machine should be idle.
func Measure(threads int) (Rates, error) {
	x := tensor.Exec{Threads: pool.Threads(threads), Pool: tensor.NewPool()}
	r := Rates{Identity: Identify(threads), Bandwidth: Bandwidth(x.Threads)}
	for i, t := range []tensor.Type{tensor.F32, tensor.BF16} {
		r.Matmul[i] = measureMatmul(x, t)
		a, err := newAttentionRun(x, t)
		if err != nil {
			return r, err
		}
		if r.Attention[i], err = rate(a.flops(), a.both); err != nil {
			return r, err
		}
		for k, width := range widths {
			r.Steps[i][k] = 1
			if r.Steps[i][k], err = r.measureStep(x, t, width); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// AttentionForward measures the GFLOP/s of flash attention's forward pass in float32: full, 2,048 tokens, 4 heads of 64. It takes
// 0.1 s. Threads are as in tensor.Exec.
func AttentionForward(threads int) (float64, error) {
	a, err := newAttentionRun(tensor.Exec{Threads: pool.Threads(threads), Pool: tensor.NewPool()}, tensor.F32)
	if err != nil {
		return 0, err
	}
	return rate(a.attention.ForwardFlops(), a.forward)
}

// A measurement takes the fastest of measureRuns runs, so that brief noise does not matter, or of as many as fit into measureTime.
// Tests change them.
var (
	measureRuns = 7
	measureTime = time.Second
)

// rate returns the highest flops per nanosecond, which is GFLOP/s, of several runs. One run before them fills the pool and wakes the
// threads.
func rate(flops float64, run func() error) (best float64, err error) {
	if err := run(); err != nil {
		return 0, err
	}
	for i, began := 0, time.Now(); i < measureRuns && (i == 0 || time.Since(began) <= measureTime); i++ {
		begin := time.Now()
		if err := run(); err != nil {
			return 0, err
		}
		best = max(best, flops/max(1, float64(time.Since(begin).Nanoseconds())))
	}
	return best, nil
}

// measureMatmul multiplies 2048×512 by 512×512: a linear layer over 2,048 tokens.
func measureMatmul(x tensor.Exec, t tensor.Type) float64 {
	const rows, width = 2048, 512
	a, w, c := tensor.New(t, rows, width), tensor.New(t, width, width), tensor.New(t, rows, width)
	flops, _ := rate(2*rows*width*width, func() error {
		gemm.Mul(x, c, gemm.N(a), gemm.T(w), false)
		return nil
	})
	return flops
}

// attentionRun is full attention over 2,048 tokens with 4 heads of 64, and its matrices.
type attentionRun struct {
	x         tensor.Exec
	attention *attention.Attention
	in        attention.In
	out       attention.Out
	dout      tensor.Mat // [T, H·D]
	grads     attention.Grads
}

func newAttentionRun(x tensor.Exec, t tensor.Type) (*attentionRun, error) {
	const tokens, heads, dim = 2048, 4, 64
	compiled, err := attention.New(attention.Config{Heads: heads, HeadDim: dim}, attention.Self(tokens))
	if err != nil {
		return nil, err
	}
	matrix := func() tensor.Mat { return tensor.New(t, tokens, heads*dim) }
	return &attentionRun{
		x: x, attention: compiled,
		in:   attention.In{Q: matrix(), K: matrix(), V: matrix()},
		out:  attention.Out{O: matrix(), LSE: tensor.New(tensor.F32, heads, tokens)},
		dout: matrix(), grads: attention.Grads{DQ: matrix(), DK: matrix(), DV: matrix()},
	}, nil
}

func (a *attentionRun) flops() float64 {
	return a.attention.ForwardFlops() + a.attention.BackwardFlops()
}

func (a *attentionRun) forward() error { return a.attention.Forward(a.x, a.out, a.in) }

func (a *attentionRun) both() error {
	if err := a.forward(); err != nil {
		return err
	}
	return a.attention.Backward(a.x, a.grads, a.dout, a.out, a.in)
}

// stepSeconds bounds the estimated time of a measured step: on a slow machine the step has fewer tokens. Tests change it.
var stepSeconds = 0.25

// stepJob is a decoder of two layers over 2,048 tokens, or fewer if r estimates more than stepSeconds.
func (r Rates) stepJob(t tensor.Type, width int) (j plan.Job, e plan.Estimate, err error) {
	j = plan.Job{Train: train.DefaultConfig(), Threads: r.Threads}
	c := model.Config{Vocab: 16, Width: width, Layers: 2, Heads: 4, Attention: []string{"window(256)"}, Precision: t.String()}
	if j.Model, err = c.Spec(); err != nil {
		return j, e, err
	}
	policy, err := autograd.ParsePolicy(j.Model.Precision)
	if err != nil {
		return j, e, err
	}
	for tokens := 2048; ; tokens /= 2 {
		j.Lengths = []int{tokens}
		if e, err = plan.Make(j); err != nil {
			return j, e, err
		}
		if tokens <= 64 || r.Seconds(e, policy) <= stepSeconds {
			return j, e, nil
		}
	}
}

// measureStep runs steps of a small decoder, and returns their seconds over those that r estimates.
func (r Rates) measureStep(x tensor.Exec, t tensor.Type, width int) (float64, error) {
	j, e, err := r.stepJob(t, width)
	if err != nil {
		return 0, err
	}
	m, err := model.NewOf(j.Model, model.Options{Pool: x.Pool, Train: true})
	if err != nil {
		return 0, err
	}
	defer m.Close()
	tokens := j.Lengths[0]
	b := &data.Batch{Tokens: make([]int32, tokens), Targets: make([]int32, tokens), Lengths: j.Lengths}
	session := m.NewSession(x)
	steps, err := rate(1, func() error {
		_, err := session.Step(b, model.StepOptions{Backward: true})
		return err
	})
	e.Bytes = plan.Bytes{} // the steps make no update
	return 1 / (1e9 * steps * r.Seconds(e, m.Policy())), err
}
