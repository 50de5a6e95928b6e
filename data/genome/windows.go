package genome

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
)

// WindowConfig configures Windows.
type WindowConfig struct {
	Tokens      int        // bases a window, 2 or more
	Regions     []dna.Span // one for each sequence: where its windows lie; nil is the whole of every sequence
	BothStrands bool       // read every second window, chosen at random, from the other strand
	Move        bool       // begin every epoch elsewhere, so that windows do not always end at the same bases
	Repeats     float64    // share of a window's bases that become copies of earlier ones (see plantRepeats), 0 to 0.5
	Prior       Prior      // log-probabilities beside the bases; nil: none
	Seed        uint64     // of BothStrands, Move and Repeats
}

// Prior predicts bases. Append adds dna.Vocab log-probabilities in nats to dst for each base of a span of a strand, in the order that the
// strand is read: those of the base that follows it.
type Prior interface {
	Append(dst []float32, s *dna.Sequence, span dna.Span, strand dna.Strand) []float32
}

// Windows is a data.Dataset of windows of genomes to train on: about one window for every Tokens bases. The target
// of a base is the next one on its strand. N is no target. Gaps are left out. A contig, which lies between two gaps,
// is a shorter window of its own where it is shorter than Tokens.
type Windows struct {
	config WindowConfig
	pieces []piece
}

// piece is a part of a sequence that is cut into windows: a contig of Windows, a region of an Evaluation.
type piece struct {
	sequence     *dna.Sequence
	span         dna.Span
	first, count int // windows: the number of the first, and how many there are
}

// gapLength is the shortest run of N that is a gap: the one that stands for a gap of unknown length (NCBI's AGP
// specification 2.1, column 6). Shorter runs are bases that were hard to read.
const gapLength = 100

// NewWindows returns the windows of sequences, which must not be appended to afterwards.
func NewWindows(sequences []*dna.Sequence, c WindowConfig) (*Windows, error) {
	if c.Tokens < 2 {
		return nil, fmt.Errorf("genome: windows of %d bases; a window needs at least 2, one to see and one to predict", c.Tokens)
	}
	if c.Regions != nil && len(c.Regions) != len(sequences) {
		return nil, fmt.Errorf("genome: %d regions for %d sequences; give one for each sequence, or none", len(c.Regions), len(sequences))
	}
	if !(c.Repeats >= 0 && c.Repeats <= MaxRepeats) {
		return nil, fmt.Errorf("genome: %g of the bases are to repeat others; expected 0 to %g", c.Repeats, MaxRepeats)
	}
	if c.Repeats > 0 && c.Prior != nil {
		return nil, errors.New("genome: repeats are to be planted in windows with a prior, which does not know them; leave one of the two out")
	}
	w := &Windows{config: c}
	for i, s := range sequences {
		region := dna.Span{Start: 0, End: s.Len()}
		if c.Regions != nil {
			region = c.Regions[i]
		}
		if err := checkRegion(s, region); err != nil {
			return nil, err
		}
		for _, span := range s.Contigs(region.Start, region.End, gapLength) {
			if span.Len() >= 2 {
				w.pieces = append(w.pieces, piece{s, span, w.Len(), (span.Len() + c.Tokens - 1) / c.Tokens})
			}
		}
	}
	if len(w.pieces) == 0 {
		return nil, fmt.Errorf("genome: the %d sequences hold no two bases without a gap of N between them; nothing can be predicted",
			len(sequences))
	}
	return w, nil
}

func checkRegion(s *dna.Sequence, r dna.Span) error {
	if r.Start < 0 || r.End > s.Len() || r.Start > r.End {
		return fmt.Errorf("genome: the region %d … %d is not within the %d bases of %s", r.Start, r.End, s.Len(), s.Name)
	}
	return nil
}

// Len is the windows of an epoch.
func (w *Windows) Len() int { return end(w.pieces) }

// Vocab is the number of tokens.
func (w *Windows) Vocab() int { return dna.Vocab }

// Place is where window index of an epoch lies, and the strand that it is read from.
func (w *Windows) Place(epoch, index int) (s *dna.Sequence, span dna.Span, strand dna.Strand) {
	at := pieceAt(w.pieces, index)
	p := w.pieces[at]
	n := min(w.config.Tokens, p.span.Len())
	starts := p.span.Len() - n + 1 // places where a window can begin
	start := min((index-p.first)*n, starts-1)
	if w.config.Move {
		phase := data.NewRandom(w.config.Seed, uint64(epoch)<<32|uint64(at)).IntN(starts)
		start = (phase + (index-p.first)*n) % starts
	}
	if w.config.BothStrands {
		strand = data.NewRandom(^w.config.Seed, uint64(epoch)<<32|uint64(index)).IntN(2) == 1
	}
	return p.sequence, dna.Span{Start: p.span.Start + start, End: p.span.Start + start + n}, strand
}

// Append adds window index of an epoch to dst.
func (w *Windows) Append(dst *data.Batch, epoch, index int) error {
	begin := len(dst.Tokens)
	s, span, strand, err := w.appendWindow(dst, epoch, index)
	if err != nil {
		return err
	}
	if w.config.Prior != nil {
		dst.Prior = w.config.Prior.Append(dst.Prior, s, span, strand)
	}
	if w.config.Repeats > 0 {
		plantRepeats(dst.Tokens[begin:], w.config.Repeats, data.NewRandom(data.Mix(w.config.Seed), uint64(epoch)<<32|uint64(index)))
	}
	appendTargets(dst, begin, 0)
	return nil
}

// appendWindow adds window index of an epoch as a sequence that has no targets yet, and returns its place.
func (w *Windows) appendWindow(dst *data.Batch, epoch, index int) (s *dna.Sequence, span dna.Span, strand dna.Strand, err error) {
	if index < 0 || index >= w.Len() {
		return nil, span, strand, fmt.Errorf("genome: window %d of %d", index, w.Len())
	}
	s, span, strand = w.Place(epoch, index)
	appendBases(dst, s, span, strand)
	return s, span, strand, nil
}

// appendBases adds span as a sequence that has no targets yet.
func appendBases(dst *data.Batch, s *dna.Sequence, span dna.Span, strand dna.Strand) {
	begin, n := len(dst.Tokens), span.Len()
	dst.Tokens = append(dst.Tokens, make([]int32, n)...)
	s.Tokens(dst.Tokens[begin:], span.Start, strand)
	dst.Lengths = append(dst.Lengths, n)
}

// appendTargets adds the targets of the tokens from begin on, of which the first unscored have none.
func appendTargets(dst *data.Batch, begin, unscored int) {
	tokens := dst.Tokens[begin:]
	for i := range tokens {
		target := data.Ignore
		if i >= unscored && i+1 < len(tokens) && tokens[i+1] != int32(dna.N) {
			target = tokens[i+1]
		}
		dst.Targets = append(dst.Targets, target)
	}
}
