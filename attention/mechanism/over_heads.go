package mechanism

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// All-to-all by heads (Jacobs et al. 2023, arXiv:2309.14509, "DeepSpeed Ulysses"): each rank has some of the rows of all heads, and gets
// all rows of some of the heads. It serves every mechanism, since a head is computed whole, by the code and in the order of one rank. So
// the results have the bits of one rank.
//
// With d = H·D, k = Hkv·D and s bytes an element, a rank of R receives about (R−1)/R·(T/R)·s bytes for each column: 2d + 2k columns forward
// and 3d + 4k backward, of which d + 2k are Q, K and V once more. These could be kept by head instead. But then every layer would hold them
// twice, about a fifth more than a layer of a Transformer keeps anyway, and memory is why a sequence is cut. On a network of 2.6 GB/s the
// second exchange is below 1 % of the time of dense attention over 65,536 tokens. In the place of the output a rank receives δ, a number a
// row and head, and nothing from mechanisms that save nothing.

// headed is a layer of heads that can be computed apart. All layers of this package are.
type headed interface {
	Layer
	config() Config
	// heads is the layer of key/value heads lo … hi−1 with their query heads, which computes the bits that the whole layer has there.
	heads(lo, hi int) Layer
}

func (c Config) config() Config { return c }

// group is the number of query heads that share a key/value head.
func (c Config) group() int { return c.Heads / c.KVHeads }

// headsCore is a Core of the rows of one rank. One goroutine at a time uses it, as it does the engine.
type headsCore struct {
	headed
	e       parallel.Engine
	part    Core  // this rank's heads over all rows; of a rank without heads the first, which is never run
	idle    bool  // this rank has no heads
	queries []int // rank r has rows queries[r] … queries[r+1]−1 of Q
	keys    []int // the same of K and V

	deltas *attention.Attention // computes δ of own rows; nil for a mechanism that saves nothing
}

// overHeads is the Core of this rank's rows of sequences over themselves, by all-to-all over heads. A rank may have no rows or no heads.
func overHeads(l Layer, s *parallel.Share) (Core, error) {
	return overHeadsCross(l, s, attention.Self(s.Lengths...), s.Cuts)
}

// overHeadsCross is overHeads where queries are other rows than keys: seqs of the whole batch, of whose keys the ranks have the rows of s,
// and of whose queries rank r has rows queries[r] … queries[r+1]−1.
func overHeadsCross(l Layer, s *parallel.Share, seqs []attention.Seq, queries []int) (Core, error) {
	h, ok := l.(headed)
	if !ok {
		return nil, fmt.Errorf("mechanism: found a layer of %T, expected one that New returned", l)
	}
	if err := errors.Join(together(l), checkCuts(s, seqs, queries)); err != nil {
		return nil, err
	}
	c := &headsCore{headed: h, e: s.Engine, queries: queries, keys: s.Cuts}
	lo, hi := c.own()
	if c.idle = lo == hi; c.idle {
		lo, hi = 0, 1
	}
	var err error
	if c.part, err = h.heads(lo, hi).Compile(seqs); err != nil || !c.part.ReadsO() {
		return c, err
	}
	c.deltas, err = attention.New(attention.Config{Heads: c.config().Heads, HeadDim: c.config().HeadDim}, []attention.Seq{{Q: c.Queries()}})
	return c, err
}

// checkCuts refuses cuts that do not part the rows of seqs.
func checkCuts(s *parallel.Share, seqs []attention.Seq, queries []int) error {
	q, k, ranks := 0, 0, s.Engine.Size()
	for _, seq := range seqs {
		q, k = q+seq.Q, k+seq.K
	}
	for _, x := range []struct {
		name string
		cuts []int
		rows int
	}{{"queries", queries, q}, {"keys", s.Cuts, k}} {
		ok := len(x.cuts) == ranks+1 && x.cuts[0] == 0 && x.cuts[ranks] == x.rows
		for r := 0; ok && r < ranks; r++ {
			ok = x.cuts[r] <= x.cuts[r+1]
		}
		if !ok {
			return fmt.Errorf("mechanism: found the cuts %v of %d %s between %d ranks, expected %d rising numbers from 0 to %[2]d", x.cuts, x.rows,
				x.name, ranks, ranks+1)
		}
	}
	return nil
}

// own is the key/value heads of this rank.
func (c *headsCore) own() (lo, hi int) { return c.headsOf(c.e.Rank()) }

func (c *headsCore) headsOf(rank int) (lo, hi int) {
	return parallel.Cut(c.config().KVHeads, 1, c.e.Size(), rank)
}

func (c *headsCore) Queries() int   { return c.queries[c.e.Rank()+1] - c.queries[c.e.Rank()] }
func (c *headsCore) Keys() int      { return c.keys[c.e.Rank()+1] - c.keys[c.e.Rank()] }
func (c *headsCore) Widths() Widths { return c.config().Widths() }

// Saved is what this rank's heads save. A rank without heads saves matrices without rows: its outputs are read in Backward by other ranks.
func (c *headsCore) Saved() []Shape {
	saved := c.part.Saved()
	for i := range saved {
		if c.idle {
			saved[i].Rows = 0
		}
	}
	return saved
}

// ReadsO is that of the heads.
func (c *headsCore) ReadsO() bool { return c.part.ReadsO() }

// Work is that of this rank's heads.
func (c *headsCore) Work() Work {
	if c.idle {
		return Work{}
	}
	return c.part.Work()
}

// sheet is a matrix by rows, as the rank has it, and by heads, as the rank computes with it.
type sheet struct {
	own    tensor.Mat // own rows of all heads
	heads  tensor.Mat // all rows of own heads
	cuts   []int      // of the rows
	factor int        // columns of a key/value head
}

// sheets makes Q and its like, then K, V and their like, with memory for their heads.
func (c *headsCore) sheets(pool *tensor.Pool, queries, keys []tensor.Mat) (all []sheet) {
	lo, hi := c.own()
	add := func(m tensor.Mat, cuts []int, factor int) {
		all = append(all, sheet{m, pool.Get(m.Type, cuts[len(cuts)-1], (hi-lo)*factor), cuts, factor})
	}
	for _, m := range queries {
		add(m, c.queries, c.config().group()*c.config().HeadDim)
	}
	for _, m := range keys {
		add(m, c.keys, c.config().HeadDim)
	}
	return all
}

// rows is what rank has of a sheet by heads, and columns what it gets of one by rows.
func (s *sheet) rows(rank int) tensor.Mat { return s.heads.SliceRows(s.cuts[rank], s.cuts[rank+1]) }

func (s *sheet) columns(lo, hi int) tensor.Mat { return s.own.SliceCols(lo*s.factor, hi*s.factor) }

// parcels lists the parts of sheets by rows and by heads that go to or come from each rank, the next rank first.
func (c *headsCore) parcels(sheets []sheet) (byRow, byHead []parcel) {
	for i := range c.e.Size() {
		to, from := (c.e.Rank()+i)%c.e.Size(), (c.e.Rank()-i+c.e.Size())%c.e.Size()
		lo, hi := c.headsOf(to)
		for _, s := range sheets {
			byRow = append(byRow, parcel{to, s.columns(lo, hi)})
			byHead = append(byHead, parcel{from, s.rows(from)})
		}
	}
	return byRow, byHead
}

// toHeads fills the sheets and δ by heads.
func (c *headsCore) toHeads(x tensor.Exec, name string, sheets []sheet, d delta) error {
	byRow, byHead := c.parcels(sheets)
	rows, heads := c.deltaParcels(d)
	return move(c.e, x, name, append(byRow, rows...), append(byHead, heads...))
}

// toRows fills the sheets by rows.
func (c *headsCore) toRows(x tensor.Exec, name string, sheets []sheet) error {
	byRow, byHead := c.parcels(sheets)
	return move(c.e, x, name, byHead, byRow)
}

func put(pool *tensor.Pool, sheets []sheet) {
	for _, s := range sheets {
		pool.Put(s.heads)
	}
}

// delta is δ = dO·O of own rows of all heads [H, own rows], and of all rows of own heads [own H, rows].
type delta struct{ own, heads tensor.Mat }

// newDelta computes δ of own rows. It is nothing for a mechanism that saves nothing.
func (c *headsCore) newDelta(x tensor.Exec, do, o tensor.Mat) (d delta, err error) {
	if c.deltas == nil {
		return d, nil
	}
	lo, hi := c.own()
	d.own = x.Pool.Get(tensor.F32, c.config().Heads, c.Queries())
	d.heads = x.Pool.Get(tensor.F32, (hi-lo)*c.config().group(), c.queries[c.e.Size()])
	return d, c.deltas.Deltas(x, d.own, do, o)
}

// deltaParcels is parcels of δ.
func (c *headsCore) deltaParcels(d delta) (byRow, byHead []parcel) {
	if d.own.Rows == 0 {
		return nil, nil
	}
	for r := range c.e.Size() {
		lo, hi := c.headsOf(r)
		byRow = append(byRow, parcel{r, d.own.SliceRows(lo*c.config().group(), hi*c.config().group())})
		byHead = append(byHead, parcel{r, d.heads.SliceCols(c.queries[r], c.queries[r+1])})
	}
	return byRow, byHead
}

func (d delta) put(pool *tensor.Pool) {
	pool.Put(d.heads)
	pool.Put(d.own)
}

// learned views what belongs to this rank's heads in learned matrices: the columns or the rows that grow with the heads.
func (c *headsCore) learned(all []tensor.Mat) (part []tensor.Mat) {
	lo, hi := c.own()
	whole, heads := c.Learned(), c.config().KVHeads
	for i, p := range c.part.Learned() {
		m, w := all[i], whole[i]
		if p.Rows != w.Rows {
			m = m.SliceRows(w.Rows/heads*lo, w.Rows/heads*hi)
		}
		if p.Cols != w.Cols {
			m = m.SliceCols(w.Cols/heads*lo, w.Cols/heads*hi)
		}
		part = append(part, m)
	}
	return part
}

// ofQueries and ofKeys are matrices of this rank's rows, with the shapes that they must have.
func (c *headsCore) ofQueries(name string, m tensor.Mat) check.Mat {
	return check.Of(name, m, c.Queries(), c.Widths().Q)
}

func (c *headsCore) ofKeys(name string, m tensor.Mat) check.Mat {
	return check.Of(name, m, c.Keys(), c.Widths().KV)
}

// checkLearned refuses learned matrices of other shapes than a layer lists.
func checkLearned(l Layer, all []tensor.Mat) error {
	want := l.Learned()
	if len(all) != len(want) {
		return fmt.Errorf("mechanism: found %d learned matrices, expected %d: %v", len(all), len(want), want)
	}
	for i, w := range want {
		if w.Rows == 0 {
			w.Rows = all[i].Rows
		}
		if err := check.Shape("mechanism", check.Of(w.Name, all[i], w.Rows, w.Cols)); err != nil {
			return err
		}
	}
	return nil
}

// Forward computes the outputs of this rank's rows. All ranks call it together. A rank whose call fails must end the others by
// [parallel.Engine].Abort.
//
// Scratch from x.Pool: Q, K and V of own heads over all rows, then as much for what is sent, which is given back before the part's own
// Forward, and the output by heads.
func (c *headsCore) Forward(x tensor.Exec, out Out, in In) error {
	if _, err := check.Mats("mechanism", x.Pool, c.ofQueries("Q", in.Q), c.ofQueries("O", out.O), c.ofKeys("K", in.K),
		c.ofKeys("V", in.V)); err != nil {
		return err
	}
	if err := checkLearned(c, in.Learned); err != nil {
		return err
	}
	read := c.sheets(x.Pool, []tensor.Mat{in.Q}, []tensor.Mat{in.K, in.V})
	err := c.toHeads(x, "queries, keys and values by heads", read, delta{})
	written := c.sheets(x.Pool, []tensor.Mat{out.O}, nil)
	defer put(x.Pool, written)
	if err == nil && !c.idle {
		part := In{attention.In{Q: read[0].heads, K: read[1].heads, V: read[2].heads}, c.learned(in.Learned)}
		err = c.part.Forward(x, Out{written[0].heads, out.Saved}, part)
	}
	put(x.Pool, read)
	if err != nil {
		return err
	}
	return c.toRows(x, "outputs by rows", written)
}

// Backward computes the gradients of this rank's rows. Those of learned matrices are written for this rank's heads and are zero elsewhere:
// the gradients are the sums over all ranks. Ranks, errors and scratch are as in Forward, with dO, dQ, dK, dV and two of δ beside Q, K and
// V.
func (c *headsCore) Backward(x tensor.Exec, g Grads, do tensor.Mat, out Out, in In) error {
	if err := c.checkBackward(x.Pool, g, do, out, in); err != nil {
		return err
	}
	read := c.sheets(x.Pool, []tensor.Mat{in.Q, do}, []tensor.Mat{in.K, in.V})
	d, err := c.newDelta(x, do, out.O)
	if err == nil {
		err = c.toHeads(x, "queries, keys, values and gradients by heads", read, d)
	}
	written := c.sheets(x.Pool, []tensor.Mat{g.DQ}, []tensor.Mat{g.DK, g.DV})
	defer put(x.Pool, written)
	clearMats(g.Learned)
	if err == nil && !c.idle {
		part := In{attention.In{Q: read[0].heads, K: read[2].heads, V: read[3].heads, Delta: d.heads}, c.learned(in.Learned)}
		grads := Grads{written[0].heads, written[1].heads, written[2].heads, c.learned(g.Learned)}
		err = c.part.Backward(x, grads, read[1].heads, Out{Saved: out.Saved}, part)
	}
	put(x.Pool, read)
	if c.deltas != nil {
		d.put(x.Pool)
	}
	if err != nil {
		return err
	}
	return c.toRows(x, "gradients by rows", written)
}

func (c *headsCore) checkBackward(pool *tensor.Pool, g Grads, do tensor.Mat, out Out, in In) error {
	mats := []check.Mat{c.ofQueries("Q", in.Q), c.ofQueries("DO", do), c.ofQueries("DQ", g.DQ), c.ofKeys("K", in.K), c.ofKeys("V", in.V),
		c.ofKeys("DK", g.DK), c.ofKeys("DV", g.DV)}
	if c.deltas != nil {
		mats = append(mats, c.ofQueries("O", out.O))
	}
	if _, err := check.Mats("mechanism", pool, mats...); err != nil {
		return err
	}
	if err := checkLearned(c, in.Learned); err != nil {
		return err
	}
	return checkLearned(c, g.Learned)
}

// clearMats sets F32 matrices to zero.
func clearMats(mats []tensor.Mat) {
	for _, m := range mats {
		for i := 0; i < m.Rows && !m.Dry(); i++ {
			clear(m.Row(i))
		}
	}
}
