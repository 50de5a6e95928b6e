package attention

import (
	"errors"
	"fmt"
	"math"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// MaxTimes is how often Repeat counts a key at most.
const MaxTimes = 1 << 16

// Repeat counts the keys of the first block several times. In a sequence of more than Longer keys, a query of any block of Block tokens,
// but for the first and the last block, counts each key of the first block Times times, in the sum of the softmax and in the sum of the
// values. Since m·exp(s) = exp(s + ln m), a key counts m times where ln m is added to its score: no key is read twice, and the gradients
// are those of any bias.
//
// BigBird (Zaheer et al. 2020, arXiv:2007.14062) has r random blocks for each block of queries. transformers draws them in training alone;
// in evaluation it takes the first block for each of them, so that the first block counts 1 + r times.
//
// Block is 1 to pattern.MaxTokens, Times 1 to MaxTimes, Longer 0 or more. Cost: an addition for each pair of such a query and such a key.
type Repeat struct {
	Block  int // tokens of a block; the last may be shorter
	Times  int // that a key of the first block counts
	Longer int // sequences of more keys repeat, others do not
}

func (b Repeat) check(Config, []Seq) error {
	switch {
	case b.Block < 1 || b.Block > pattern.MaxTokens:
		return fmt.Errorf("attention: found blocks of %d tokens to repeat, expected 1 to %d; 64 is usual", b.Block, pattern.MaxTokens)
	case b.Times < 1 || b.Times > MaxTimes:
		return fmt.Errorf("attention: found keys that count %d times, expected 1 to %d; use 1 for keys that count once", b.Times, MaxTimes)
	case b.Longer < 0:
		return fmt.Errorf("attention: found repeats in sequences of more than %d keys, expected 0 or more", b.Longer)
	}
	return nil
}

func (b Repeat) checkGrads(*Attention, *BiasGrads) error {
	return errors.New("attention: found room for gradients of repeated keys, expected none: their number is a constant")
}

// queries are the positions of the queries that repeat keys, in a sequence of tk keys.
func (b Repeat) queries(tk int) pattern.Span {
	if tk <= b.Longer {
		return pattern.Span{}
	}
	return pattern.Span{Lo: b.Block, Hi: (ceil.Div(tk, b.Block) - 1) * b.Block}
}

func (b Repeat) naive(_ *NaiveInput, r naiveRow, j int) float64 {
	at, of := r.of.Offset+r.qi, b.queries(r.of.shape().Tk)
	if at < of.Lo || at >= of.Hi || at-r.distance(j) >= b.Block {
		return 0
	}
	return math.Log(float64(b.Times))
}

func (b Repeat) naiveBackward(*NaiveInput, naiveRow, int, float64) {}

func (b Repeat) scratch(Config) int { return 0 }

func (b Repeat) start(a *Attention, mem *tensor.Pool, _ In, dry bool) (tileBias, error) {
	t := &repeatTiles{Repeat: b, a: a, tile: mem.Get(tensor.F32, kernel.KeyBlock, kernel.Lanes)}
	for i := range t.tile.F32 {
		if dry {
			break
		}
		t.tile.F32[i] = float32(math.Log2(float64(b.Times)))
	}
	return t, nil
}

// queryFloats says that only tiles know where in the sequence they lie.
func (b Repeat) queryFloats(Config) int { return -1 }

func (b Repeat) startRows(Config, tensor.Mat, tensor.Mat) (rowBias, error) {
	panic("attention: repeated keys go by tiles")
}

type repeatTiles struct {
	plain
	Repeat
	a    *Attention
	tile tensor.Mat // [KeyBlock, Lanes] of log2(Times)
}

func (t *repeatTiles) add(ref tileRef, s, _ []float32) {
	seq := &t.a.seqs[ref.seq]
	keys := min(ref.n, t.Block-seq.keyAt(ref.lo))
	if keys <= 0 {
		return
	}
	at, of := seq.queryAt(ref.tile), t.queries(t.a.given[ref.seq].shape().Tk)
	lo, hi := max(of.Lo-at, 0), min(of.Hi-at, kernel.Lanes)
	switch {
	case lo >= hi:
	case lo == 0 && hi == kernel.Lanes:
		size := keys * kernel.Lanes
		kernel.Add(s[:size], s[:size], t.tile.F32[:size])
	default:
		for j := range keys {
			row := s[j*kernel.Lanes+lo : j*kernel.Lanes+hi]
			kernel.Add(row, row, t.tile.F32[:hi-lo])
		}
	}
}

func (t *repeatTiles) free(mem *tensor.Pool) { mem.Put(t.tile) }

func (t *repeatTiles) gradient(*backward) biasGradient {
	panic("attention: the number of repeated keys has no gradient")
}
