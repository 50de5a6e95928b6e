package attention

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/attention/pattern"
)

// MaxHeadDim is the largest head dimension: past it a tile's queries and output leave the first-level cache.
const MaxHeadDim = 256

// Config configures attention. Only Heads and HeadDim must be set.
type Config struct {
	Pattern pattern.Pattern // which keys each query sees; nil: all
	Heads   int             // H
	KVHeads int             // Hkv, a divisor of Heads; 0: Heads
	HeadDim int             // D, a multiple of 8 from 8 to MaxHeadDim
	Scale   float64         // what q·k is multiplied by; 0: 1/√D
	SoftCap float64         // c > 0: scores become c·tanh(score/c), before any bias; 0: no cap
	Sinks   []float32       // [H] logits that join each row's softmax with a value of zero; nil: none
	Bias    Bias            // added to the scores, tile by tile; nil: none
}

// Seq is one sequence of a packed batch, or a part of its queries and keys. Positions count from the first key of the sequence.
type Seq struct {
	Q      int // queries
	K      int // keys; see Self for keys that are the queries' own tokens
	Offset int // position of the first query: the keys before it are memory

	// For a part of a sequence's keys, as one step of ring attention has them: before, at or after the queries. The pattern is that
	// of the whole sequence. See Merge.
	Start int // position of the first of the K keys
	Keys  int // of the whole sequence; 0: Start+K
}

// Self lists sequences that attend to themselves, given their lengths.
func Self(lengths ...int) []Seq {
	seqs := make([]Seq, len(lengths))
	for i, n := range lengths {
		seqs[i] = Seq{Q: n, K: n}
	}
	return seqs
}

// shape is the queries over all keys of the sequence, which the pattern is about.
func (s Seq) shape() pattern.Shape {
	keys := s.Keys
	if keys == 0 {
		keys = s.Start + s.K
	}
	return pattern.Shape{Tq: s.Q, Tk: keys, Offset: s.Offset}
}

// distance is how far query q stands after the key in row k of the sequence's part; negative where the key comes later.
func (s Seq) distance(q, k int) int { return s.Offset + q - s.Start - k }

// cut replaces spans of positions, from index base on, by the rows of the K keys that are among them.
func (s Seq) cut(spans []pattern.Span, base int) []pattern.Span {
	if s.Start == 0 && s.shape().Tk == s.K {
		return spans
	}
	kept := spans[:base]
	for _, p := range spans[base:] {
		if lo, hi := max(p.Lo-s.Start, 0), min(p.Hi-s.Start, s.K); lo < hi {
			kept = append(kept, pattern.Span{Lo: lo, Hi: hi})
		}
	}
	return kept
}

// check refuses a part that does not lie inside its sequence.
func (s Seq) check() error {
	if s.K < 0 || s.K > pattern.MaxTokens || s.Start < 0 || s.Start > pattern.MaxTokens || s.Keys < 0 || s.Keys > 0 && s.Start+s.K > s.Keys {
		return fmt.Errorf("found %d keys from position %d on, of %d in all, expected 0 or more, and a part of all; "+
			"set Keys to the length of the whole sequence, or to 0", s.K, s.Start, s.Keys)
	}
	return s.shape().Check()
}

// maxElements bounds a matrix so that no byte count of the package overflows an int64: 2^40 float32 are 4 TiB.
const maxElements = 1 << 40

// maxFactor bounds what scores are multiplied by, so that scores up to 2^67 stay inside float32.
const maxFactor = 1 << 60

// maxLogit is the largest number that, times log2(e), is still a float32: kernels take scores in units of log2.
const maxLogit = math.MaxFloat32 / math.Log2E

// resolve fills in the defaults and refuses what cannot be computed.
func (c Config) resolve() (Config, error) {
	if c.Pattern == nil {
		c.Pattern = pattern.Full()
	}
	if c.KVHeads == 0 {
		c.KVHeads = c.Heads
	}
	if c.Heads < 1 || c.KVHeads < 1 || c.Heads%c.KVHeads != 0 {
		return c, fmt.Errorf("attention: found %d heads and %d key/value heads, expected heads to be a positive multiple of key/value heads; "+
			"set KVHeads to a divisor of Heads, or to 0 for as many", c.Heads, c.KVHeads)
	}
	if c.HeadDim < 8 || c.HeadDim > MaxHeadDim || c.HeadDim%8 != 0 {
		return c, fmt.Errorf("attention: found head dimension %d, expected a multiple of 8 from 8 to %d; pad the heads with zero columns",
			c.HeadDim, MaxHeadDim)
	}
	if int64(c.Heads) > min(maxElements, math.MaxInt)/int64(c.HeadDim) {
		return c, fmt.Errorf("attention: found %d heads of %d, expected at most %d features a token; use fewer heads", c.Heads, c.HeadDim,
			int64(maxElements))
	}
	if c.Scale == 0 {
		c.Scale = 1 / math.Sqrt(float64(c.HeadDim))
	}
	if !(math.Abs(c.Scale) <= maxFactor) {
		return c, fmt.Errorf("attention: found scale %g, expected a number of at most 2^60 in size, or 0 for 1/√D", c.Scale)
	}
	if c.SoftCap != 0 && !(c.SoftCap >= 1.0/maxFactor && c.SoftCap <= maxFactor) {
		return c, fmt.Errorf("attention: found soft cap %g, expected a number from 2^−60 to 2^60, or 0 for none", c.SoftCap)
	}
	if c.Sinks != nil && len(c.Sinks) != c.Heads {
		return c, fmt.Errorf("attention: found %d sinks, expected one for each of %d heads", len(c.Sinks), c.Heads)
	}
	for h, s := range c.Sinks {
		if !(s <= maxLogit) {
			return c, fmt.Errorf("attention: found sink %g at head %d, expected a number of at most %.3g, or −Inf for none; check what made it",
				s, h, maxLogit)
		}
	}
	return c, nil
}

// checkSeqs refuses lengths that are negative, that the pattern cannot take, or that overflow.
func (c Config) checkSeqs(seqs []Seq) error {
	tokens := int64(0)
	for i, s := range seqs {
		if err := s.check(); err != nil {
			return fmt.Errorf("attention: sequence %d: %w", i, err)
		}
		if err := c.Pattern.Check(s.shape()); err != nil {
			return fmt.Errorf("attention: sequence %d: %w", i, err)
		}
		tokens += int64(max(s.Q, s.K))
	}
	if width := int64(c.Heads) * int64(c.HeadDim); tokens > maxElements/width {
		return fmt.Errorf("attention: found %d tokens of %d×%d features, expected at most %d elements; cut the batch",
			tokens, c.Heads, c.HeadDim, int64(maxElements))
	}
	return nil
}
