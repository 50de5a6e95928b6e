package patchflow

import (
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// band is the number of tokens that are embedded, and made patches of, at a time: 8,192 rows of inputs are 13 MB, where those of a 4K
// picture would be 207.
const band = 8192

// predict computes r for all patches of c, and gives each to use, which is called on several goroutines. noisy are the residuals x_t, of
// outputs numbers a token, or nil for zeros.
//
// Memory: some four times T·hidden elements of the policy's type and T·width, and scratch that does not grow with T.
func (m *Model) predict(x tensor.Exec, net *net, c *contrast, noisy []float32, o Condition, use func(t int, r []float32)) error {
	n := c.grid.Height * c.grid.Width
	embedded := x.Pool.Get(m.policy.Activations, n, net.config.Width)
	defer x.Pool.Put(embedded)
	for from := 0; from < n; from += band {
		to := min(from+band, n)
		if err := m.embedBand(x, net, c, noisy, o, from, embedded.SliceRows(from, to)); err != nil {
			return err
		}
	}
	p := m.pass(x, []int{n}, false)
	defer p.Close()
	mixed := p.G.Keep(net.mix(p, p.G.Input(embedded), []autograd.Grid{c.grid}))
	if err := m.forward(p); err != nil {
		return err
	}
	for from := 0; from < n; from += band {
		to := min(from+band, n)
		if err := m.finishBand(x, net, mixed.Value().SliceRows(from, to), func(i int, r []float32) { use(from+i, r) }); err != nil {
			return err
		}
	}
	return nil
}

// embedBand writes the embedded tokens from on to dst.
func (m *Model) embedBand(x tensor.Exec, net *net, c *contrast, noisy []float32, o Condition, from int, dst tensor.Mat) error {
	numbers := outputs(c.patch)
	in := x.Pool.Get(tensor.F32, dst.Rows, inputs(c.patch))
	defer x.Pool.Put(in)
	if !in.Dry() {
		pool.Run(x.Threads, dst.Rows, func(_, i int) {
			t := from + i
			var own []float32
			if noisy != nil {
				own = noisy[t*numbers : (t+1)*numbers]
			}
			c.input(in.Row(i), t, own, o)
		})
	}
	p := m.pass(x, []int{dst.Rows}, false)
	defer p.Close()
	y := p.G.Keep(net.embed.Apply(p, p.G.Input(in)))
	if err := m.forward(p); err != nil {
		return err
	}
	if !in.Dry() {
		dst.CopyFrom(y.Value())
	}
	return nil
}

// finishBand gives the r of each row of mixed to use.
func (m *Model) finishBand(x tensor.Exec, net *net, mixed tensor.Mat, use func(i int, r []float32)) error {
	p := m.pass(x, []int{mixed.Rows}, false)
	defer p.Close()
	r := p.G.Keep(net.finish(p, p.G.Input(mixed)))
	if err := m.forward(p); err != nil {
		return err
	}
	if !mixed.Dry() {
		pool.Run(x.Threads, mixed.Rows, func(_, i int) { use(i, r.Value().Row(i)) })
	}
	return nil
}

// forward runs a pass, and adds its cost to that of the model.
func (m *Model) forward(p *nn.Pass) error {
	err := p.G.Forward()
	if m.cost != nil {
		m.cost.Add(p.G.Cost())
	}
	return err
}
