package autograd

import (
	"slices"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/mechanism"
)

// decode is attention of new tokens after those that a state has taken.
type decode struct {
	noBackward
	state mechanism.State
	parts int // matrices that hold Q, K and V: 1 or 2
}

// Decode takes the n tokens of qkv [n, (H + 2·Hkv)·D] into the state when it runs, and returns the outputs of their queries: [n, H·D].
// learned are the matrices that the state lists. For graphs without Train.
func (g *Graph) Decode(state mechanism.State, qkv *Var, learned ...*Var) *Var {
	return g.decode("Decode", state, []*Var{qkv}, learned)
}

// DecodeCross is Decode with the queries in a matrix of their own: q is [n, H·D] and kv [n, 2·Hkv·D].
func (g *Graph) DecodeCross(state mechanism.State, q, kv *Var, learned ...*Var) *Var {
	return g.decode("DecodeCross", state, []*Var{q, kv}, learned)
}

func (g *Graph) decode(name string, state mechanism.State, parts, learned []*Var) *Var {
	w, in := state.Widths(), append(parts, learned...)
	if !g.checkInference(name, in...) || !g.checkParts(name, w, in[0].rows, in[0].rows, parts) || !g.checkLearned(name, state.Learned(),
		learned) {
		return g.nothing()
	}
	return g.record(&decode{state: state, parts: len(parts)}, in[0].typ, in[0].rows, w.Q, in...)
}

func (o *decode) forward(c *call) error {
	in := mechanism.In{In: split(o.state.Widths(), c.in[:o.parts]), Learned: c.in[o.parts:]}
	return o.state.Step(c.x, c.out, in)
}

// cost is read after forward: the new tokens are in the state.
func (o *decode) cost(out *Var, _ []*Var) (forward, backward Cost) {
	flops, bytes := o.state.Work(out.rows)
	return Cost{Attention: flops, Moved: bytes}, Cost{}
}

// decodeEach is decode of one token of each of several sequences.
type decodeEach struct {
	noBackward
	states []mechanism.State
	parts  int // matrices that hold Q, K and V: 1 or 2
}

// DecodeEach is Decode of one token of each of several sequences, whose states have the same number of tokens: row i of the matrices
// belongs to states[i]. parts is qkv alone, as Decode takes it, or q and kv, as DecodeCross does.
func (g *Graph) DecodeEach(states []mechanism.State, parts []*Var, learned ...*Var) *Var {
	if len(states) == 0 || len(parts) == 0 {
		return g.failf("DecodeEach: found %d states and %d matrices, expected at least one of each", len(states), len(parts))
	}
	w, in := states[0].Widths(), slices.Concat(parts, learned)
	if !g.checkInference("DecodeEach", in...) || !g.checkParts("DecodeEach", w, len(states), len(states), parts) ||
		!g.checkLearned("DecodeEach", states[0].Learned(), learned) {
		return g.nothing()
	}
	return g.record(&decodeEach{states: states, parts: len(parts)}, in[0].typ, in[0].rows, w.Q, in...)
}

func (o *decodeEach) forward(c *call) error {
	in := split(o.states[0].Widths(), c.in[:o.parts])
	for i, s := range o.states {
		one := attention.In{Q: in.Q.SliceRows(i, i+1), K: in.K.SliceRows(i, i+1), V: in.V.SliceRows(i, i+1)}
		if err := s.Step(c.x, c.out.SliceRows(i, i+1), mechanism.In{In: one, Learned: c.in[o.parts:]}); err != nil {
			return err
		}
	}
	return nil
}

// cost is read after forward: the new tokens are in the states.
func (o *decodeEach) cost(*Var, []*Var) (forward, backward Cost) {
	for _, s := range o.states {
		flops, bytes := s.Work(1)
		forward.Add(Cost{Attention: flops, Moved: bytes})
	}
	return forward, Cost{}
}

// decodeOver is attention of queries over keys and values that stay as they are.
type decodeOver struct {
	noBackward
	keys *mechanism.KeyValues
}

// DecodeOver returns the attention [n, H·D] of queries q [n, H·D] over all keys, such as those of a source. For graphs without Train.
func (g *Graph) DecodeOver(keys *mechanism.KeyValues, q *Var, learned ...*Var) *Var {
	in := append([]*Var{q}, learned...)
	if !g.checkInference("DecodeOver", in...) || !g.checkLearned("DecodeOver", keys.Learned(), learned) {
		return g.nothing()
	}
	if w := keys.Widths().Q; q.cols != w {
		return g.failf("DecodeOver: found queries of %d features, expected %d", q.cols, w)
	}
	return g.record(&decodeOver{keys: keys}, q.typ, q.rows, q.cols, in...)
}

func (o *decodeOver) forward(c *call) error { return o.keys.Attend(c.x, c.out, c.in[0], c.in[1:]) }

func (o *decodeOver) cost(out *Var, _ []*Var) (forward, backward Cost) {
	flops, bytes := o.keys.Work(out.rows)
	return Cost{Attention: flops, Moved: bytes}, Cost{}
}

// checkInference refuses an operation that has no backward pass on a graph that trains.
func (g *Graph) checkInference(name string, in ...*Var) bool {
	if g.options.Train {
		g.failf("%s: found a graph that trains, expected one without Options.Train", name)
		return false
	}
	return g.check(name, in...)
}

// noBackward is part of operations for inference alone.
type noBackward struct{}

func (noBackward) reads() (inputs uint64, result bool) { return 0, false }
func (noBackward) backward(*backCall) error {
	panic("autograd: an operation of inference has no backward pass")
}
