package nn

import (
	"fmt"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/tensor"
)

// Params are the weights of a model, in the order in which they are made. Names depend on the configuration alone. A weight is drawn by
// seed and name, so that the initial weights of a layer do not depend on the other layers.
type Params struct {
	o      ParamsOptions
	list   []*tensor.Param
	byName map[string]*tensor.Param
	tables map[*tensor.Param]bool // those made by AddTable
	drawn  int64                  // bytes of drawn weights and of gradients
	err    error                  // the first mistake

	elements int64 // of all weights
}

// maxElements bounds the elements of all weights. Their bytes, with gradients and optimiser states, then add up to less than 2⁶³.
const maxElements = 1 << 46

// ParamsOptions are the source and the storage of weights.
type ParamsOptions struct {
	Pool  *tensor.Pool // of drawn weights and gradients; a dry pool gives weights that only count
	Seed  uint64       // of drawn weights
	Train bool         // each weight gets a gradient, and all are F32
	Type  tensor.Type  // storage of drawn tables (see Table); everything else is F32
	Load  Loader       // nil: weights are drawn by their initialisers
}

// Loader returns the stored value of a weight of rows × cols. A table may have any type; every other weight is F32. The value stays
// valid, and unchanged, as long as the Params; it belongs to the loader.
type Loader func(name string, rows, cols int, kind Kind) (tensor.Mat, error)

// Kind is how a weight is used.
type Kind uint8

// The kinds of weights.
const (
	Small Kind = iota // read element by element: F32
	Table             // a factor of products or a table of rows: F32, BF16 or F16
)

// NewParams returns an empty registry.
func NewParams(o ParamsOptions) *Params {
	if o.Train {
		o.Type = tensor.F32
	}
	return &Params{o: o, byName: map[string]*tensor.Param{}, tables: map[*tensor.Param]bool{}}
}

// Add makes a rows × cols weight that is F32. Err then returns an error for a name that is taken, since two layers would share weights
// unknowingly, for a shape without elements, and for more than 2⁴⁶ elements in all. The weight returned is then of no use.
func (p *Params) Add(name string, rows, cols int, init Init) *tensor.Param {
	return p.add(name, rows, cols, Small, init)
}

// AddTable is Add for a weight that may be stored in 16 bits.
func (p *Params) AddTable(name string, rows, cols int, init Init) *tensor.Param {
	return p.add(name, rows, cols, Table, init)
}

func (p *Params) add(name string, rows, cols int, kind Kind, init Init) *tensor.Param {
	switch {
	case p.err != nil:
		return p.fail(p.err)
	case p.byName[name] != nil:
		return p.fail(fmt.Errorf("nn: found two weights named %q, expected names of their own; give the layers different names", name))
	case rows < 1 || cols < 1:
		return p.fail(fmt.Errorf("nn: found a weight %q of %d×%d, expected at least one element", name, rows, cols))
	case int64(rows) > (maxElements-p.elements)/int64(cols):
		return p.fail(fmt.Errorf("nn: found a weight %q of %d×%d, expected at most %d elements in all weights",
			name, rows, cols, int64(maxElements)))
	}
	if err := p.room(rows, cols, kind); err != nil {
		return p.fail(err)
	}
	p.elements += int64(rows) * int64(cols)
	w := &tensor.Param{Name: name}
	if p.o.Load != nil {
		var err error
		if w.Value, err = p.o.Load(name, rows, cols, kind); err != nil {
			return p.fail(err)
		}
	} else {
		w.Value = p.draw(name, rows, cols, kind, init)
	}
	if p.o.Train {
		w.Grad = p.o.Pool.GetZero(tensor.F32, rows, cols)
	}
	p.list = append(p.list, w)
	p.byName[name], p.tables[w] = w, kind == Table
	return w
}

// room counts a weight, and refuses weights and gradients of more bytes than the machine has. What else takes memory is for a plan.
func (p *Params) room(rows, cols int, kind Kind) error {
	if p.o.Pool.Dry() {
		return nil
	}
	size := 0
	if p.o.Load == nil {
		size += p.typeOf(kind).Size()
	}
	if p.o.Train {
		size += tensor.F32.Size()
	}
	p.drawn = memory.Sum(p.drawn, memory.Product(rows, cols, size))
	if p.drawn < 1<<30 {
		return nil // which asks the system nothing
	}
	if total := memory.Read().Total; total > 0 && p.drawn > total {
		return &memory.Error{What: "this model", Need: p.drawn, Available: total, Advice: "use fewer or smaller layers"}
	}
	return nil
}

// typeOf is the type of a drawn weight.
func (p *Params) typeOf(kind Kind) tensor.Type {
	if kind == Table {
		return p.o.Type
	}
	return tensor.F32
}

// draw makes the initial value of a weight.
func (p *Params) draw(name string, rows, cols int, kind Kind, init Init) tensor.Mat {
	value, seed := p.o.Pool.Get(p.typeOf(kind), rows, cols), hashName(p.o.Seed, name)
	if value.Dry() {
		return value
	}
	row := make([]float32, cols)
	for i := range rows {
		init.fill(row, seed, uint64(i)*uint64(cols))
		value.WriteRow(i, row)
	}
	return value
}

func (p *Params) fail(err error) *tensor.Param {
	if p.err == nil {
		p.err = err
	}
	return &tensor.Param{Value: tensor.New(tensor.F32, 1, 1)}
}

// Pool is the pool of drawn weights.
func (p *Params) Pool() *tensor.Pool { return p.o.Pool }

// Err is the first error of Add, if any. Check it once, when all layers are made.
func (p *Params) Err() error { return p.err }

// All lists every weight, in the order in which they are made.
func (p *Params) All() []*tensor.Param { return p.list }

// Named returns a weight, or nil.
func (p *Params) Named(name string) *tensor.Param { return p.byName[name] }

// IsTable reports whether AddTable made w.
func (p *Params) IsTable(w *tensor.Param) bool { return p.tables[w] }

// As lists every weight with its tables as type t, for a file. What has that type already is not copied.
func (p *Params) As(t tensor.Type) ([]tensor.Param, error) {
	var all []tensor.Param
	for _, w := range p.All() {
		value := w.Value
		if p.IsTable(w) && value.Type != t {
			value = tensor.New(t, value.Rows, value.Cols)
			if err := tensor.Convert(tensor.Exec{}, value, w.Value); err != nil {
				return nil, err
			}
		}
		all = append(all, tensor.Param{Name: w.Name, Value: value})
	}
	return all, nil
}

// Count is the number of weights, element by element.
func (p *Params) Count() int64 {
	return p.elements
}

// Bytes is the size of all weights as they are stored.
func (p *Params) Bytes() (bytes int64) {
	for _, w := range p.list {
		bytes += w.Value.Bytes()
	}
	return bytes
}

// ZeroGrads clears every gradient.
func (p *Params) ZeroGrads() {
	for _, w := range p.list {
		clear(w.Grad.F32)
	}
}

// Free returns drawn weights and gradients to the pool. They must not be used afterwards.
func (p *Params) Free() {
	for _, w := range p.list {
		if p.o.Load == nil {
			p.o.Pool.Put(w.Value)
		}
		if p.o.Train {
			p.o.Pool.Put(w.Grad)
		}
	}
	p.list, p.byName, p.elements = nil, map[string]*tensor.Param{}, 0
}

// Leaf is w on the graph of p, with its gradient if the graph trains; nil for nil. Where ranks share the features of layers, the
// operation is one that all of them do alike, so that its gradient counts on the first alone.
func (p *Pass) Leaf(w *tensor.Param) *autograd.Var {
	return p.leaf(w, p.firstOfTensor())
}

// PartLeaf is Leaf of a weight of which this rank computes its own part of the gradient.
func (p *Pass) PartLeaf(w *tensor.Param) *autograd.Var { return p.leaf(w, true) }

// leafKey is a weight, and whether it takes a gradient.
type leafKey struct {
	w     *tensor.Param
	wants bool
}

// leaf is one variable for all operations that read w, with its gradient if it wants one and the graph trains.
func (p *Pass) leaf(w *tensor.Param, wants bool) *autograd.Var {
	if w == nil {
		return nil
	}
	key := leafKey{w, wants && p.G.Train() && !w.Fixed}
	first := p.first()
	v := first.leaves[key]
	if v != nil {
		return v
	}
	if key.wants {
		v = p.G.Leaf(w.Value, p.grad(w))
	} else {
		v = p.G.Input(w.Value)
	}
	if first.leaves == nil {
		first.leaves = map[leafKey]*autograd.Var{}
	}
	first.leaves[key] = v
	return v
}

// grad is where the gradient of w is added. A weight that is the first rows of another has its name.
func (p *Pass) grad(w *tensor.Param) tensor.Mat {
	if g, ok := p.Grads[w.Name]; ok {
		return g.SliceRows(0, w.Grad.Rows)
	}
	return w.Grad
}

// GradsFinite reports whether every gradient is a finite number. After a step in fp16 it reports whether the loss scale was low enough.
func (p *Params) GradsFinite() bool {
	for _, w := range p.list {
		// 0·x is 0 for finite x and NaN otherwise, and a NaN stays one in a sum.
		sum := float32(0)
		for _, v := range w.Grad.F32 {
			sum += 0 * v
		}
		if sum != 0 {
			return false
		}
	}
	return true
}
