package linear

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// FeatureMap is the φ of linear attention.
type FeatureMap int

// The feature maps.
const (
	// Performer is FAVOR+: φ(x) = exp(Ωx − ‖x‖²/2)/√M with x the query or key over D^¼, an unbiased estimate of the
	// softmax's exp(q·k/√D). The rows of Ω are Gaussian and orthogonal in blocks of D. Choromanski et al. 2020,
	// arXiv:2009.14794, lemma 1 and section 2.4.
	Performer FeatureMap = iota
	// Elu is φ(x) = elu(x) + 1, element by element: M = D. Katharopoulos et al. 2020, arXiv:2006.16236, equation 7.
	Elu
	// ReLU is φ(x) = max(x, 0), element by element: M = D.
	ReLU
)

var mapNames = [...]string{"performer", "elu", "relu"}

// String returns "performer", "elu" or "relu".
func (f FeatureMap) String() string {
	if f < 0 || int(f) >= len(mapNames) {
		return fmt.Sprintf("feature map %d", int(f))
	}
	return mapNames[f]
}

// ParseFeatureMap reads a feature map's name.
func ParseFeatureMap(name string) (FeatureMap, error) {
	for i, n := range mapNames {
		if n == name {
			return FeatureMap(i), nil
		}
	}
	return 0, fmt.Errorf("linear: found feature map %q, expected performer, elu or relu", name)
}

// maxOmega is far above the length of any Gaussian row, and keeps logarithms of features finite.
const maxOmega = 1 << 20

// Limits of a Config.
const (
	MaxHeadDim  = 256  // past it a tile of queries leaves the first-level cache
	MaxFeatures = 4096 // past it a block of features leaves the second-level cache
)

// DefaultFeatures is M where a Performer's Config leaves it 0: about D·ln D at D = 64, which the paper's theorem 4 asks
// for.
const DefaultFeatures = 256

// Config configures linear attention. Only Heads and HeadDim must be set.
type Config struct {
	Feature FeatureMap // φ
	Heads   int        // H
	KVHeads int        // Hkv, a divisor of Heads; 0: Heads. Query head h reads key/value head h·Hkv/H
	HeadDim int        // D, a multiple of 8 from 8 to MaxHeadDim
	Causal  bool       // a query sees itself and what came before it; otherwise it sees all of its sequence

	// For Performer alone:
	Features   int        // M, a multiple of 8 from 8 to MaxFeatures; 0: DefaultFeatures
	Seed       uint64     // of Ω; all heads share it
	Projection tensor.Mat // [M, D] F32: Ω itself, in place of the seeded one; the zero Mat: none
}

// checkMats refuses matrices that do not fit c and the number of tokens. It returns whether the call is dry.
func (c Config) checkMats(mem *tensor.Pool, tokens int, in attention.In, more ...check.Mat) (dry bool, err error) {
	kv := c.KVHeads * c.HeadDim
	return check.Mats("linear", mem, append(more, check.Of("Q", in.Q, tokens, c.Heads*c.HeadDim),
		check.Of("K", in.K, tokens, kv), check.Of("V", in.V, tokens, kv))...)
}

// resolve fills in the defaults and refuses what cannot be computed.
func (c Config) resolve() (Config, error) {
	if c.Feature < Performer || c.Feature > ReLU {
		return c, fmt.Errorf("linear: found %v, expected Performer, Elu or ReLU", c.Feature)
	}
	if c.KVHeads == 0 {
		c.KVHeads = c.Heads
	}
	if c.Heads < 1 || c.KVHeads < 1 || c.Heads%c.KVHeads != 0 {
		return c, fmt.Errorf("linear: found %d heads and %d key/value heads, expected heads to be a positive multiple of "+
			"key/value heads; set KVHeads to a divisor of Heads, or to 0 for as many", c.Heads, c.KVHeads)
	}
	if c.HeadDim < 8 || c.HeadDim > MaxHeadDim || c.HeadDim%8 != 0 {
		return c, fmt.Errorf("linear: found head dimension %d, expected a multiple of 8 from 8 to %d; pad the heads with zero columns",
			c.HeadDim, MaxHeadDim)
	}
	if c.Feature == Performer {
		return c.resolvePerformer()
	}
	if c.Features != 0 && c.Features != c.HeadDim || c.Projection.Rows != 0 {
		return c, fmt.Errorf("linear: found %d features and a projection of %d rows, expected neither, since %v has as many "+
			"features as the head dimension; leave Features and Projection out", c.Features, c.Projection.Rows, c.Feature)
	}
	c.Features = c.HeadDim
	return c, nil
}

func (c Config) resolvePerformer() (Config, error) {
	if p := c.Projection; p.Rows != 0 || p.Cols != 0 {
		if c.Features == 0 {
			c.Features = p.Rows
		}
		if p.Type != tensor.F32 || p.Dry() || p.Rows != c.Features || p.Cols != c.HeadDim {
			return c, fmt.Errorf("linear: found a projection of %d×%d %v, expected %d×%d f32 with data: a row a feature",
				p.Rows, p.Cols, p.Type, c.Features, c.HeadDim)
		}
		if err := check.Data("linear", "projection", p); err != nil {
			return c, err
		}
		for i := range p.Rows {
			for j, x := range p.Row(i) {
				if !(math.Abs(float64(x)) <= maxOmega) {
					return c, fmt.Errorf("linear: found %g at row %d, column %d of the projection, expected a number of at most %g in size; "+
						"check what made it", x, i, j, float64(maxOmega))
				}
			}
		}
	}
	if c.Features == 0 {
		c.Features = DefaultFeatures
	}
	if c.Features < 8 || c.Features > MaxFeatures || c.Features%8 != 0 {
		return c, fmt.Errorf("linear: found %d features, expected a multiple of 8 from 8 to %d", c.Features, MaxFeatures)
	}
	return c, nil
}

// Linear is linear attention for one shape of batch. It holds no activations and is safe for concurrent use.
type Linear struct {
	c      Config
	lens   []int // of what lies here
	tokens int
	omega  []float32 // [M, D], Performer only

	seqs   []sequence // those with tokens
	pieces []piece    // the ranges of all sequences
	walks  []walk     // under a causal mask, what is computed by itself; else every piece is
	states int        // pieces of cut sequences: each has sums of its own
	chunks int        // tiles of tokens of all pieces
}

// New prepares linear attention for a packed batch of sequences of the given lengths, in order. A length may be 0.
func New(c Config, lens []int) (*Linear, error) {
	parts := make([]Part, len(lens))
	for i, n := range lens {
		parts[i] = Part{0, n, n}
	}
	return newLinear(c, parts)
}

func newLinear(c Config, parts []Part) (*Linear, error) {
	c, err := c.resolve()
	if err != nil {
		return nil, err
	}
	l := &Linear{c: c}
	for i, p := range parts {
		if n := p.Len(); n < 0 || p.Of > maxTokens || n > maxTokens-l.tokens {
			return nil, fmt.Errorf("linear: found length %d of sequence %d, expected 0 or more and at most %d tokens in all",
				p.Of, i, maxTokens)
		}
		l.lens = append(l.lens, p.Len())
		l.tokens += p.Len()
	}
	if wide := int64(c.Heads) * int64(c.HeadDim); c.Heads > maxHeads || int64(l.tokens) > maxElements/wide {
		return nil, fmt.Errorf("linear: found %d tokens of %d×%d features, expected at most %d heads and %d elements; cut the batch",
			l.tokens, c.Heads, c.HeadDim, maxHeads, int64(maxElements))
	}
	if c.Feature == Performer {
		l.omega = projection(c)
	}
	l.plan(parts)
	return l, nil
}

// Bounds that keep every byte count of the package inside an int64, and every row inside a 32-bit int: 2^40 float32 are 4
// TiB.
const (
	maxTokens   = 1 << 29
	maxHeads    = 1 << 16
	maxElements = 1 << 40
)

// Features is M.
func (l *Linear) Features() int { return l.c.Features }

// Tokens is T, the sum of the lengths.
func (l *Linear) Tokens() int { return l.tokens }

// Projection is a copy of Ω, [M, D], of a Performer; the zero Mat for other maps.
func (l *Linear) Projection() tensor.Mat {
	if l.omega == nil {
		return tensor.Mat{}
	}
	return tensor.FromF32(append([]float32(nil), l.omega...), l.c.Features, l.c.HeadDim)
}

// ForwardFlops counts the useful floating-point operations of Forward: 2·T·M·D for each query head's output and each
// key/value head's sums, and for Performer as much again for the projections of the queries and keys. A causal mask
// changes nothing: what chunks cost beyond that is not useful.
func (l *Linear) ForwardFlops() float64 {
	products := float64(l.c.Heads + l.c.KVHeads)
	if l.c.Feature == Performer {
		products *= 2
	}
	return products * l.productFlops()
}

// BackwardFlops counts the useful operations of Backward: for each query head the gradient of its features, and what it
// adds to the sums' gradient; for each key/value head the gradients of its features and of its values; for Performer the
// gradients of queries and keys through Ω. Features and sums computed again are not counted.
func (l *Linear) BackwardFlops() float64 {
	products := float64(2*l.c.Heads + 2*l.c.KVHeads)
	if l.c.Feature == Performer {
		products += float64(l.c.Heads + l.c.KVHeads)
	}
	return products * l.productFlops()
}

func (l *Linear) productFlops() float64 {
	return 2 * float64(l.tokens) * float64(l.c.Features) * float64(l.c.HeadDim)
}

// group is the number of query heads that share a key/value head.
func (l *Linear) group() int { return l.c.Heads / l.c.KVHeads }

// width is D rounded up to whole tiles: the row length of the sums, whose columns the tile kernels take Lanes at a time.
func (l *Linear) width() int { return ceil.Multiple(l.c.HeadDim, kernel.Lanes) }
