package nystrom

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// Limits and defaults of a Config.
const (
	MaxLandmarks      = 1024 // past it the m×m matrices of the inverse take 4 MiB each, and m³ operations are not few
	MaxIterations     = 100
	MaxKernel         = 1<<12 - 1
	DefaultLandmarks  = 64 // the paper's
	DefaultIterations = 6  // the paper's
)

// Config configures Nyström attention. Only Heads and HeadDim must be set.
type Config struct {
	Heads      int  // H
	HeadDim    int  // D, a multiple of 8 from 8 to attention.MaxHeadDim
	Landmarks  int  // m, from 1 to MaxLandmarks; 0: DefaultLandmarks. Sequences of T ≤ m get exact softmax attention
	Iterations int  // of the pseudo-inverse, up to MaxIterations; 0: DefaultIterations
	ConvKernel int  // taps of the skip, an odd number up to MaxKernel; 0: no skip. The paper's code uses 33, Hugging Face 65
	Causal     bool // refused: see New

	// Exact is softmax attention over all tokens, with the skip, in time that grows with T². Landmarks, Iterations and OneNorm are then zero.
	// Hugging Face's models compute it where they have as many landmarks as segment_means_seq_len.
	Exact bool
	// OneNorm starts the inverses of all heads of a sequence from the largest of their ‖A‖₁, as Hugging Face's models do by default.
	OneNorm bool
}

func (c Config) resolve() (Config, error) {
	if c.Causal {
		return c, errors.New("nystrom: found a causal mask, expected bidirectional attention: landmarks are means over " +
			"tokens that lie ahead of a query too, so that a mask would hide nothing of them; use linear attention or a causal pattern")
	}
	if c.Exact && (c.Landmarks != 0 || c.Iterations != 0 || c.OneNorm) {
		return c, fmt.Errorf("nystrom: found exact attention with %d landmarks, %d iterations and one norm %t, expected none of them: "+
			"it has no landmarks", c.Landmarks, c.Iterations, c.OneNorm)
	}
	if c.Landmarks == 0 {
		c.Landmarks = DefaultLandmarks
	}
	if c.Iterations == 0 {
		c.Iterations = DefaultIterations
	}
	if c.Heads < 1 {
		return c, fmt.Errorf("nystrom: found %d heads, expected 1 or more", c.Heads)
	}
	if c.HeadDim < 8 || c.HeadDim > attention.MaxHeadDim || c.HeadDim%8 != 0 {
		return c, fmt.Errorf("nystrom: found head dimension %d, expected a multiple of 8 from 8 to %d; pad the heads with zero columns",
			c.HeadDim, attention.MaxHeadDim)
	}
	if c.Landmarks < 1 || c.Landmarks > MaxLandmarks {
		return c, fmt.Errorf("nystrom: found %d landmarks, expected 1 to %d", c.Landmarks, MaxLandmarks)
	}
	if c.Iterations < 1 || c.Iterations > MaxIterations {
		return c, fmt.Errorf("nystrom: found %d iterations, expected 1 to %d", c.Iterations, MaxIterations)
	}
	if c.ConvKernel < 0 || c.ConvKernel > MaxKernel || c.ConvKernel != 0 && c.ConvKernel%2 == 0 {
		return c, fmt.Errorf("nystrom: found a convolution of %d taps, expected an odd number up to %d, or 0 for none: "+
			"an even one has no middle", c.ConvKernel, MaxKernel)
	}
	return c, nil
}

// Nystrom is Nyström attention for one shape of batch. It holds no activations and is safe for concurrent use.
type Nystrom struct {
	c      Config
	tokens int
	seqs   []sequence
	rows   int                  // landmarks of all sequences
	marks  int                  // of those that have more tokens than landmarks
	toKeys *attention.Attention // B·V: landmarks attend to tokens
	toMark *attention.Attention // F·W: tokens attend to landmarks, or where it is exact to tokens
	blocks []block              // of the skip
}

// sequence is one sequence of the batch. A short one, of no more tokens than landmarks, is its own landmarks: A and B are
// then F, A·A⁺·A is A, and F·V is the exact softmax attention. All are short where Exact is set, and none has landmarks.
type sequence struct {
	row, tokens int
	landmarks   int // m, or the tokens of a short sequence
	at          int // row of its first landmark among all
	mark        int // row of its first landmark among those of long sequences
	short       bool
}

// New prepares Nyström attention for a packed batch of sequences of the given lengths, in order. A length may be 0. A
// causal Config is refused, with the reason.
func New(c Config, lens []int) (*Nystrom, error) {
	c, err := c.resolve()
	if err != nil {
		return nil, err
	}
	n := &Nystrom{c: c}
	var toKeys, toMark []attention.Seq
	for i, t := range lens {
		if t < 0 || t > maxTokens-n.tokens {
			return nil, fmt.Errorf("nystrom: found length %d of sequence %d, expected 0 or more and at most %d tokens in all",
				t, i, maxTokens)
		}
		s := sequence{row: n.tokens, tokens: t, landmarks: min(t, c.Landmarks), at: n.rows, mark: n.marks, short: t <= c.Landmarks}
		queries, marks := s.landmarks, s.landmarks
		if s.short {
			queries = 0
		}
		if c.Exact {
			s.short, s.landmarks, queries, marks = true, 0, 0, t
		}
		toKeys = append(toKeys, attention.Seq{Q: queries, K: t})
		toMark = append(toMark, attention.Seq{Q: t, K: marks})
		n.tokens, n.rows, n.marks = n.tokens+t, n.rows+s.landmarks, n.marks+queries
		n.seqs = append(n.seqs, s)
		n.addBlocks(s)
	}
	config := attention.Config{Heads: c.Heads, HeadDim: c.HeadDim}
	if n.toKeys, err = attention.New(config, toKeys); err != nil {
		return nil, fmt.Errorf("nystrom: %w", err)
	}
	if n.toMark, err = attention.New(config, toMark); err != nil {
		return nil, fmt.Errorf("nystrom: %w", err)
	}
	return n, nil
}

const maxTokens = 1 << 29

// Tokens is T, the sum of the lengths.
func (n *Nystrom) Tokens() int { return n.tokens }

// ForwardFlops counts the useful operations of Forward: those of the two attentions, and of the skip. The inverses do not
// grow with the tokens and are not counted.
func (n *Nystrom) ForwardFlops() float64 {
	return n.toKeys.ForwardFlops() + n.toMark.ForwardFlops() + n.skipFlops()
}

// BackwardFlops counts the useful operations of Backward, without what it computes again of Forward.
func (n *Nystrom) BackwardFlops() float64 {
	return n.toKeys.BackwardFlops() + n.toMark.BackwardFlops() + 2*n.skipFlops()
}

// RecomputedFlops counts the operations of Forward that Backward computes again although its results are saved: the product where there are
// more than 128 landmarks, and all where Exact is set.
func (n *Nystrom) RecomputedFlops() float64 {
	switch {
	case n.c.Exact:
		return n.ForwardFlops()
	case n.toMark.WholeRows():
		return 0
	}
	return n.toMark.ForwardFlops()
}

func (n *Nystrom) skipFlops() float64 {
	return 2 * float64(n.tokens) * float64(n.c.Heads) * float64(n.c.HeadDim) * float64(n.c.ConvKernel)
}

func (n *Nystrom) width() int { return n.c.Heads * n.c.HeadDim }

// checkMats refuses matrices that do not fit n. It returns whether the call is dry.
func (n *Nystrom) checkMats(mem *tensor.Pool, in In, more ...check.Mat) (dry bool, err error) {
	more = append(more, in.Saved.mats(n)...)
	dry, err = check.Mats("nystrom", mem, append(more, check.Of("Q", in.Q, n.tokens, n.width()),
		check.Of("K", in.K, n.tokens, n.width()), check.Of("V", in.V, n.tokens, n.width()))...)
	if err == nil {
		err = n.checkConv("Conv", in.Conv, dry)
	}
	if err == nil {
		err = in.Saved.checkTypes()
	}
	return dry, err
}

// mats are the matrices of s with the shapes that they must have. None at all, and those of no rows, fit.
func (s Saved) mats(n *Nystrom) []check.Mat {
	if s.Rows.Rows == 0 && s.Norms.Rows == 0 {
		return nil
	}
	return []check.Mat{check.Of("Saved.Rows", s.Rows, n.SavedRows(), n.width()),
		check.Of("Saved.Norms", s.Norms, n.c.Heads, n.SavedMarks())}
}

func (s Saved) checkTypes() error {
	if s.Rows.Type != tensor.F32 || s.Norms.Type != tensor.F32 {
		return fmt.Errorf("nystrom: found Saved of types %v and %v, expected f32", s.Rows.Type, s.Norms.Type)
	}
	return nil
}

// checkConv refuses taps that are not [H, ConvKernel] F32, or that have no data in a run that is not dry.
func (n *Nystrom) checkConv(name string, m tensor.Mat, dry bool) error {
	if m.Type != tensor.F32 {
		return fmt.Errorf("nystrom: found %s of type %v, expected f32", name, m.Type)
	}
	rows := n.c.Heads
	if n.c.ConvKernel == 0 {
		rows = 0
	}
	if m.Rows != rows || m.Cols != n.c.ConvKernel {
		return fmt.Errorf("nystrom: found %s of %d×%d, expected %d×%d: a row of taps a head, or the zero Mat without a skip",
			name, m.Rows, m.Cols, rows, n.c.ConvKernel)
	}
	if m.Dry() && !dry {
		return fmt.Errorf("nystrom: found %s without data beside matrices with data, expected all with data, or none", name)
	}
	return check.Data("nystrom", name, m)
}

const lanes = kernel.Lanes
