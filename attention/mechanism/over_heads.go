package mechanism

import (
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
// and 4d + 4k backward, of which 2d + 2k are Q, K, V and the output once more. These could be kept by head instead. But then every layer
// would hold its rows twice, about a fifth more than a layer of a Transformer keeps anyway, and memory is why a sequence is cut. On a
// network of 2.6 GB/s the second exchange is below 1 % of the time of dense attention over 65,536 tokens. Mechanisms that save nothing do
// not send the output.

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
	if err := checkCuts(s, seqs, queries); err != nil {
		return nil, err
	}
	c := &headsCore{headed: h, e: s.Engine, queries: queries, keys: s.Cuts}
	lo, hi := c.own()
	if c.idle = lo == hi; c.idle {
		lo, hi = 0, 1
	}
	var err error
	c.part, err = h.heads(lo, hi).Compile(seqs)
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

// toHeads fills the sheets by heads.
func (c *headsCore) toHeads(x tensor.Exec, name string, sheets []sheet) error {
	byRow, byHead := c.parcels(sheets)
	return move(c.e, x, name, byRow, byHead)
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
	err := c.toHeads(x, "queries, keys and values by heads", read)
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
// the gradients are the sums over all ranks. Ranks, errors and scratch are as in Forward, with four matrices more.
func (c *headsCore) Backward(x tensor.Exec, g Grads, do tensor.Mat, out Out, in In) error {
	mats := []check.Mat{c.ofQueries("Q", in.Q), c.ofQueries("DO", do), c.ofQueries("DQ", g.DQ), c.ofKeys("K", in.K), c.ofKeys("V", in.V),
		c.ofKeys("DK", g.DK), c.ofKeys("DV", g.DV)}
	queries, readsOut := []tensor.Mat{in.Q, do}, len(c.part.Saved()) > 0
	if readsOut {
		mats, queries = append(mats, c.ofQueries("O", out.O)), append(queries, out.O)
	}
	if _, err := check.Mats("mechanism", x.Pool, mats...); err != nil {
		return err
	}
	for _, all := range [][]tensor.Mat{in.Learned, g.Learned} {
		if err := checkLearned(c, all); err != nil {
			return err
		}
	}
	read := c.sheets(x.Pool, queries, []tensor.Mat{in.K, in.V})
	err := c.toHeads(x, "queries, keys, values and gradients by heads", read)
	clearMats(g.Learned)
	written := c.sheets(x.Pool, []tensor.Mat{g.DQ}, []tensor.Mat{g.DK, g.DV})
	defer put(x.Pool, written)
	if err == nil && !c.idle {
		kv := read[len(queries):]
		part := In{attention.In{Q: read[0].heads, K: kv[0].heads, V: kv[1].heads}, c.learned(in.Learned)}
		back := Out{Saved: out.Saved}
		if readsOut {
			back.O = read[2].heads
		}
		grads := Grads{written[0].heads, written[1].heads, written[2].heads, c.learned(g.Learned)}
		err = c.part.Backward(x, grads, read[1].heads, back, part)
	}
	put(x.Pool, read)
	if err != nil {
		return err
	}
	return c.toRows(x, "gradients by rows", written)
}

// clearMats sets F32 matrices to zero.
func clearMats(mats []tensor.Mat) {
	for _, m := range mats {
		for i := 0; i < m.Rows && !m.Dry(); i++ {
			clear(m.Row(i))
		}
	}
}
