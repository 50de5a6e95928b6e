package patchflow

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// The networks of a model, by the number that a batch names them with.
const (
	enlargeNet = iota
	drawNet
	nets
)

var networkNames = [nets]string{"enlarge", "draw"}

// Model is one or two networks with their weights. It is a train.Model. One goroutine uses it.
type Model struct {
	config   Config
	policy   autograd.Policy
	params   *nn.Params
	nets     [nets]*net // nil: there is none
	compiled *nn.CompileCache
	files    func() (map[string][]byte, error)
	cost     *autograd.Cost // where not nil: of what predict has run
}

// Options are the source of a model's weights.
type Options struct {
	Pool  *tensor.Pool
	Seed  uint64    // of drawn weights
	Train bool      // each weight gets a gradient
	Load  nn.Loader // nil: weights are drawn
}

// New makes a model.
func New(c Config, o Options) (*Model, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	policy, err := autograd.ParsePolicy(c.Precision)
	if err != nil {
		return nil, err
	}
	m := &Model{config: c, policy: policy, compiled: nn.NewCompileCache(),
		params: nn.NewParams(nn.ParamsOptions{Pool: o.Pool, Seed: o.Seed, Train: o.Train, Load: o.Load})}
	for i, shape := range c.shapes() {
		if shape == nil {
			continue
		}
		if m.nets[i], err = newNet(m.params, networkNames[i]+".", *shape); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Config is the shape of the network.
func (m *Model) Config() Config { return m.config }

// Files are the files of a model's folder beside its weights.
func (m *Model) Files() (map[string][]byte, error) {
	if m.files == nil {
		return nil, nil
	}
	return m.files()
}

// Params lists the weights and their gradients.
func (m *Model) Params() []*tensor.Param { return m.params.All() }

// Targets counts the patches of b.
func (m *Model) Targets(b *data.Batch) int64 { return int64(len(b.Tokens)) }

// read finds the network that b is for, and the shapes of its pictures.
func (m *Model) read(b *data.Batch) (*net, []autograd.Grid, error) {
	if b == nil || b.Patches == nil || len(b.Tokens) == 0 {
		return nil, nil, errors.New("patchflow: a batch without patches, expected pictures")
	}
	if err := b.Check(1); err != nil {
		return nil, nil, err
	}
	if i := b.Patches.Network; i < 0 || i >= nets || m.nets[i] == nil {
		return nil, nil, fmt.Errorf("patchflow: a batch for network %d, which the model does not have", i)
	}
	net := m.nets[b.Patches.Network]
	in, out := inputs(net.config.Patch), outputs(net.config.Patch)
	if n := len(b.Tokens); len(b.Patches.Inputs) != n*in || len(b.Patches.Targets) != n*out {
		return nil, nil, fmt.Errorf("patchflow: %d inputs and %d targets of %d patches, expected %d and %d of each", len(b.Patches.Inputs),
			len(b.Patches.Targets), n, in, out)
	}
	all := make([]autograd.Grid, len(b.Lengths))
	for i, n := range b.Lengths {
		w := b.Patches.Widths[i]
		all[i] = autograd.Grid{Height: n / w, Width: w}
	}
	return net, all, nil
}

// loss records the weighted mean squared error of b.
func (n *net) loss(p *nn.Pass, b *data.Batch, shapes []autograd.Grid) *autograd.Var {
	t, patch := len(b.Tokens), n.config.Patch
	r := n.apply(p, p.G.Input(tensor.FromF32(b.Patches.Inputs, t, inputs(patch))), shapes)
	return p.G.Keep(p.G.WeightedMeanSquare(r, tensor.FromF32(b.Patches.Targets, t, outputs(patch)), b.Patches.Weights))
}

func (m *Model) pass(x tensor.Exec, lengths []int, train bool) *nn.Pass {
	return &nn.Pass{G: autograd.New(x, autograd.Options{Policy: m.policy, Train: train}), Lengths: lengths, Compiled: m.compiled}
}

// Train adds the gradient of the mean error of b, times the weight of p.
func (m *Model) Train(x tensor.Exec, b *data.Batch, o data.Pass) (float64, error) {
	net, shapes, err := m.read(b)
	if err != nil {
		return 0, err
	}
	p := m.pass(x, b.Lengths, true)
	defer p.Close()
	loss := net.loss(p, b, shapes)
	if err := p.G.Forward(); err != nil {
		return 0, err
	}
	value := loss.Scalar()
	return float64(value), p.G.Backward(loss, float32(o.Weight))
}

// Eval is the error of b.
func (m *Model) Eval(x tensor.Exec, b *data.Batch, _ int) (data.Outcome, error) {
	net, shapes, err := m.read(b)
	if err != nil {
		return data.Outcome{}, err
	}
	p := m.pass(x, b.Lengths, false)
	defer p.Close()
	loss := net.loss(p, b, shapes)
	if err := p.G.Forward(); err != nil {
		return data.Outcome{}, err
	}
	return data.Outcome{Loss: float64(loss.Scalar()), Targets: m.Targets(b), Numbers: true}, nil
}

// State is nothing: batches are independent.
func (m *Model) State() []byte { return nil }

// Restore accepts the state of State.
func (m *Model) Restore(state []byte) error {
	if len(state) > 0 {
		return fmt.Errorf("patchflow: %d bytes of state, expected none", len(state))
	}
	return nil
}
