package splice

import (
	"context"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/genome/score"
	"github.com/longspan/longspan/model"
)

// Score is what an allele does to splice sites. A score of a Skip has no deltas.
type Score struct {
	Skip   genome.Skip
	Deltas []Delta // for each gene that has the allele's first base, by the gene's first base
}

// Allele is an alternate allele to score: a variant of one, whose REF is what the reference has (genome.Placer).
type Allele = score.AlleleOf[Score]

// Scorer scores variants. One goroutine uses a scorer at a time.
type Scorer struct {
	ref     *fasta.Reference
	genes   *Index
	session *model.Session
	options Options
	letters []byte
}

// New returns a scorer of the variants in genes.
func New(ref *fasta.Reference, genes *Index, s *model.Session, o Options) (*Scorer, error) {
	o, err := o.For(s.Model())
	return &Scorer{ref: ref, genes: genes, session: s, options: o}, err
}

// Options are the scorer's, with what the model decided.
func (s *Scorer) Options() Options { return s.options }

// Model is the model that scores.
func (s *Scorer) Model() *model.Model { return s.session.Model() }

// RowScorer walks the rows of a VCF.
func (s *Scorer) RowScorer() score.RowScorer[Score] {
	return score.RowScorer[Score]{Reference: s.ref, Batch: s.options.Batch,
		Reads:   func(string, string) int { return 2 * s.options.usual() },
		Score:   s.Score,
		Skipped: func(why genome.Skip) Score { return Score{Skip: why} },
		Why:     func(s *Score) genome.Skip { return s.Skip }}
}

// work is the windows that are computed together.
type work struct {
	refs    map[place]*window
	windows []strandWindow
	tasks   []task
	bases   int
}

// place is a window of the reference.
type place struct {
	contig string
	span   dna.Span
	strand dna.Strand
}

type strandWindow struct {
	*window
	strand dna.Strand
}

// task is a delta to compute.
type task struct {
	score    *Score
	gene     *Gene
	ref, alt *window
	change   change
	start    int // of the window on the contig
	from, to int // places of the window that are compared
	pos      int // the row's POS as a place of the window
}

// Score scores alleles. When ctx is done it returns ctx's error.
func (s *Scorer) Score(ctx context.Context, alleles []Allele) error {
	w := work{refs: map[place]*window{}}
	for _, a := range alleles {
		if err := s.add(&w, a); err != nil {
			return err
		}
		if w.bases >= 4*s.options.Batch {
			if err := s.compute(ctx, &w); err != nil {
				return err
			}
			w = work{refs: map[place]*window{}}
		}
	}
	return s.compute(ctx, &w)
}

// add makes the windows of an allele, or says why there are none.
func (s *Scorer) add(w *work, a Allele) error {
	*a.Score = Score{}
	v := a.Variant
	if a.Score.Skip = genome.SkipOf(v.Ref, v.Alts[0]); a.Score.Skip != genome.Used {
		return nil
	}
	v, err := genome.Normalize(s.ref, v)
	if err != nil {
		return err
	}
	genes, ok := s.genes.At(a.Contig.Name, v.Pos-1)
	switch {
	case !ok:
		a.Score.Skip = NoGenes
	case len(genes) == 0:
		a.Score.Skip = NoGene
	case len(v.Ref) > 2*s.options.Distance || len(v.Alts[0]) > maxInsertion:
		a.Score.Skip = score.TooLong
	}
	if a.Score.Skip != genome.Used {
		return nil
	}
	return s.addGenes(w, a, v, genes)
}

// addGenes makes the windows of an allele in genes. They begin and end at places of the contig that the allele's block decides, so that
// alleles of a block share the window of REF.
func (s *Scorer) addGenes(w *work, a Allele, v genome.Variant, genes []*Gene) error {
	at, distance := v.Pos-1, s.options.Distance
	behind := distance
	if len(v.Ref) > distance {
		behind = 2 * distance
	}
	first := at / block * block
	span := dna.Span{Start: max(0, first-distance-s.options.Context), End: min(a.Contig.Length, first+block+behind+s.options.Context)}
	letters, err := s.ref.Letters(s.letters[:0], fasta.Window{Contig: a.Contig.Name, Start: span.Start, End: span.End})
	if err != nil {
		return err
	}
	s.letters = letters
	c := change{at - span.Start, len(v.Ref), len(v.Alts[0])}
	alts := map[dna.Strand]*window{}
	for _, g := range genes {
		key := place{a.Contig.Name, span, g.Strand}
		if w.refs[key] == nil {
			w.refs[key] = w.window(g.Strand, letters)
		}
		if alts[g.Strand] == nil {
			alts[g.Strand] = w.window(g.Strand, letters[:c.at], []byte(v.Alts[0]), letters[c.at+c.n:])
		}
		w.tasks = append(w.tasks, task{score: a.Score, gene: g, ref: w.refs[key], alt: alts[g.Strand], change: c, start: span.Start,
			from: max(0, c.at-distance), to: min(span.Len(), c.at+distance+1), pos: a.Variant.Pos - 1 - span.Start})
	}
	return nil
}

// window adds a window of letters of the forward strand.
func (w *work) window(strand dna.Strand, parts ...[]byte) *window {
	var bases []dna.Base
	for _, part := range parts {
		for _, letter := range part {
			b, _ := dna.Parse(letter)
			bases = append(bases, b.Code())
		}
	}
	if strand == dna.Reverse {
		dna.ReverseComplement(bases)
	}
	one := &window{tokens: make([]int32, len(bases))}
	for i, b := range bases {
		one.tokens[i] = int32(b)
	}
	w.windows = append(w.windows, strandWindow{one, strand})
	w.bases += len(bases)
	return one
}

// compute runs the windows, and fills in the deltas.
func (s *Scorer) compute(ctx context.Context, w *work) error {
	for rest := w.windows; len(rest) > 0; {
		var b data.Batch
		n := 0
		for n < len(rest) && (n == 0 || len(b.Tokens)+len(rest[n].tokens) <= s.options.Batch) {
			b.Tokens = append(b.Tokens, rest[n].tokens...)
			b.Lengths = append(b.Lengths, len(rest[n].tokens))
			n++
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.run(&b, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	for _, t := range w.tasks {
		d := t.change.compare(t.gene, t.start, t.ref.sites, t.alt.sites, t.from, t.to, t.pos)
		if s.options.Mask {
			d.mask(t.gene, t.start+t.pos)
		}
		t.score.Deltas = append(t.score.Deltas, d)
	}
	return nil
}

// run computes a batch of windows.
func (s *Scorer) run(b *data.Batch, windows []strandWindow) error {
	out, err := s.session.Predict(b, model.StepOptions{})
	if err != nil {
		return err
	}
	defer s.session.Exec().Pool.Put(out)
	first := 0
	for _, w := range windows {
		if err := w.take(func(i int) (Probabilities, error) {
			p, ok := softmax(out.Row(first + i))
			if !ok {
				return p, errNotFinite
			}
			return p, nil
		}, w.strand); err != nil {
			return err
		}
		first += len(w.tokens)
	}
	return nil
}
