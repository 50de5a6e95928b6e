// Package score scores variants of DNA by a language model that reads one base a token: how much less probable the alternate allele is than
// that of the reference, in its place.
//
// A score depends on the variant, the reference, the model and the options alone; on the haplotypes of a sample it depends on the alleles
// beside it too. It has the same bits in any batch, order of rows and part
// of a file, at any number of threads; all ways to write an indel of a repeat have one score.
//
// A score is the opinion of a model. It is no statement about health.
package score

import (
	"errors"
	"fmt"
	"slices"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/model"
)

// Method is how alleles are compared.
type Method string

// The methods.
const (
	// BySequence is log p(window with ALT) − log p(window with REF), for models that predict the next base. Bases before the allele are equal
	// in both windows and cancel. So the score has two parts: that of the allele's own bases, and that of the flank behind it.
	BySequence Method = "sequence"
	// BySite is log p(ALT) − log p(REF) in one place. It compares single bases: SNVs. A masked model reads a window in which the base is
	// hidden. A model of the next base reads the bases before it, on each strand: all sites of a chunk of the contig in one pass (see Sites).
	BySite Method = "site"
	// Auto scores SNVs by site, and other alleles by sequence where the model is one of the next base.
	Auto Method = "auto"
)

// Strand is the strand that is read.
type Strand string

// The strands.
const (
	Both    Strand = "both" // the mean of the two
	Forward Strand = "forward"
	Reverse Strand = "reverse"
)

// The words of genome.Skip for what this package does not score.
const (
	TooLong genome.Skip = "too_long"    // an allele has more than half of the window's bases
	NInside genome.Skip = "n_in_window" // the window has a base that is not known
	NoFlank genome.Skip = "no_flank"    // the contig ends beside the allele, so that nothing predicts its first base
	NotSNV  genome.Skip = "not_snv"     // by site, single bases are compared
)

// Options say how variants are scored. The zero value leaves the choice to the model: see For.
type Options struct {
	By     Method // "": Auto
	Strand Strand // "": Both
	Window int    // bases of a window with the longer allele; 0: what the model was made to read
	Batch  int    // bases that are computed together; longer windows are computed alone; 0: 4,096. Scores do not depend on it

	// With a sample Rows scores the alleles that it has, each on the haplotypes that have it: log p(haplotype as it is) − log p(haplotype
	// with this one allele put back to REF), by sequence. All other alleles of the haplotype stay in place (genome.Background). "" scores
	// alleles on the reference.
	Sample    string
	Haplotype int // 1 or 2; 0: both
}

// minWindow leaves a base on each side of a SNV.
const minWindow = 3

// defaultBatch is enough bases for products of full speed.
const defaultBatch = 4096

// For fills in what a model decides, and checks the rest. It returns an error for a model that is no language model, for a tokenizer that
// does not read one base a token, for a method of another kind of model, and for a window that is longer than the learned positions. Auto
// becomes the only method of a model that has one.
func (o Options) For(m *model.Model) (Options, error) {
	if m.Spec().Kind == model.EncoderDecoder {
		return o, errors.New("score: found an encoder-decoder, expected a decoder or an encoder: it gives a probability only after a source")
	}
	if m.Spec().Head.Prior {
		return o, errors.New("score: found a model that corrects counts of its training data (data.genome.prior), expected one without: the " +
			"counts are not in its folder")
	}
	if err := o.method(m); err != nil {
		return o, err
	}
	if err := o.sample(m); err != nil {
		return o, err
	}
	if o.Strand == "" {
		o.Strand = Both
	}
	if !slices.Contains([]Strand{Both, Forward, Reverse}, o.Strand) {
		return o, fmt.Errorf("score: found the strand %q, expected %s, %s or %s", o.Strand, Both, Forward, Reverse)
	}
	if _, err := newAlphabet(m); err != nil {
		return o, err
	}
	if o.Batch == 0 {
		o.Batch = defaultBatch
	}
	if o.Batch < 1 || o.Batch > maxWindow {
		return o, fmt.Errorf("score: found a batch of %d bases, expected 1 to %d, or 0 for the default", o.Batch, maxWindow)
	}
	return o.window(m)
}

// method chooses and checks the method.
func (o *Options) method(m *model.Model) error {
	if o.By == "" {
		o.By = Auto
	}
	head := m.Spec().Head.Kind
	only := Auto // the model has several methods
	switch {
	case head == model.MaskedLM:
		only = BySite
	case head != model.LM:
		return fmt.Errorf("score: found a model with the head %s, expected lm or mlm: only a language model gives bases a probability", head)
	case !oneBase(m):
		only = BySequence
	}
	switch {
	case o.By != Auto && o.By != BySequence && o.By != BySite:
		return fmt.Errorf("score: found the method %q, expected %s, %s or %s", o.By, Auto, BySite, BySequence)
	case only == Auto:
	case o.By == Auto:
		o.By = only
	case o.By != only:
		return fmt.Errorf("score: found the method %s for a model of kind %s with the head %s, expected %s: it can score by that alone", o.By,
			m.Spec().Kind, head, only)
	}
	return nil
}

// window chooses and checks the window.
func (o Options) window(m *model.Model) (Options, error) {
	special := specials(m)
	if o.Window == 0 {
		if o.Window = m.Context() - special; m.Context() == 0 {
			return o, errors.New("score: the model does not say how many bases it was made to read; give a window, such as 4096")
		}
	}
	switch limit := m.Spec().MaxTokens(); {
	case o.Window < minWindow:
		return o, fmt.Errorf("score: found a window of %d bases, expected at least %d: a base and its neighbours", o.Window, minWindow)
	case o.Window > maxWindow:
		return o, fmt.Errorf("score: found a window of %d bases, expected at most %d", o.Window, maxWindow)
	case limit > 0 && o.Window > limit-special:
		return o, fmt.Errorf("score: found a window of %d bases, expected at most %d, the learned positions", o.Window, limit-special)
	}
	return o, nil
}

// maxWindow bounds a window and a batch, in bases.
const maxWindow = 1 << 24

// specials is the number of special tokens around a window.
func specials(m *model.Model) int {
	t := m.Tokenizer().Template()
	if m.Spec().Causal() {
		return len(t.Before)
	}
	return len(t.Before) + len(t.After)
}

// Lengths are the tokens of the sequences of the largest batch, for a plan of the memory. o is of For.
func (o Options) Lengths(m *model.Model) []int {
	longest := newGrid(m, o.Window).tokens()
	if o.By != BySite || m.Spec().Head.Kind == model.MaskedLM {
		longest = min(o.Window, 2*flank(m, o.Window)+o.Window/2) // that of an allele of half a window
	}
	lengths := make([]int, max(1, o.Batch/longest))
	for i := range lengths {
		lengths[i] = longest + specials(m)
	}
	return lengths
}

// Score is the score of an alternate allele, in nats. A score of a Skip has no numbers. Forward and Reverse are those of a strand, and 0
// where the strand was not read.
type Score struct {
	Skip    genome.Skip
	By      Method  // BySite or BySequence
	LLR     float64 // log p(ALT) − log p(REF); the mean of the strands that were read
	Forward float64
	Reverse float64
	Flank   float64 // the part of LLR of the bases behind the allele; 0 by site, where it has no meaning
	Bits    float64 // −log2 p(REF), the bases of the allele alone; the mean of the strands

	// On is the LLR on haplotypes 1 and 2 of a sample, of those that Has says; the other numbers are the means of these.
	On  [2]float64
	Has [2]bool
}

// Scorer scores variants. One goroutine uses a scorer at a time.
type Scorer struct {
	ref      *fasta.Reference
	session  *model.Session
	options  Options
	alphabet alphabet
	flank    int // bases on each side of an allele that a strand reads at most
	grid     grid
	cache    cache
	letters  []byte
}

// New returns a scorer that computes with a session. The session must not be of several ranks.
func New(ref *fasta.Reference, s *model.Session, o Options) (*Scorer, error) {
	o, err := o.For(s.Model())
	if err != nil {
		return nil, err
	}
	a, err := newAlphabet(s.Model())
	return &Scorer{ref: ref, session: s, options: o, alphabet: a, flank: flank(s.Model(), o.Window), grid: newGrid(s.Model(), o.Window)}, err
}

// Options are the scorer's, with what the model decided.
func (s *Scorer) Options() Options { return s.options }

// Model is the model that scores.
func (s *Scorer) Model() *model.Model { return s.session.Model() }

// strands are those that are read.
func (s *Scorer) strands() []Strand {
	if s.options.Strand == Both {
		return []Strand{Forward, Reverse}
	}
	return []Strand{s.options.Strand}
}
