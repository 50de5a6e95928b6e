package attention

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// Matrix is a bias that the caller gives whole: for each sequence one matrix [Q, K] for all heads, or one a head. It is the caller's
// choice to hold Q×K numbers; the attention makes none of that size. −Inf hides a key from a query; NaN and +Inf are refused.
type Matrix struct {
	Mats [][]tensor.Mat // [sequence][1 or H], each [Q, K] of any type
}

func (b Matrix) check(c Config, seqs []Seq) error {
	return b.checkShapes("matrices of bias", b.Mats, c, seqs)
}

func (b Matrix) checkShapes(what string, mats [][]tensor.Mat, c Config, seqs []Seq) error {
	if len(mats) != len(seqs) {
		return fmt.Errorf("attention: found %s for %d sequences, expected them for %d", what, len(mats), len(seqs))
	}
	for i, s := range seqs {
		if n := len(mats[i]); n != 1 && n != c.Heads {
			return fmt.Errorf("attention: found %d %s for sequence %d, expected 1 for all heads, or one for each of %d", n, what, i, c.Heads)
		}
		for _, m := range mats[i] {
			if err := check.Shape("attention", check.Of(fmt.Sprintf("%s of sequence %d", what, i), m, s.Q, s.K)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b Matrix) checkGrads(a *Attention, g *BiasGrads) error {
	if err := b.checkShapes("gradients of bias", g.Mats, a.c, a.given); err != nil {
		return err
	}
	for i, mats := range g.Mats {
		if len(mats) != len(b.Mats[i]) {
			return fmt.Errorf("attention: found %d gradients of bias for sequence %d, expected %d, as many as it has matrices", len(mats), i,
				len(b.Mats[i]))
		}
		for _, m := range mats {
			if m.Type != tensor.F32 {
				return fmt.Errorf("attention: found gradients of bias of %s, expected f32", m.Type)
			}
		}
	}
	return nil
}

// of is the matrix of a head.
func of(mats []tensor.Mat, head int) tensor.Mat { return mats[min(head, len(mats)-1)] }

func (b Matrix) naive(_ *NaiveInput, r naiveRow, j int) float64 {
	m := of(b.Mats[r.seq], r.head)
	row := make([]float32, m.Cols)
	m.ReadRow(row, r.qi)
	return float64(row[j])
}

func (b Matrix) naiveBackward(*NaiveInput, naiveRow, int, float64) {}

// scratch is a tile of bias, and the rows it came from.
func (b Matrix) scratch(Config) int { return 2 * kernel.KeyBlock * kernel.Lanes }

func (b Matrix) start(a *Attention, _ *tensor.Pool, _ In, dry bool) (tileBias, error) {
	for _, mats := range b.Mats {
		if dry {
			break
		}
		for _, m := range mats {
			if err := checkData("a matrix of bias", m); err != nil {
				return nil, err
			}
			row := make([]float32, m.Cols)
			for i := range m.Rows {
				m.ReadRow(row, i)
				for j, x := range row {
					if err := checkBiasValue("bias", x, i, j); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	return matrixTiles{a: a, mats: b.Mats}, nil
}

type matrixTiles struct {
	plain
	a    *Attention
	mats [][]tensor.Mat
}

// view is the part of a head's matrix that a tile covers, cut at the last key.
func (m matrixTiles) view(mats [][]tensor.Mat, ref tileRef) tensor.Mat {
	s, q := &m.a.seqs[ref.seq], ref.tile*kernel.Lanes
	return of(mats[ref.seq], ref.head).Slice(q, q+s.rows(ref.tile), ref.lo, min(ref.lo+ref.n, s.K))
}

func (m matrixTiles) add(ref tileRef, s, scratch []float32) {
	size := ref.n * kernel.Lanes
	tile, rows := scratch[:size], scratch[size:2*size]
	part := m.view(m.mats, ref)
	clear(rows)
	for i := range part.Rows {
		part.ReadRow(rows[i*ref.n:i*ref.n+part.Cols], i)
	}
	kernel.TileLoad(part.Rows, ref.n, rows, ref.n, math.Log2E, tile)
	kernel.Add(s[:size], s[:size], tile)
}

func (matrixTiles) free(*tensor.Pool) {}

func (m matrixTiles) gradient(b *backward) biasGradient {
	g := matrixGradient{tiles: m, mats: b.g.Bias.Mats}
	for _, mats := range g.mats {
		for _, mat := range mats {
			for i := 0; i < mat.Rows && !b.dry; i++ {
				clear(mat.Row(i))
			}
		}
	}
	return g
}

type matrixGradient struct {
	tiles matrixTiles
	mats  [][]tensor.Mat
}

// concurrent is 1 where heads share a matrix: its gradient is their sum, in order.
func (g matrixGradient) concurrent(n int) int {
	for _, mats := range g.mats {
		if len(mats) == 1 {
			return 1
		}
	}
	return n
}

func (g matrixGradient) add(ref tileRef, w *backwardWorker) {
	rows, part := w.extra[:ref.n*kernel.Lanes], g.tiles.view(g.mats, ref)
	kernel.TileStore(part.Rows, ref.n, w.dp, w.ones, rows, ref.n)
	for i := range part.Rows {
		kernel.Add(part.Row(i), part.Row(i), rows[i*ref.n:i*ref.n+part.Cols])
	}
}

func (g matrixGradient) finish() {}

func (g matrixGradient) free(*tensor.Pool) {}
