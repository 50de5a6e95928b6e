package attention

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// T5Summaries is the bias of LongT5's transient global attention. A sequence has rows for n tokens, and after them one for the summary of
// each whole block of tokens: ⌊n/Block⌋. Tokens meet tokens with the bias Tokens. A token meets a summary with the row of Side that is the
// bucket of their distance in blocks. Tokens after the last whole block belong to it. The rows of summaries as queries have the bias of the
// last token's block; no pattern needs them.
//
// Guo et al. 2021, arXiv:2112.07916, section 3.2.
type T5Summaries struct {
	Tokens T5
	Side   []float32 // [Buckets, H]
	Block  int       // tokens of a block
}

// SummarizedTokens is the number of tokens n of a sequence with so many rows, n + ⌊n/block⌋. ok is false where no number of tokens has so
// many. block must be above 0.
func SummarizedTokens(rows, block int) (tokens int, ok bool) {
	tokens = rows - rows/(block+1)
	return tokens, tokens+tokens/block == rows
}

func (b T5Summaries) check(c Config, seqs []Seq) error {
	if err := b.Tokens.check(c, seqs); err != nil {
		return err
	}
	if len(b.Side) != len(b.Tokens.Table) {
		return fmt.Errorf("attention: found a T5 table of %d numbers for summaries, expected %d buckets × %d heads", len(b.Side),
			b.Tokens.Buckets, c.Heads)
	}
	if b.Block < 1 {
		return fmt.Errorf("attention: found blocks of %d tokens, expected at least 1", b.Block)
	}
	for i, s := range seqs {
		if s != (Seq{Q: s.Q, K: s.Q}) {
			return fmt.Errorf("attention: found %d queries after %d tokens over %d keys in sequence %d, expected a whole sequence over itself, "+
				"with its summaries", s.Q, s.Offset, s.K, i)
		}
		if _, ok := SummarizedTokens(s.K, b.Block); !ok {
			return fmt.Errorf("attention: found %d rows in sequence %d, expected n tokens and n/%d summaries, rounded down", s.K, i, b.Block)
		}
	}
	return nil
}

func (b T5Summaries) checkGrads(a *Attention, g *BiasGrads) error {
	if len(g.Side) != len(b.Side) {
		return fmt.Errorf("attention: found room for %d gradients of the T5 table of summaries, expected %d", len(g.Side), len(b.Side))
	}
	return b.Tokens.checkGrads(a, g)
}

// blocks are the places of a sequence's rows.
type blocks struct{ tokens, size, last int }

// blocksOf are those of a sequence with so many rows, which check has accepted.
func (b T5Summaries) blocksOf(rows int) blocks {
	n, _ := SummarizedTokens(rows, b.Block)
	return blocks{n, b.Block, n/b.Block - 1}
}

// of is the block of a query. Rows after the tokens count as the last token.
func (b blocks) of(query int) int { return min(query/b.size, b.last) }

func (b T5Summaries) naive(x *NaiveInput, r naiveRow, j int) float64 {
	k := b.blocksOf(r.of.K)
	if j < k.tokens {
		return b.Tokens.naive(x, r, j)
	}
	return float64(b.Side[b.Tokens.Bucket(j-k.tokens-k.of(r.qi))*r.n.c.Heads+r.head])
}

func (b T5Summaries) naiveBackward(*NaiveInput, naiveRow, int, float64) {}

func (b T5Summaries) scratch(Config) int { return 0 }

// queryFloats says that only tiles can take it: the attention is bidirectional, and nothing is decoded token by token.
func (b T5Summaries) queryFloats(Config) int { return -1 }

func (b T5Summaries) startRows(Config, tensor.Mat, tensor.Mat) (rowBias, error) {
	panic("attention: summaries go by tiles")
}

func (b T5Summaries) start(a *Attention, mem *tensor.Pool, in In, dry bool) (tileBias, error) {
	for i, x := range b.Side {
		if err := checkBiasValue("T5 table of summaries", x, i/a.c.Heads, i%a.c.Heads); err != nil {
			return nil, err
		}
	}
	tokens, err := b.Tokens.start(a, mem, in, dry)
	if err != nil {
		return nil, err
	}
	most := 1
	for i := range a.seqs {
		most = max(most, b.blocksOf(a.seqs[i].K).last+1)
	}
	t := &summaryTiles{t5Table: tokens.(t5Table), summaries: b, zero: most - 1, side: mem.Get(tensor.F32, a.c.Heads, 2*most-1)}
	for h := 0; h < t.side.Rows && !dry; h++ {
		row := t.side.Row(h)
		for i := range row {
			row[i] = float32(float64(b.Side[b.Tokens.Bucket(i-t.zero)*a.c.Heads+h]) * math.Log2E)
		}
	}
	return t, nil
}

// summaryTiles is the bias by distance in tokens, and in blocks.
type summaryTiles struct {
	t5Table
	summaries T5Summaries
	zero      int        // the column of side of a query's own block
	side      tensor.Mat // [H, distances], ascending with the summary, times log2(e)
}

func (t *summaryTiles) free(mem *tensor.Pool) {
	t.t5Table.free(mem)
	mem.Put(t.side)
}

// part is a tile cut into its keys that are tokens, and its summaries: row j from first on meets the columns of its lanes, j−first further.
type part struct {
	tokens  tileRef
	first   int // of the tile's keys that is a summary
	end     int // the keys after it are no rows of the sequence
	columns [kernel.Lanes]int
}

func (t *summaryTiles) cut(ref tileRef) (p part) {
	s := &t.a.seqs[ref.seq]
	k := t.summaries.blocksOf(s.K)
	p.first, p.end = max(0, min(ref.n, k.tokens-ref.lo)), max(0, min(ref.n, s.K-ref.lo))
	p.tokens = ref
	p.tokens.n = p.first
	for x := range p.columns {
		p.columns[x] = t.zero + ref.lo + p.first - k.tokens - k.of(ref.tile*kernel.Lanes+x)
	}
	return p
}

func (t *summaryTiles) add(ref tileRef, s, scratch []float32) {
	p, side := t.cut(ref), t.side.Row(ref.head)
	if p.first > 0 {
		t.t5Table.add(p.tokens, s, scratch)
	}
	for j := p.first; j < p.end; j++ {
		row := s[j*kernel.Lanes : (j+1)*kernel.Lanes]
		for x, column := range p.columns {
			row[x] += side[column+j-p.first]
		}
	}
}

func (t *summaryTiles) gradient(b *backward) biasGradient {
	return &summaryGradient{distanceGradient: t.t5Table.gradient(b).(*distanceGradient), tiles: t,
		side: b.x.Pool.GetZero(tensor.F32, t.side.Rows, t.side.Cols)}
}

// summaryGradient sums the gradients of the scores by head and distance, of tokens and of summaries.
type summaryGradient struct {
	*distanceGradient
	tiles *summaryTiles
	side  tensor.Mat // [H, distances]
}

func (g *summaryGradient) add(ref tileRef, w *backwardWorker) {
	p, side := g.tiles.cut(ref), g.side.Row(ref.head)
	if p.first > 0 {
		g.distanceGradient.add(p.tokens, w)
	}
	for j := p.first; j < p.end; j++ {
		for x, ds := range w.dp[j*kernel.Lanes : (j+1)*kernel.Lanes] {
			side[p.columns[x]+j-p.first] += ds
		}
	}
}

func (g *summaryGradient) finish() {
	g.distanceGradient.finish()
	clear(g.out.Side)
	for h := range g.side.Rows {
		for i, ds := range g.side.Row(h) {
			g.out.Side[g.tiles.summaries.Tokens.Bucket(i-g.tiles.zero)*g.side.Rows+h] += ds
		}
	}
}

func (g *summaryGradient) free(mem *tensor.Pool) {
	g.distanceGradient.free(mem)
	mem.Put(g.side)
}
