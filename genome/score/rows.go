package score

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/vcf"
	"github.com/longspan/longspan/genome"
)

// RowOptions choose the rows of a VCF.
type RowOptions = RowOptionsOf[Score]

// RowOptionsOf are RowOptions for scores of another kind.
type RowOptionsOf[S any] struct {
	Region *genome.Region // rows whose POS is in it; nil: all

	// Header is called once, before the rows. Row is called with each row and a score for each of its alternate alleles, in the order of the
	// file; of a row without one, one skip. Both may keep nothing. Nil: not called.
	Header func(*vcf.Header) error
	Row    func(*vcf.Record, []S) error

	// From is what was counted before a stop, as Save had it. So many rows of the region are read and compared with the reference again, and
	// not scored: Row is not called with them. The zero value begins.
	From Report
	// Save is called after every SaveRows rows with what was counted, and sooner where rows take long: a place depends on the rows since the
	// last one alone. It may keep nothing. Nil: not called.
	Save func(*Report) error
}

// SaveRows is the most rows from one call of RowOptions.Save to the next.
const SaveRows = 1024

// saveBases is the most bases that are read on a strand from one call of RowOptions.Save to the next: some seconds of two cores. Tests have
// fewer.
var saveBases = 1 << 18

// Report counts what was scored.
type Report struct {
	Rows     int                 `json:"rows"`
	Alleles  int                 `json:"alleles"` // a row without an alternate allele counts as one
	Scored   int                 `json:"scored"`
	Skipped  map[genome.Skip]int `json:"skipped"`
	Examples []Example           `json:"examples,omitempty"` // the first of each reason
	Ref      genome.RefCheck     `json:"ref"`
	Aliases  map[string]string   `json:"aliases,omitempty"`
	Sample   *SampleReport       `json:"sample,omitempty"` // where haplotypes were scored
}

// Example is an allele that was not scored.
type Example struct {
	Why  genome.Skip `json:"why"`
	Line int         `json:"line"`
	Row  string      `json:"row"`
}

// A group of rows is held in memory until it is scored. It ends with maxRows rows, maxBytes of them, or maxAlleles. The memory of a row of
// more than keptBytes or keptAlleles is not kept for another row.
const (
	maxRows     = 256
	maxBytes    = 64 << 20
	maxAlleles  = 1 << 16
	keptBytes   = 256 << 10
	keptAlleles = 1 << 10
)

// RowScorer scores the alleles of rows.
type RowScorer[S any] struct {
	Reference *fasta.Reference
	Batch     int                                        // bases that are computed together
	Reads     func(ref, alt string) int                  // about the bases that are read for an allele alone
	Chunk     int                                        // bases that are read for neighbours together, whose Reads is 0; 0: none
	Score     func(context.Context, []AlleleOf[S]) error // of alleles whose REF is what the reference has
	Skipped   func(genome.Skip) S                        // a score without numbers, with the reason
	Why       func(*S) genome.Skip                       // the reason of a score
}

// rows is a VCF on its way through a scorer.
type rows[S any] struct {
	Report
	scorer  RowScorer[S]
	options RowOptionsOf[S]
	placer  *genome.Placer

	held    []heldRow[S] // those of the last group stay, for their memory
	n       int
	bytes   int
	bases   int
	scores  int // of the rows that are held
	alleles []AlleleOf[S]
	done    int // rows that are still to be passed over: they were scored before a stop
	unsaved unsaved
}

// unsaved is the work since the last call of RowOptions.Save.
type unsaved struct {
	rows, bases int
	chunk       chunkKey // of the last site
}

type heldRow[S any] struct {
	rec    vcf.Record
	scores []S
}

// Rows scores the rows of a VCF as a stream: a group of at most 256 rows is in memory. More than 1 % of at least 20 REF alleles that differ
// from the reference is an error, after the last row: CheckRows finds it before the first. When ctx is done Rows returns ctx's error.
//
// With Options.Sample rows wait until all alleles that their windows reach are known. Rows of a contig must stand together, in the order of
// their positions; rows of the contig outside of the region are read too.
func (s *Scorer) Rows(ctx context.Context, in io.Reader, file string, o RowOptions) (Report, error) {
	if s.options.Sample != "" {
		return s.sampleRows(ctx, in, file, o)
	}
	return s.RowScorer().Rows(ctx, in, file, o)
}

// RowScorer is what Rows walks with, without a sample.
func (s *Scorer) RowScorer() RowScorer[Score] {
	return RowScorer[Score]{Reference: s.ref, Batch: s.options.Batch, Reads: s.reads, Chunk: s.grid.chunk, Score: s.Score,
		Skipped: func(why genome.Skip) Score { return Score{Skip: why} }, Why: func(s *Score) genome.Skip { return s.Skip }}
}

// Rows is [Scorer.Rows] for scores of another kind.
func (s RowScorer[S]) Rows(ctx context.Context, in io.Reader, file string, o RowOptionsOf[S]) (Report, error) {
	r, err := vcf.NewReader(in, file)
	if err != nil {
		return Report{}, err
	}
	if o.Header != nil {
		if err := o.Header(r.Header()); err != nil {
			return Report{}, err
		}
	}
	w := &rows[S]{Report: o.From, scorer: s, options: o, placer: genome.NewPlacer(s.Reference, r.Header()), done: o.From.Rows}
	if w.Skipped = maps.Clone(o.From.Skipped); w.Skipped == nil {
		w.Skipped = map[genome.Skip]int{}
	}
	for {
		if w.n == len(w.held) {
			w.held = append(w.held, heldRow[S]{})
		}
		err := r.Next(&w.held[w.n].rec)
		if err == io.EOF {
			break
		}
		if err == nil {
			err = w.row(ctx)
		}
		if err != nil {
			return w.report(), inFile(file, err)
		}
	}
	if err := w.flush(ctx); err != nil {
		return w.report(), inFile(file, err)
	}
	if w.done > 0 {
		return w.report(), fewer(file, w.done)
	}
	return w.report(), w.placer.Check.Err()
}

// fewer is the error of a file that has fewer rows than were done.
func fewer(file string, rows int) error {
	return fmt.Errorf("%s: found %d rows fewer than were done before the stop; it is another file", file, rows)
}

// inFile names the file in errors that do not.
func inFile(file string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || strings.Contains(err.Error(), file) {
		return err
	}
	return fmt.Errorf("%s: %w", file, err)
}

func (w *rows[S]) report() Report {
	w.Ref, w.Aliases = w.placer.Check, w.placer.Aliases
	return w.Report
}

// row holds the row that was read, and scores the group where it is full.
func (w *rows[S]) row(ctx context.Context) error {
	h := &w.held[w.n]
	rec := &h.rec
	if in, err := inRegion(w.placer, w.options.Region, rec); err != nil || !in {
		h.release()
		return err
	}
	c, skip, err := w.placer.Place(rec)
	if err != nil {
		return err
	}
	if w.done > 0 {
		w.done--
		h.release()
		return nil
	}
	alts := rec.Alts
	if len(alts) == 0 {
		alts = []string{"."}
	}
	h.scores = slices.Grow(h.scores[:0], len(alts))[:len(alts)]
	for i, alt := range alts {
		h.scores[i] = w.scorer.Skipped(skip)
		if skip == genome.Used {
			v := genome.Variant{Contig: c.Name, Pos: rec.Pos, Ref: rec.Ref, Alts: []string{alt}}
			w.alleles = append(w.alleles, AlleleOf[S]{c, v, &h.scores[i]})
			w.bases += w.scorer.Reads(strings.ToUpper(rec.Ref), strings.ToUpper(alt))
		}
	}
	w.n++
	w.bytes += rec.Size()
	w.scores += len(h.scores)
	// A group of several batches: only the last of a group is not full.
	if w.n == maxRows || w.bytes > maxBytes || w.scores > maxAlleles || w.bases > 4*w.scorer.Batch {
		return w.flush(ctx)
	}
	return nil
}

// reads is about the number of bases that are read for an allele alone: none for a site of a chunk.
func (s *Scorer) reads(ref, alt string) int {
	switch {
	case s.masked():
		return s.options.Window
	case s.methodOf(ref, alt) == BySite:
		return 0
	}
	return min(s.options.Window, len(ref)+len(alt)+2*s.flank)
}

// inRegion reports whether a row begins in a region.
func inRegion(p *genome.Placer, region *genome.Region, rec *vcf.Record) (bool, error) {
	if region == nil {
		return true, nil
	}
	c, ok, err := p.Contig(rec.Chrom)
	if err != nil {
		return false, fmt.Errorf("line %d: %w", rec.Line, err)
	}
	return ok && c.Name == region.Contig.Name && rec.Pos > region.Start && rec.Pos <= region.End, nil
}

// flush scores the group, and hands on its rows.
func (w *rows[S]) flush(ctx context.Context) error {
	if err := w.scorer.Score(ctx, w.alleles); err != nil {
		return err
	}
	for i := range w.held[:w.n] {
		h := &w.held[i]
		w.count(&h.rec, h.scores)
		if w.options.Row != nil {
			if err := w.options.Row(&h.rec, h.scores); err != nil {
				return err
			}
		}
		if err := w.save(h); err != nil {
			return err
		}
		h.release()
	}
	if cap(w.alleles) > 2*maxRows*keptAlleles {
		w.alleles = nil
	}
	w.alleles, w.n, w.bytes, w.bases, w.scores = w.alleles[:0], 0, 0, 0, 0
	return nil
}

// save calls RowOptions.Save behind a row, where there was enough work since the last call.
func (w *rows[S]) save(h *heldRow[S]) error {
	if w.options.Save == nil {
		return nil
	}
	u := &w.unsaved
	u.rows++
	for i := range h.scores {
		if w.scorer.Why(&h.scores[i]) != genome.Used {
			continue
		}
		bases := w.scorer.Reads(strings.ToUpper(h.rec.Ref), strings.ToUpper(h.rec.Alts[i]))
		if bases == 0 && w.scorer.Chunk > 0 {
			if key := (chunkKey{h.rec.Chrom, h.rec.Pos / w.scorer.Chunk}); key != u.chunk {
				u.chunk, bases = key, w.scorer.Chunk
			}
		}
		u.bases += bases
	}
	if u.rows < SaveRows && u.bases < saveBases {
		return nil
	}
	*u = unsaved{}
	return w.options.Save(&w.Report)
}

// release gives up the memory of a large row.
func (h *heldRow[S]) release() {
	if h.rec.Size() > keptBytes || len(h.scores) > keptAlleles {
		*h = heldRow[S]{}
	}
}

func (w *rows[S]) count(rec *vcf.Record, scores []S) {
	w.Report.Rows++
	for i := range scores {
		w.Report.count(rec, i, w.scorer.Why(&scores[i]))
	}
}

// count counts an allele of a row, and why it was not scored.
func (r *Report) count(rec *vcf.Record, allele int, why genome.Skip) {
	r.Alleles++
	if why == genome.Used {
		r.Scored++
		return
	}
	if r.Skipped[why]++; r.Skipped[why] > 1 {
		return
	}
	alt := "."
	if len(rec.Alts) > 0 {
		alt = rec.Alts[allele]
	}
	v := genome.Variant{Contig: rec.Chrom, Pos: rec.Pos, Ref: rec.Ref, Alts: []string{alt}}
	r.Examples = append(r.Examples, Example{why, rec.Line, v.String()})
}

// CheckRows reads a VCF without scoring it. It returns the number of rows in the region, and the errors of Rows that do not come from the
// model.
func CheckRows(ref *fasta.Reference, in io.Reader, file string, region *genome.Region) (n int, err error) {
	r, err := vcf.NewReader(in, file)
	if err != nil {
		return 0, err
	}
	p := genome.NewPlacer(ref, r.Header())
	if err := r.Each(func(rec *vcf.Record) error {
		in, err := inRegion(p, region, rec)
		if err == nil && in {
			n++
			_, _, err = p.Place(rec)
		}
		return inFile(file, err)
	}); err != nil {
		return n, err
	}
	return n, p.Check.Err()
}
