package mechanism

import (
	"sync"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// haloCore is a softmax over the rows that one rank owns. The owner forms every sum about its rows (see [attention.Share]), but for long
// rows, which see or are seen by very many: their sums go from rank to rank.
//
// Keys and values of others are fetched for each pass, and not kept between them. To keep them would save a third of the bytes, 2·k a row
// (k = Hkv·D). But it would hold them for every layer at once: little for a window, and all keys for a pattern that sees all.
type haloCore struct {
	softmaxLayer
	s     *parallel.Share
	needs *needs
	first int // the distance of the first row of r

	forward  *attention.Attention
	once     sync.Once // makes backward, when it is first asked for
	backward *attention.Attention
	err      error
}

// overHalo is the Core of this rank's rows with halos. n is nil, or what l needs.
func overHalo(l softmaxLayer, s *parallel.Share, n *needs) (Core, error) {
	var err error
	if n == nil {
		if n, err = l.needs(s, someLong); err != nil {
			return nil, err
		}
	}
	c := &haloCore{softmaxLayer: l, s: s, needs: n}
	c.first, _ = Distances(attention.Self(s.Lengths...), l.Causal)
	c.forward, err = attention.NewShares(l.c, c.shares(n.keys, n.long, nil))
	return c, err
}

// shares lists this rank's parts of sequences, with the rows of others that it has.
func (c *haloCore) shares(keys, queries []links, units []longUnit) (all []attention.Share) {
	rank := c.s.Engine.Rank()
	start, next := 0, 0
	for _, p := range c.s.Pieces(rank) {
		for ; next < p.Sequence; next++ {
			start += c.s.Lengths[next]
		}
		n := c.s.Lengths[p.Sequence]
		share := attention.Share{Tokens: n, Own: pattern.Span{Lo: p.From, Hi: p.To}, Keys: inside(keys[rank], start, n),
			Queries: inside(queries[rank], start, n)}
		for _, t := range c.needs.tiles {
			if t.sequence == p.Sequence {
				share.LongQueries = append(share.LongQueries, pattern.Span{Lo: t.at, Hi: t.end})
			}
		}
		for _, u := range units {
			if u.sequence == p.Sequence {
				share.LongKeys = append(share.LongKeys, pattern.Span{Lo: u.at, Hi: u.end})
			}
		}
		all = append(all, share)
	}
	return all
}

// inside are the rows of a sequence of n rows from start on, as positions in it.
func inside(l links, start, n int) (spans []pattern.Span) {
	for _, x := range l {
		for _, s := range x.rows {
			if s.Lo >= start && s.Hi <= start+n {
				spans = append(spans, pattern.Span{Lo: s.Lo - start, Hi: s.Hi - start})
			}
		}
	}
	return spans
}

// passes returns the attention of the backward pass, which has queries of others.
func (c *haloCore) passes() (*attention.Attention, error) {
	c.once.Do(func() {
		c.backward, c.err = attention.NewShares(c.c, c.shares(c.needs.backKeys, c.needs.queries, c.needs.units))
	})
	return c.backward, c.err
}

func (c *haloCore) Queries() int   { return c.forward.Queries() }
func (c *haloCore) Keys() int      { return c.forward.Keys() }
func (c *haloCore) Saved() []Shape { return []Shape{{c.c.Heads, c.Queries()}} }
func (c *haloCore) ReadsO() bool   { return true }

// Work is that of this rank. A pair of two ranks is counted once for its query and once for its key; scores and their gradients are
// computed on both.
func (c *haloCore) Work() Work {
	a, err := c.passes()
	if err != nil {
		return Work{}
	}
	w := Work{Forward: a.ForwardFlops(), Reads: 2}
	w.Backward = 2 * float64(c.c.HeadDim*c.c.Heads) * (3*float64(a.Pairs()) + 2*float64(a.KeyPairs()))
	w.Recomputed = a.BackwardFlops() - w.Backward
	return w
}

// bound is a with the present values of the learned matrices.
func (c *haloCore) bound(a *attention.Attention, learned []tensor.Mat) (*attention.Attention, error) {
	if len(learned) == 0 {
		return a, nil
	}
	return a.With(c.bind(learned, c.first))
}

// Forward fetches the keys that own queries see, and the long queries that see own keys. While they are on their way it computes the
// queries that see own keys alone: of a window nearly all. Scratch from x.Pool: those rows, what is sent, sums, and that of
// [attention.Attention].Forward.
func (c *haloCore) Forward(x tensor.Exec, out Out, in In) (err error) {
	a, err := c.bound(c.forward, in.Learned)
	if err == nil {
		err = c.check(x.Pool, in, out)
	}
	if err != nil {
		return err
	}
	f := &fetch{s: c.s, x: x}
	defer f.free()
	in.Far.K, in.Far.V = f.rows(c.needs.keys, in.K), f.rows(c.needs.keys, in.V)
	in.Far.Q = f.rows(c.needs.long, in.Q)
	arrive := f.begin("keys and values")
	defer func() { // the memory of what is on its way is given back only then
		if late := arrive(); err == nil {
			err = late
		}
	}()
	in.Far.Arrive = arrive
	p, err := a.StartForward(x, in.In)
	if err != nil {
		return err
	}
	defer p.Free()
	if err := p.Own(out.attention()); err != nil {
		return err
	}
	width, _, _ := a.SumWidths()
	r := newRelay(c.s, x, c.needs.tileSums, width, in.Q)
	defer r.free()
	if err := r.run("sums of outputs", func(sums tensor.Mat, of []part) error { return p.Sums(sums, c.querySums(of)) }); err != nil {
		return err
	}
	return p.Join(out.attention(), r.own, c.querySums(r.ownParts))
}

// Backward fetches the keys that own queries see once more, and the queries that see own keys, with their output gradients, LSE and δ.
// Scratch from x.Pool: those, what is sent, sums, own δ, and that of [attention.Attention].Backward.
func (c *haloCore) Backward(x tensor.Exec, g Grads, do tensor.Mat, out Out, in In) error {
	a, err := c.passes()
	if err == nil {
		a, err = c.bound(a, in.Learned)
	}
	if err == nil {
		err = c.check(x.Pool, in, out, check.Of("DO", do, c.Queries(), c.Widths().Q), check.Of("DQ", g.DQ, c.Queries(), c.Widths().Q),
			check.Of("DK", g.DK, c.Keys(), c.Widths().KV), check.Of("DV", g.DV, c.Keys(), c.Widths().KV),
			check.Of("LSE", out.attention().LSE, c.c.Heads, c.Queries()))
	}
	if err != nil {
		return err
	}
	in.Delta = x.Pool.Get(tensor.F32, c.c.Heads, c.Queries())
	defer x.Pool.Put(in.Delta)
	if err := a.Deltas(x, in.Delta, do, out.O); err != nil {
		return err
	}
	f := &fetch{s: c.s, x: x}
	defer f.free()
	in.Far.K, in.Far.V = f.rows(c.needs.backKeys, in.K), f.rows(c.needs.backKeys, in.V)
	in.Far.Q, in.Far.DO = f.rows(c.needs.queries, in.Q), f.rows(c.needs.queries, do)
	in.Far.LSE, in.Far.Delta = f.columns(c.needs.queries, out.attention().LSE), f.columns(c.needs.queries, in.Delta)
	if err := f.exchange("keys, values and queries"); err != nil {
		return err
	}
	grads := c.grads(g)
	p, err := a.StartBackward(x, grads, do, out.attention(), in.In)
	if err != nil {
		return err
	}
	defer p.Free()
	if err := p.Own(); err != nil {
		return err
	}
	c.write(g, grads)
	return c.backwardSums(x, a, p, in)
}

// backwardSums computes the gradients of long rows.
func (c *haloCore) backwardSums(x tensor.Exec, a *attention.Attention, p *attention.BackwardPass, in In) error {
	_, width, keyWidth := a.SumWidths()
	r := newRelay(c.s, x, c.needs.tileSums, width, in.Q)
	defer r.free()
	if err := r.run("sums of DQ", func(sums tensor.Mat, of []part) error { return p.Sums(sums, c.querySums(of)) }); err != nil {
		return err
	}
	if err := p.Join(r.own, c.querySums(r.ownParts)); err != nil {
		return err
	}
	k := newRelay(c.s, x, c.needs.unitSums, keyWidth, in.Q)
	defer k.free()
	if err := k.run("sums of DK and DV", func(sums tensor.Mat, of []part) error { return p.KeySums(sums, c.keySums(of)) }); err != nil {
		return err
	}
	return p.JoinKeys(k.own, c.keySums(k.ownParts))
}

// shareOf is the share of a sequence among this rank's.
func (c *haloCore) shareOf(sequence int) int {
	return sequence - c.s.Pieces(c.s.Engine.Rank())[0].Sequence
}

func (c *haloCore) querySums(of []part) (all []attention.QuerySum) {
	for _, p := range of {
		all = append(all, attention.QuerySum{Share: c.shareOf(p.sequence), At: p.at, Span: p.span, Lanes: p.lanes, Row: p.row,
			Continues: p.continues})
	}
	return all
}

func (c *haloCore) keySums(of []part) (all []attention.KeySum) {
	for _, p := range of {
		all = append(all, attention.KeySum{Share: c.shareOf(p.sequence), At: p.at, Span: p.span, Keys: p.keys, Row: p.row,
			Continues: p.continues})
	}
	return all
}

// check refuses matrices that are not the rank's rows, before other ranks wait for them.
func (c *haloCore) check(pool *tensor.Pool, in In, out Out, more ...check.Mat) error {
	_, err := check.Mats("mechanism", pool, append(more, check.Of("Q", in.Q, c.Queries(), c.Widths().Q), check.Of("O", out.O, c.Queries(),
		c.Widths().Q), check.Of("K", in.K, c.Keys(), c.Widths().KV), check.Of("V", in.V, c.Keys(), c.Widths().KV))...)
	return err
}
