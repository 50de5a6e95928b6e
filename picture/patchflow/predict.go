package patchflow

import (
	"context"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// band is the number of tokens that are embedded, and made patches of, at a time, about: 8,192 rows of inputs are 13 MB, where those of a
// 4K picture would be 207.
const band = 8192

// task is a pass of a network.
type task struct {
	net       *net
	look      *contrast
	noisy     func(t int, dst []float32) // writes the residual x_t of a token; nil: zeros
	condition Condition
}

// predict computes r for all patches of a task, and gives each to use, which is called on several goroutines. It ends early when ctx is
// done, but not amid the layers: three seconds of a 4K picture.
//
// Memory: some four times T·hidden elements of the policy's type and T·width, and scratch that does not grow with T.
func (m *Model) predict(ctx context.Context, x tensor.Exec, k task, use func(t int, r []float32)) error {
	net, grid := k.net, k.look.grid
	n := grid.Height * grid.Width
	embedded := x.Pool.Get(m.policy.Activations, n, net.config.Width)
	defer x.Pool.Put(embedded)
	for from := 0; from < n; from += band {
		to := min(from+band, n)
		if err := m.embedBand(x, k, from, embedded.SliceRows(from, to)); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p := m.pass(x, []int{n}, false)
	defer p.Close()
	mixed := p.G.Keep(net.mix(p, p.G.Input(embedded), []autograd.Grid{grid}))
	if err := m.forward(p); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	rows := max(1, band/grid.Width) // of the grid
	for from := 0; from < grid.Height; from += rows {
		if err := m.finishBand(x, net, mixed.Value(), grid, from, min(from+rows, grid.Height), use); err != nil {
			return err
		}
	}
	return nil
}

// embedBand writes the embedded tokens from on to dst.
func (m *Model) embedBand(x tensor.Exec, k task, from int, dst tensor.Mat) error {
	patch := k.look.patch
	in := x.Pool.Get(tensor.F32, dst.Rows, inputs(patch))
	defer x.Pool.Put(in)
	if !in.Dry() {
		pool.Run(x.Threads, dst.Rows, func(_, i int) {
			k.look.input(in.Row(i), from+i, k.noisy, k.condition)
		})
	}
	p := m.pass(x, []int{dst.Rows}, false)
	defer p.Close()
	y := p.G.Keep(k.net.embed.Apply(p, p.G.Input(in)))
	if err := m.forward(p); err != nil {
		return err
	}
	if !in.Dry() {
		dst.CopyFrom(y.Value())
	}
	return nil
}

// finishBand gives the r of the tokens in rows from … to−1 of a grid to use. Patches that are blended need a row more on each side.
func (m *Model) finishBand(x tensor.Exec, net *net, mixed tensor.Mat, grid autograd.Grid, from, to int,
	use func(t int, r []float32)) error {
	first, last := from, to
	if net.config.Margin > 0 {
		first, last = max(0, from-1), min(grid.Height, to+1)
	}
	part := autograd.Grid{Height: last - first, Width: grid.Width}
	p := m.pass(x, []int{part.Height * part.Width}, false)
	defer p.Close()
	r := p.G.Keep(net.finish(p, p.G.Input(mixed.SliceRows(first*grid.Width, last*grid.Width)), []autograd.Grid{part}))
	if err := m.forward(p); err != nil {
		return err
	}
	if !mixed.Dry() {
		before := (from - first) * grid.Width
		pool.Run(x.Threads, (to-from)*grid.Width, func(_, i int) { use(from*grid.Width+i, r.Value().Row(before+i)) })
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
