package machine

import (
	"math"

	"github.com/klauspost/cpuid/v2"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/tensor"
)

// Identity names a measurement. Rates of another identity are measured again.
type Identity struct {
	Version int    `json:"version"` // calibration
	CPU     string `json:"cpu"`     // the name of the processor
	Level   string `json:"level"`   // of the kernels
	Threads int    `json:"threads"`
}

// Identify is the identity of a measurement on this machine. Threads are as in tensor.Exec.
func Identify(threads int) Identity {
	return Identity{calibration, cpuid.CPU.BrandName, kernel.Level().String(), pool.Threads(threads)}
}

// Rates are the speeds of this machine with a number of threads. A pair has the rate of float32 first, then that of bf16.
type Rates struct {
	Identity
	Matmul    [2]float64 `json:"matmul"`    // GFLOP/s of matrix products
	Attention [2]float64 `json:"attention"` // GFLOP/s of flash attention, forward and backward
	Bandwidth float64    `json:"bandwidth"` // GB/s read from memory

	// Steps is the seconds of a real training step over the seconds that its products, attention and streamed bytes take at the rates
	// above, for a model of widths[i]. Narrow matrices are slower, and many short passes lie between the products.
	Steps [2][len(widths)]float64 `json:"steps"`
}

// calibration is the version of the measurement. It is raised when the measurement changes.
const calibration = 2

// widths of the models whose steps are measured, ascending.
var widths = [...]int{64, 128, 256, 512}

// Seconds estimates the time of a training step of e under the policy. Products, attention and streamed bytes take their measured rates,
// times the slowdown of a real step of that width. The optimiser reads and writes weights, gradients and state at the memory's bandwidth.
func (r Rates) Seconds(e plan.Estimate, p autograd.Policy) float64 {
	product, attention := 0, 0
	if p.Products == tensor.BF16 {
		product = 1
	}
	if p.Activations == tensor.BF16 {
		attention = 1
	}
	// Gradients are cleared, measured and read; weights and state are read and written.
	update := float64(3*e.Bytes.Gradients + 2*e.Bytes.Weights + 2*e.Bytes.Optimizer)
	step := float64(e.Cost.Matmul)/r.Matmul[product] + float64(e.Cost.Attention)/r.Attention[attention] +
		float64(e.Cost.Streamed)/r.Bandwidth
	return (step*r.slowdown(e.Width, product) + update/r.Bandwidth) / 1e9
}

// slowdown interpolates Steps in the logarithm of the width. Outside of the measured widths it is that of the nearest.
func (r Rates) slowdown(width, product int) float64 {
	steps := r.Steps[product]
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
