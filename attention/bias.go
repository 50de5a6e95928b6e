package attention

import (
	"fmt"

	"github.com/longspan/longspan/tensor"
)

// Bias is added to the scores of a tile just before the softmax, so that no matrix of all scores ever exists. The kinds there are:
// [ALiBi], [T5], [T5Summaries] (LongT5), [Relative] (Transformer-XL), [Repeat] (BigBird) and [Matrix].
type Bias interface {
	// check refuses what does not fit the configuration and the lengths.
	check(c Config, seqs []Seq) error
	// checkGrads refuses room for gradients that does not fit.
	checkGrads(a *Attention, g *BiasGrads) error
	// naive is the bias of key j for the query of r, in natural units.
	naive(x *NaiveInput, r naiveRow, j int) float64
	// naiveBackward adds what the gradient ds of that score adds to the gradients of q and k.
	naiveBackward(x *NaiveInput, r naiveRow, j int, ds float64)
	// scratch is the floats a worker needs for add, and for a gradient's add.
	scratch(c Config) int
	// start makes what the tiles of one run read, from the pool. in is what the run reads. It refuses values that cannot be used, such as
	// NaN. A dry one takes the same bytes and looks at no value.
	start(a *Attention, mem *tensor.Pool, in In, dry bool) (tileBias, error)
	// queryFloats is the number of floats that startRows keeps for each query; negative where only tiles can apply the bias.
	queryFloats(c Config) int
	// startRows makes what queries one by one read. scaled is the queries times scale·log2(e), to be changed where keys should meet other
	// ones; own has queryFloats for each.
	startRows(c Config, scaled, own tensor.Mat) (rowBias, error)
}

// BiasGrads is where Backward writes the gradients of a bias. Only what the kind of bias has is read.
type BiasGrads struct {
	Table []float32      // of T5 and T5Summaries: [Buckets, H]
	Side  []float32      // of T5Summaries: [Buckets, H]
	U, V  []float32      // of Relative: [H·D], or nil where not wanted
	R     tensor.Mat     // of Relative: F32, like its R
	Mats  [][]tensor.Mat // of Matrix: F32, like its Mats
}

// checkData refuses gradients without data.
func (g *BiasGrads) checkData() error {
	if err := checkData("gradients of r", g.R); err != nil {
		return err
	}
	for _, mats := range g.Mats {
		for _, m := range mats {
			if err := checkData("gradients of a matrix of bias", m); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkData refuses a matrix without data in a run that is not dry.
func checkData(what string, m tensor.Mat) error {
	if m.Dry() {
		return fmt.Errorf("attention: found %s without data beside matrices with data, expected all of one kind; a dry run is dry throughout",
			what)
	}
	return nil
}

// tileBias is a Bias prepared for one run.
type tileBias interface {
	// content adds to the transposed queries [D][Lanes] of a head, which are already times scale·log2(e).
	content(head int, qt []float32)
	// contentRows adds the same to the first rows of queries [Lanes][width], unscaled.
	contentRows(head int, q []float32, width, rows int)
	// add adds the bias, times log2(e), to the scores s [n][Lanes] of a tile.
	add(ref tileRef, s, scratch []float32)
	// readsQueries reports whether the bias depends on the queries: then part of their gradient comes through it.
	readsQueries() bool
	// gradient begins the gradients of the bias in one backward pass. Where b.g.Bias is nil they are not wanted, and only the
	// queries' are.
	gradient(b *backward) biasGradient
	// free gives back what start took.
	free(mem *tensor.Pool)
}

// biasGradient collects the gradients of a bias.
type biasGradient interface {
	// concurrent is the number of key/value heads, of n, that may run at the same time.
	concurrent(n int) int
	// add takes the gradients w.dp of the scores of a tile. It may add to w.dq, before that is times scale.
	add(ref tileRef, w *backwardWorker)
	// finish writes the gradients.
	finish()
	// free gives back what gradient took of the pool.
	free(mem *tensor.Pool)
}

// plain is the part of a tileBias that does not touch the queries.
type plain struct{}

func (plain) readsQueries() bool { return false }

func (plain) content(int, []float32)               {}
func (plain) contentRows(int, []float32, int, int) {}

// tileRef says where a tile lies: queries 32·tile … of a sequence, its keys lo … lo+n−1.
type tileRef struct{ seq, head, tile, lo, n int }

func (a *Attention) biasScratch() int {
	if a.c.Bias == nil {
		return 0
	}
	return a.c.Bias.scratch(a.c)
}

func (a *Attention) startBias(mem *tensor.Pool, in In, dry bool) (tileBias, error) {
	if a.c.Bias == nil {
		return nil, nil
	}
	return a.c.Bias.start(a, mem, in, dry)
}
