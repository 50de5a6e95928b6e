package attention

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/attention/internal/scratch"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// Relative is Transformer-XL's relative attention: the score of query i and key j, d = position of i − position of j, is
//
//	scale·((q_i + u)·k_j + (q_i + v)·r_d)
//
// with u and v learned for each head, and r_d a projection of the encoding of the distance. The second product is formed tile by
// tile: 32 queries and n keys meet at most n+31 distances.
//
// Dai et al. 2019, arXiv:1901.02860, section 3.3.
type Relative struct {
	U, V  []float32  // [H·D]; nil: zeros
	R     tensor.Mat // [distances, H·D] F32: row d−First is r_d
	First int        // the distance of row 0: 0 where all keys are at or before their query
}

func (b Relative) check(c Config, seqs []Seq) error {
	width := c.Heads * c.HeadDim
	for _, x := range []struct {
		name string
		have []float32
	}{{"u", b.U}, {"v", b.V}} {
		if x.have != nil && len(x.have) != width {
			return fmt.Errorf("attention: found %d numbers in %s of a relative bias, expected %d (heads × head dimension), or nil", len(x.have),
				x.name, width)
		}
	}
	if b.R.Type != tensor.F32 {
		return fmt.Errorf("attention: found r of a relative bias in %s, expected f32", b.R.Type)
	}
	if c.SoftCap > 0 {
		return fmt.Errorf("attention: found a soft cap beside a relative bias, expected one of them: u·k would be capped and v·r not")
	}
	if err := check.Shape("attention", check.Of("r of a relative bias", b.R, b.R.Rows, width)); err != nil {
		return err
	}
	for i, s := range seqs {
		low, high, any := visibleDistances(c.Pattern, s)
		if any && (low < b.First || high >= b.First+b.R.Rows) {
			return fmt.Errorf("attention: found rows for distances %d … %d in a relative bias, expected %d … %d, which sequence %d meets; give "+
				"r more rows",
				b.First, b.First+b.R.Rows-1, low, high, i)
		}
	}
	return nil
}

// visibleDistances are the least and greatest distance between a query and a key that it sees.
func visibleDistances(p pattern.Pattern, s Seq) (low, high int, any bool) {
	low, high = math.MaxInt, math.MinInt
	var spans []pattern.Span
	for q := range s.Q {
		if spans = s.cut(p.Spans(spans[:0], q, s.shape()), 0); len(spans) > 0 {
			low, high = min(low, s.distance(q, spans[len(spans)-1].Hi-1)), max(high, s.distance(q, spans[0].Lo))
		}
	}
	return low, high, low <= high
}

func (b Relative) checkGrads(a *Attention, g *BiasGrads) error {
	if g.R.Type != tensor.F32 {
		return fmt.Errorf("attention: found gradients of r in %s, expected f32", g.R.Type)
	}
	if err := check.Shape("attention", check.Of("gradients of r", g.R, b.R.Rows, b.R.Cols)); err != nil {
		return err
	}
	for _, x := range [][]float32{g.U, g.V} {
		if x != nil && len(x) != a.qWidth() {
			return fmt.Errorf("attention: found room for %d gradients of u or v, expected %d, or nil", len(x), a.qWidth())
		}
	}
	return nil
}

// at is element i of x, or 0 where x is nil.
func at(x []float32, i int) float64 {
	if x == nil {
		return 0
	}
	return float64(x[i])
}

func (b Relative) naive(x *NaiveInput, r naiveRow, j int) (sum float64) {
	d, kv := r.n.c.HeadDim, r.kv(j)
	rd := b.R.Row(r.distance(j) - b.First)[r.head*d:]
	for p := range d {
		sum += at(b.U, r.head*d+p)*x.K[kv+p] + (x.Q[r.q+p]+at(b.V, r.head*d+p))*float64(rd[p])
	}
	return r.n.c.Scale * sum
}

func (b Relative) naiveBackward(x *NaiveInput, r naiveRow, j int, ds float64) {
	d, kv := r.n.c.HeadDim, r.kv(j)
	rd := b.R.Row(r.distance(j) - b.First)[r.head*d:]
	for p := range d {
		x.DQ[r.q+p] += r.n.c.Scale * ds * float64(rd[p])
		x.DK[kv+p] += r.n.c.Scale * ds * at(b.U, r.head*d+p)
	}
}

// skewRows is the most distances a tile meets, rounded up to a row group: KeyBlock + Lanes − 1.
const skewRows = kernel.KeyBlock + kernel.Lanes

// scratch is the tile's queries, transposed and as rows (of a width rounded up to Lanes), its products with r, and a share of dQ.
func (b Relative) scratch(c Config) int {
	return 3*c.HeadDim*kernel.Lanes + kernel.Lanes*(c.HeadDim+kernel.Lanes) + skewRows*kernel.Lanes
}

// checkValues refuses values that cannot be used.
func (b Relative) checkValues(headDim int) error {
	if err := checkData("r of a relative bias", b.R); err != nil {
		return err
	}
	for i, x := range [][]float32{b.U, b.V} {
		for j, value := range x {
			if err := checkBiasValue([]string{"u", "v"}[i]+" of a relative bias", value, j/headDim, j%headDim); err != nil {
				return err
			}
		}
	}
	for i := range b.R.Rows {
		for j, x := range b.R.Row(i) {
			if err := checkBiasValue("r of a relative bias", x, i, j); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b Relative) start(a *Attention, mem *tensor.Pool, in In, dry bool) (tileBias, error) {
	if !dry {
		if err := b.checkValues(a.c.HeadDim); err != nil {
			return nil, err
		}
	}
	t := &relativeTiles{bias: b, a: a, in: in}
	low, high := a.distances()
	// Row i is distance t.high − i, so that rows ascend with the keys of a tile. A tile reads a row group past its last distance.
	t.high, t.rows = high, high-low+1+keyGroup
	d := a.c.HeadDim
	t.mem = mem.GetZero(tensor.F32, a.c.Heads*t.rows, d)
	t.r = t.mem.F32
	for i := 0; i < t.rows && !dry; i++ {
		if row := t.high - i - b.First; row >= 0 && row < b.R.Rows {
			for h := range a.c.Heads {
				copy(t.r[(h*t.rows+i)*d:(h*t.rows+i+1)*d], b.R.Row(row)[h*d:])
			}
		}
	}
	return t, nil
}

// relativeTiles holds r by head, distances descending.
type relativeTiles struct {
	bias Relative
	a    *Attention
	in   In
	high int        // the distance of row 0
	rows int        // of one head
	mem  tensor.Mat // [H·rows, D]
	r    []float32  // its elements
}

func (t *relativeTiles) free(mem *tensor.Pool) { mem.Put(t.mem) }

func (t *relativeTiles) content(head int, qt []float32) { t.addLanes(t.bias.U, head, qt) }

// addLanes adds x[head], times scale·log2(e), to every lane.
func (t *relativeTiles) addLanes(x []float32, head int, qt []float32) {
	if x == nil {
		return
	}
	d := t.a.c.HeadDim
	for p, value := range x[head*d : (head+1)*d] {
		value *= float32(t.a.c.Scale * math.Log2E)
		for i := range kernel.Lanes {
			qt[p*kernel.Lanes+i] += value
		}
	}
}

func (t *relativeTiles) contentRows(head int, q []float32, width, rows int) {
	t.addToRows(t.bias.U, head, q, width, rows)
}

func (t *relativeTiles) addToRows(x []float32, head int, q []float32, width, rows int) {
	if x == nil {
		return
	}
	d := t.a.c.HeadDim
	for i := range rows {
		row := q[i*width : i*width+d]
		kernel.Add(row, row, x[head*d:(head+1)*d])
	}
}

// firstRow is the row of r that the first key and the last query of a tile meet at, in the rows of all heads.
func (t *relativeTiles) firstRow(ref tileRef) int {
	s := &t.a.seqs[ref.seq]
	return ref.head*t.rows + t.high - (s.queryAt(ref.tile) + kernel.Lanes - 1 - s.keyAt(ref.lo))
}

// queries views a tile of one head's own queries.
func (t *relativeTiles) queries(ref tileRef) tensor.Mat {
	s, d := &t.a.seqs[ref.seq], t.a.c.HeadDim
	row := s.queryRow(ref.tile)
	return t.in.Q.Slice(row, row+s.rows(ref.tile), ref.head*d, (ref.head+1)*d)
}

// met is the number of rows of r that a tile reads: its distances, rounded up to a row group.
func met(n int) int { return n + kernel.Lanes }

// add multiplies the tile's queries by the distances it meets, and adds to each score the product at its own distance.
func (t *relativeTiles) add(ref tileRef, s, buffer []float32) {
	d, cut := t.a.c.HeadDim, scratch.New(buffer)
	qv, rows, products := cut.Take(d*kernel.Lanes), cut.Take(d*kernel.Lanes), cut.Take(skewRows*kernel.Lanes)
	t.a.seqs[ref.seq].loadQueries(t.in, ref.tile, ref.head*d, (ref.head+1)*d, float32(t.a.c.Scale*math.Log2E), rows, qv)
	t.addLanes(t.bias.V, ref.head, qv)
	kernel.TileMul(met(ref.n), d, t.r[t.firstRow(ref)*d:], d, qv, kernel.Lanes, products, kernel.Lanes)
	kernel.TileSkew(ref.n, s, products)
}

func (t *relativeTiles) readsQueries() bool { return true }

func (t *relativeTiles) gradient(b *backward) biasGradient {
	width := ceil.Multiple(t.a.c.HeadDim, kernel.Lanes)
	if b.g.Bias == nil {
		return &relativeGradient{t: t, b: b, width: width}
	}
	g := &relativeGradient{t: t, b: b, width: width, mem: b.x.Pool.GetZero(tensor.F32, t.a.c.Heads*t.rows, width), dv: make([]float32,
		t.a.qWidth())}
	g.dr = g.mem.F32
	return g
}

// relativeGradient sums the gradients of r, distances descending, and of v. Those of u follow from dQ.
type relativeGradient struct {
	t     *relativeTiles
	b     *backward
	width int
	mem   tensor.Mat // [H·rows, width]
	dr    []float32  // its elements
	dv    []float32  // [H·D], before it is times scale
}

func (g *relativeGradient) free(mem *tensor.Pool) { mem.Put(g.mem) }

func (g *relativeGradient) concurrent(n int) int { return n }

// add is the chain rule of relativeTiles.add: the gradients of the scores go back to the products they came from, and these to r and
// to the queries.
func (g *relativeGradient) add(ref tileRef, w *backwardWorker) {
	t, d, cut := g.t, g.t.a.c.HeadDim, scratch.New(w.extra)
	products, share, rows := cut.Take(skewRows*kernel.Lanes), cut.Take(d*kernel.Lanes), cut.Take(kernel.Lanes*g.width)
	n, first := met(ref.n), t.firstRow(ref)
	clear(products)
	kernel.TileUnskew(ref.n, w.dp, products)
	clear(share)
	kernel.TileMulT(d, n, t.r[first*d:], d, products, w.ones, share)
	kernel.Add(w.dq, w.dq, share)
	if g.b.g.Bias == nil {
		return
	}
	for p := range d {
		sum := float32(0)
		for _, x := range share[p*kernel.Lanes : (p+1)*kernel.Lanes] {
			sum += x
		}
		g.dv[ref.head*d+p] += sum
	}
	queries := t.queries(ref)
	w.loadRows(rows, queries)
	t.addToRows(t.bias.V, ref.head, rows, g.width, queries.Rows)
	for col := 0; col < g.width; col += kernel.Lanes {
		kernel.TileMulAdd(n, kernel.Lanes, products, kernel.Lanes, rows[col:], g.width, g.dr[first*g.width+col:], g.width)
	}
}

// finish scales what was summed. dU is what dQ sums to over all queries, less the part that came through v.
func (g *relativeGradient) finish() {
	a, d, scale, out := g.t.a, g.t.a.c.HeadDim, float32(g.t.a.c.Scale), g.b.g.Bias
	for i := range out.R.Rows {
		row := out.R.Row(i)
		clear(row)
		if at := g.t.high - g.t.bias.First - i; at >= 0 && at < g.t.rows {
			for h := range a.c.Heads {
				for p := range d {
					row[h*d+p] = scale * g.dr[(h*g.t.rows+at)*g.width+p]
				}
			}
		}
	}
	for i := range out.V {
		out.V[i] = scale * g.dv[i]
	}
	if out.U == nil {
		return
	}
	for h := range a.c.Heads {
		for p := range d {
			out.U[h*d+p] = scale * (g.b.sumDQ(h, p) - g.dv[h*d+p])
		}
	}
}

// sumDQ sums element p of dQ over all queries of a head, before scale.
func (b *backward) sumDQ(head, p int) float32 {
	sum := 0.0
	for i := range b.a.seqs {
		s := &b.a.seqs[i]
		_, chunks := s.visits()
		for t, n := range chunks {
			if n > 0 && s.sumsTile(t) {
				for _, x := range b.dq.Row(b.slot(i, head, t))[p*kernel.Lanes : (p+1)*kernel.Lanes] {
					sum += float64(x)
				}
			}
		}
	}
	return float32(sum)
}
