package machine

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/klauspost/cpuid/v2"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/gemm"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// Machine is how fast a machine was measured to be with a number of threads.
type Machine struct {
	Version   int        `json:"version"`   // of what is measured, and how: calibration
	CPU       string     `json:"cpu"`       // its name
	Level     string     `json:"level"`     // of the kernels
	Threads   int        `json:"threads"`   // used
	Matmul    [2]float64 `json:"matmul"`    // GFLOP/s of matrix products, of float32 and of bf16
	Attention [2]float64 `json:"attention"` // GFLOP/s of flash attention, both passes, of float32 and of bf16
	Bandwidth float64    `json:"bandwidth"` // GB/s read from memory

	// Real steps of small models over the time that their products, attention and bytes alone would take at these rates: at widths[i], of
	// float32 and of bf16. Narrow matrices are multiplied more slowly, and between the products lie many short passes.
	Steps [2][len(widths)]float64 `json:"steps"`
}

// calibration is raised when a Machine measured before is no longer what Seconds expects.
const calibration = 2

// widths are those of the small models.
var widths = [...]int{64, 128, 256, 512}

// Seconds is about how long a step of e takes under the policy: products at the rate measured, operations element by element at that of the
// memory, times how much longer real steps of that width took; and the optimiser's passes over weights, gradients and state at the rate of the
// memory.
func (m Machine) Seconds(e plan.Estimate, p autograd.Policy) float64 {
	product, attention := 0, 0
	if p.Products == tensor.BF16 {
		product = 1
	}
	if p.Activations == tensor.BF16 {
		attention = 1
	}
	// Gradients are cleared, measured and read; weights and state are read and written.
	update := float64(3*e.Bytes.Gradients + 2*e.Bytes.Weights + 2*e.Bytes.Optimizer)
	step := float64(e.Cost.Matmul)/m.Matmul[product] + float64(e.Cost.Attention)/m.Attention[attention] + float64(e.Cost.Streamed)/m.Bandwidth
	return (step*m.slower(e.Width, product) + update/m.Bandwidth) / 1e9
}

// slower is how much longer than its parts a step of a model takes, between the widths measured by the logarithm of the width.
func (m Machine) slower(width, product int) float64 {
	steps := m.Steps[product]
	if width <= widths[0] {
		return steps[0]
	}
	for i := 1; i < len(widths); i++ {
		if width <= widths[i] {
			share := math.Log2(float64(width)/float64(widths[i-1])) / math.Log2(float64(widths[i])/float64(widths[i-1]))
			return steps[i-1] + share*(steps[i]-steps[i-1])
		}
	}
	return steps[len(steps)-1]
}

// Measure finds out how fast this machine is; it takes some three seconds, and three times that without assembly. Nothing else should run meanwhile: of several runs the best
// counts, which others only disturb if they are busy all along.
func Measure(threads int) (Machine, error) {
	x := tensor.Exec{Threads: pool.Threads(threads), Pool: tensor.NewPool()}
	m := Machine{Version: calibration, CPU: cpuid.CPU.BrandName, Level: kernel.Level().String(), Threads: x.Threads, Bandwidth: Bandwidth(x.Threads)}
	for i, t := range []tensor.Type{tensor.F32, tensor.BF16} {
		m.Matmul[i] = measureMatmul(x, t)
		var err error
		if m.Attention[i], err = measureAttention(x, t); err != nil {
			return m, err
		}
		for k, width := range widths {
			m.Steps[i][k] = 1
			if m.Steps[i][k], err = m.measureStep(x, t, width); err != nil {
				return m, err
			}
		}
	}
	return m, nil
}

// stepSeconds is what a measured step may take by the rates alone: on a slow machine it has fewer tokens.
const stepSeconds = 0.25

// stepJob is a decoder of two layers, and as many tokens, 2,048 at most, as m trains on within stepSeconds.
func (m Machine) stepJob(t tensor.Type, width int) (j plan.Job, e plan.Estimate, err error) {
	j = plan.Job{Train: train.DefaultConfig(), Threads: m.Threads}
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
		if tokens <= 64 || m.Seconds(e, policy) <= stepSeconds {
			return j, e, nil
		}
	}
}

// measureStep trains a small decoder, and returns by how much longer that takes than m would say.
func (m Machine) measureStep(x tensor.Exec, t tensor.Type, width int) (float64, error) {
	j, e, err := m.stepJob(t, width)
	if err != nil {
		return 0, err
	}
	real, err := model.NewOf(j.Model, model.Options{Pool: x.Pool, Train: true})
	if err != nil {
		return 0, err
	}
	defer real.Close()
	tokens := j.Lengths[0]
	b := &data.Batch{Tokens: make([]int32, tokens), Targets: make([]int32, tokens), Lengths: j.Lengths}
	session := real.NewSession(x)
	var failed error
	steps := rate(1, func() {
		if _, err := session.Step(b, model.StepOptions{Backward: true}); err != nil {
			failed = err
		}
	})
	e.Bytes = plan.Bytes{} // no update was made
	return 1 / (1e9 * steps * m.Seconds(e, real.Policy())), failed
}

// The best is taken of measureRuns runs, or as many as fit into measureTime, but one at least.
const (
	measureRuns = 7
	measureTime = time.Second
)

// rate is the most flops a nanosecond, which is GFLOP/s, of several runs.
func rate(flops float64, run func()) float64 {
	run() // buffers come into being, and threads awake
	best, began := 0.0, time.Now()
	for i := range measureRuns {
		if i > 0 && time.Since(began) > measureTime {
			break
		}
		begin := time.Now()
		run()
		best = max(best, flops/max(1, float64(time.Since(begin).Nanoseconds())))
	}
	return best
}

// measureMatmul multiplies 2048×512 by 512×512, the shape of a linear layer over some thousand tokens.
func measureMatmul(x tensor.Exec, t tensor.Type) float64 {
	const rows, width = 2048, 512
	a, w, c := tensor.New(t, rows, width), tensor.New(t, width, width), tensor.New(t, rows, width)
	return rate(2*rows*width*width, func() { gemm.Mul(x, c, gemm.N(a), gemm.T(w), false) })
}

// measureAttention attends 2,048 tokens with 4 heads of 64, causally, forward and backward.
func measureAttention(x tensor.Exec, t tensor.Type) (float64, error) {
	const tokens, heads, dim = 2048, 4, 64
	a, err := attention.New(attention.Config{Heads: heads, HeadDim: dim}, attention.Self(tokens))
	if err != nil {
		return 0, err
	}
	var mats [8]tensor.Mat
	for i := range mats {
		mats[i] = tensor.New(t, tokens, heads*dim)
	}
	q, k, v, out, dout := mats[0], mats[1], mats[2], mats[3], mats[4]
	lse := tensor.New(tensor.F32, heads, tokens)
	grads := attention.Grads{DQ: mats[5], DK: mats[6], DV: mats[7]}
	var failed error
	flops := rate(a.ForwardFlops()+a.BackwardFlops(), func() {
		if err := a.Forward(x, attention.Out{O: out, LSE: lse}, attention.In{Q: q, K: k, V: v}); err != nil {
			failed = err
			return
		}
		if err := a.Backward(x, grads, dout, attention.Out{O: out, LSE: lse}, attention.In{Q: q, K: k, V: v}); err != nil {
			failed = err
		}
	})
	return flops, failed
}

// Known returns what Measure found on this machine before, with the same kernels and threads, and measures where it has not. What is
// found is kept under the user's cache directory; where that cannot be written it is measured anew each time.
func Known(threads int) (Machine, error) {
	path, err := cachePath(threads)
	if err != nil {
		return Measure(threads)
	}
	if text, err := os.ReadFile(path); err == nil {
		var m Machine
		if json.Unmarshal(text, &m) == nil && m.usable(threads) {
			return m, nil
		}
	}
	return Calibrate(threads)
}

// Calibrate measures anew and keeps what it finds for Known: for a machine that was busy when it was measured.
func Calibrate(threads int) (Machine, error) {
	m, err := Measure(threads)
	if err != nil {
		return m, err
	}
	path, err := cachePath(threads)
	if err != nil {
		return m, nil // without a place to keep it
	}
	if text, err := json.MarshalIndent(m, "", "  "); err == nil && os.MkdirAll(filepath.Dir(path), 0o755) == nil {
		_ = os.WriteFile(path, append(text, '\n'), 0o644) // a cache that cannot be written costs a measurement, no more
	}
	return m, nil
}

// usable says whether m was measured in this way, of this processor, kernels and threads, and is whole.
func (m Machine) usable(threads int) bool {
	for _, steps := range m.Steps {
		if slices.Min(steps[:]) <= 0 {
			return false
		}
	}
	return m.Version == calibration && m.CPU == cpuid.CPU.BrandName && m.Level == kernel.Level().String() && m.Threads == pool.Threads(threads) &&
		min(m.Matmul[0], m.Matmul[1], m.Attention[0], m.Attention[1], m.Bandwidth) > 0
}

func cachePath(threads int) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "longspan", fmt.Sprintf("machine-%s-%d.json", kernel.Level(), pool.Threads(threads))), nil
}
