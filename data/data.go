// Package data feeds models: packed batches of tokens, sources that yield them one after the other, and the
// saved positions from which a source goes on as if it had never stopped.
//
// A Dataset has examples with random access, and a Loader is a Source over any Dataset. Data without random access is a Source itself. A
// Bundle is the three parts of a data set.
//
// The packages below this one read files (dna, fasta, genbank, text), make tasks by rule (listops, pathfinder, recall), and turn both
// into data sets (genome, labelled, pairs).
package data

import (
	"fmt"
	"math"
)

// Ignore marks a token without a target.
const Ignore int32 = -1

// Batch is a packed batch: its sequences lie end to end, with no padding anywhere.
type Batch struct {
	Tokens  []int32   // all sequences, end to end: T tokens, each 0 … vocabulary−1
	Lengths []int     // tokens of each sequence, all positive; they add up to T
	Types   []int32   // empty, or the token type of each token, as BERT's segments A and B; empty: all 0
	Prior   []float32 // empty, or for each token the log-probabilities, in nats, of all tokens to be the next: T rows of a vocabulary
	Targets []int32   // empty, or for each token its target; Ignore where there is none
	Labels  []int32   // empty, or the class of each sequence
	Values  []float32 // empty, or the number to predict of each sequence
	Follows []int     // empty, or for each sequence index in the previous batch of the sequence that it continues; −1: new
	Source  *Batch    // nil or empty, or for each sequence its source, which an encoder-decoder reads

	// Patches, where not nil, are what a model of pictures reads. Tokens are then all 0.
	Patches *Patches
}

// Patches are the tokens of pictures, of which each sequence of a batch is one, row by row.
type Patches struct {
	Network int       // of a model of several, the number of the one that reads the batch
	Widths  []int     // of each sequence, the tokens of a row of its picture: a divisor of its length
	Inputs  []float32 // T rows of numbers
	Targets []float32 // T rows of numbers to predict
	Weights []float32 // of each token, the weight of its error
}

// Reset empties p and keeps its memory.
func (p *Patches) Reset() {
	p.Widths, p.Inputs, p.Targets, p.Weights = p.Widths[:0], p.Inputs[:0], p.Targets[:0], p.Weights[:0]
}

// check compares p with the lengths of a batch of so many tokens.
func (p *Patches) check(lengths []int, tokens int) error {
	if len(p.Widths) != len(lengths) {
		return fmt.Errorf("data: the batch has %d widths of pictures, expected %d", len(p.Widths), len(lengths))
	}
	for i, n := range lengths {
		if w := p.Widths[i]; w < 1 || n%w != 0 {
			return fmt.Errorf("data: picture %d of the batch has %d tokens in rows of %d", i, n, w)
		}
	}
	if len(p.Weights) != tokens || tokens > 0 && (len(p.Inputs)%tokens != 0 || len(p.Targets)%tokens != 0) {
		return fmt.Errorf("data: the batch has %d inputs, %d targets and %d weights for %d tokens", len(p.Inputs), len(p.Targets),
			len(p.Weights), tokens)
	}
	return nil
}

// Reset empties b and keeps its memory.
func (b *Batch) Reset() {
	b.Tokens, b.Lengths, b.Targets = b.Tokens[:0], b.Lengths[:0], b.Targets[:0]
	b.Prior = b.Prior[:0]
	b.Types, b.Labels, b.Values, b.Follows = b.Types[:0], b.Labels[:0], b.Values[:0], b.Follows[:0]
	if b.Source != nil {
		b.Source.Reset()
	}
	if b.Patches != nil {
		b.Patches.Reset()
	}
}

// Sequences is the number of sequences in b. A nil b has none.
func (b *Batch) Sequences() int {
	if b == nil {
		return 0
	}
	return len(b.Lengths)
}

// Sequence returns views of the tokens and targets of sequence i, 0 … Sequences−1; targets is nil if b has none.
func (b *Batch) Sequence(i int) (tokens, targets []int32) {
	start := 0
	for _, n := range b.Lengths[:i] {
		start += n
	}
	end := start + b.Lengths[i]
	if len(b.Targets) > 0 {
		targets = b.Targets[start:end]
	}
	return b.Tokens[start:end], targets
}

// Scored is the number of tokens with a target.
func (b *Batch) Scored() int {
	n := 0
	for _, t := range b.Targets {
		if t != Ignore {
			n++
		}
	}
	return n
}

// Check returns an error if the lengths do not add up, if tokens or targets are outside 0 … vocab−1, or if a column has the wrong length,
// in b or its sources. A vocab of 0 sets no upper bound.
func (b *Batch) Check(vocab int) error {
	total := 0
	for i, n := range b.Lengths {
		if n <= 0 {
			return fmt.Errorf("data: sequence %d of the batch has %d tokens; every sequence needs at least one", i, n)
		}
		if n > math.MaxInt-total {
			return fmt.Errorf("data: the lengths of the batch add up to more than %d, but it has %d tokens", math.MaxInt, len(b.Tokens))
		}
		total += n
	}
	if total != len(b.Tokens) {
		return fmt.Errorf("data: the lengths of the batch add up to %d, but it has %d tokens", total, len(b.Tokens))
	}
	columns := []struct {
		name      string
		got, want int
	}{
		{"token types", len(b.Types), len(b.Tokens)},
		{"targets", len(b.Targets), len(b.Tokens)},
		{"labels", len(b.Labels), len(b.Lengths)},
		{"values", len(b.Values), len(b.Lengths)},
		{"followed sequences", len(b.Follows), len(b.Lengths)},
	}
	for _, c := range columns {
		if c.got != 0 && c.got != c.want {
			return fmt.Errorf("data: the batch has %d %s, want none or %d", c.got, c.name, c.want)
		}
	}
	last := int32(math.MaxInt32)
	if vocab > 0 && vocab <= math.MaxInt32 {
		last = int32(vocab - 1)
	}
	for i, t := range b.Tokens {
		if t < 0 || t > last {
			return fmt.Errorf("data: token %d of the batch is %d, outside 0 … %d", i, t, last)
		}
	}
	for i, t := range b.Targets {
		if t != Ignore && (t < 0 || t > last) {
			return fmt.Errorf("data: target %d of the batch is %d, outside 0 … %d and not %d (ignore)", i, t, last, Ignore)
		}
	}
	if b.Patches != nil {
		if err := b.Patches.check(b.Lengths, len(b.Tokens)); err != nil {
			return err
		}
	}
	if b.Source.Sequences() == 0 {
		return nil
	}
	if got, want := b.Source.Sequences(), b.Sequences(); got != want {
		return fmt.Errorf("data: the batch has %d sources, want none or %d", got, want)
	}
	if err := b.Source.Check(vocab); err != nil {
		return fmt.Errorf("%w: among the sources", err)
	}
	return nil
}

// Source yields batches, one after the other.
type Source interface {
	// Next replaces dst by the next batch. It returns io.EOF after the last batch; a source for training has no last batch. After an error the
	// contents of dst are undefined.
	Next(dst *Batch) error

	// State is the position. A source with the same settings that restores it yields the same next batches, bit for bit.
	State() []byte

	// Restore moves to a position. It returns an error, and does not move, if state is damaged or of a source with other settings.
	Restore(state []byte) error
}

// Dataset is a set of examples with random access.
type Dataset interface {
	// Len is the number of examples in an epoch.
	Len() int

	// Append adds example index (0 … Len−1) of an epoch to dst, as one sequence. An example may depend on the epoch, such as the start of a
	// window or the strand. The same epoch and index give the same bits.
	Append(dst *Batch, epoch, index int) error
}
