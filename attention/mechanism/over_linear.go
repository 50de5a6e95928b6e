package mechanism

import (
	"fmt"

	"github.com/longspan/longspan/attention/linear"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// Linear attention hands on sums from rank to rank (Sun et al. 2024, arXiv:2404.02882, "LASP"): of the range that a border cuts, and of all
// ranges before. What a rank receives does not grow with the tokens. With S = Hkv·M·(17 + D)·4 bytes (D rounded up to 32) it is at most 2·S
// a pass with a causal mask and 3·S without. To exchange heads would take (T/R)·(2d + 2k)·s bytes forward, which is less below some hundred
// tokens a rank alone.
//
// A rank must sum its keys before the next one can begin, and sums them again as it walks through them: under a causal mask that is 2/5
// more work forward, and a fifth backward. The last rank of a sequence is spared.

// sumsCore is linear attention over the rows of one rank. One goroutine at a time uses it, as it does the engine.
type sumsCore struct {
	linearCore
	e             parallel.Engine
	before, after int   // ranks with the neighbouring rows of the sequences that go on there
	end           int   // the rank with the last row of the sequence that goes on at after
	others        []int // the other ranks with rows of the sequence that goes on at before
}

// overLinear is the Core of this rank's rows of sequences, by sums that go from rank to rank. It has the bits of one rank. It returns an
// error for other layers than linear attention.
func overLinear(l Layer, s *parallel.Share) (Core, error) {
	layer, ok := l.(linearLayer)
	if !ok {
		return nil, fmt.Errorf("mechanism: found a layer of %T, expected linear attention", l)
	}
	rank := s.Engine.Rank()
	var parts []linear.Part
	for _, p := range s.Pieces(rank) {
		parts = append(parts, linear.Part{From: p.From, To: p.To, Of: s.Lengths[p.Sequence]})
	}
	compiled, err := linear.NewParts(layer.c, parts)
	if err != nil {
		return nil, err
	}
	c := &sumsCore{linearCore: linearCore{layer, compiled}, e: s.Engine}
	lo, hi := s.Own()
	if n := len(parts); n > 0 {
		if last := parts[n-1]; last.To < last.Of {
			c.after, c.end = s.Owner(hi), s.Owner(hi+last.Of-last.To-1)
		}
		if first := parts[0]; first.From > 0 {
			c.before = s.Owner(lo - 1)
			for r := s.Owner(lo - first.From); r < rank; r++ {
				if a, b := s.Rows(r); a < b {
					c.others = append(c.others, r)
				}
			}
		}
	}
	return c, nil
}

// Saved is the sums that this rank has received.
func (c *sumsCore) Saved() []Shape {
	if rows, cols := c.l.Border(); rows > 0 {
		return []Shape{{rows, cols}}
	}
	return nil
}

// ReadsO reports that Backward has no use for O.
func (c *sumsCore) ReadsO() bool { return false }

// border is the matrix of what is saved: the zero Mat where nothing is.
func border(saved []tensor.Mat) tensor.Mat {
	if len(saved) == 0 {
		return tensor.Mat{}
	}
	return saved[0]
}

// Forward computes the outputs of this rank's rows. All ranks with rows of a sequence call it together. A rank whose call fails must end
// the others by [parallel.Engine].Abort.
func (c *sumsCore) Forward(x tensor.Exec, out Out, in In) error {
	return c.l.ForwardPart(x, &chain{sumsCore: c, name: "sums of keys"}, out.O, border(out.Saved), in.In)
}

// Backward computes the gradients of this rank's rows, as Forward does.
func (c *sumsCore) Backward(x tensor.Exec, g Grads, do tensor.Mat, out Out, in In) error {
	return c.l.BackwardPart(x, &chain{sumsCore: c, name: "sums of queries"}, linear.Grads{DQ: g.DQ, DK: g.DK, DV: g.DV}, do,
		border(out.Saved), in.In)
}

// chain moves the sums of one pass.
type chain struct {
	*sumsCore
	name string
	sent []parallel.Pending
}

// Send begins to send m.
func (c *chain) Send(to linear.Place, m tensor.Mat) {
	ranks := c.others
	switch to {
	case linear.Before:
		ranks = []int{c.before}
	case linear.After:
		ranks = []int{c.after}
	}
	var parts []parallel.Part
	for _, r := range ranks {
		parts = append(parts, parallel.MatPart(r, m))
	}
	c.sent = append(c.sent, c.e.Begin(c.name, parts, nil))
}

// Receive waits for m.
func (c *chain) Receive(from linear.Place, m tensor.Mat) error {
	rank := c.end
	switch from {
	case linear.Before:
		rank = c.before
	case linear.After:
		rank = c.after
	}
	return c.e.Begin(c.name, nil, []parallel.Part{parallel.MatPart(rank, m)}).Wait()
}

// Wait waits for all that was sent.
func (c *chain) Wait() (err error) {
	for _, p := range c.sent {
		if e := p.Wait(); err == nil {
			err = e
		}
	}
	return err
}
