package score

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/vcf"
	"github.com/longspan/longspan/genome"
)

// sampleRows is a VCF on its way through a scorer of haplotypes.
type sampleRows struct {
	Report
	scorer   *Scorer
	options  RowOptions
	placer   *samplePlacer
	follower *follower

	held  []*sampleRow // in the order of the file. The first ready ones wait for the model alone
	ready int
	bytes int          // of the rows that are held
	bases int          // that the ready rows read
	free  []*sampleRow // for their memory
	done  int          // rows that are still to be passed over: they were scored before a stop
}

// maxHeld bounds the rows that are held, in bytes.
const maxHeld = 512 << 20

// maxSpare is the most memory that a row keeps for the next one, in bytes.
const maxSpare = 1 << 18

// sampleRows is Rows on the haplotypes of a sample.
func (s *Scorer) sampleRows(ctx context.Context, in io.Reader, file string, o RowOptions) (Report, error) {
	r, err := vcf.NewReader(in, file)
	if err != nil {
		return Report{}, err
	}
	f, err := newFollower(s.ref, r.Header(), s.options, s.flank)
	if err != nil {
		return Report{}, err
	}
	if o.Header != nil {
		if err := o.Header(r.Header()); err != nil {
			return Report{}, err
		}
	}
	w := &sampleRows{Report: o.From, scorer: s, options: o, follower: f, placer: newSamplePlacer(s.ref, r.Header(), o.Region),
		done: o.From.Rows}
	if w.Skipped = maps.Clone(o.From.Skipped); w.Skipped == nil {
		w.Skipped = map[genome.Skip]int{}
	}
	if err := w.all(ctx, r); err != nil {
		return w.report(), inFile(file, err)
	}
	if w.done > 0 {
		return w.report(), fewer(file, w.done)
	}
	return w.report(), w.placer.scored.Check.Err()
}

func (w *sampleRows) report() Report {
	w.Ref, w.Aliases = w.placer.scored.Check, w.placer.scored.Aliases
	o := w.scorer.options
	w.Sample = &SampleReport{Name: o.Sample, Haplotype: o.Haplotype, SampleCounts: w.follower.counts}
	return w.Report
}

// all reads and scores the rows.
func (w *sampleRows) all(ctx context.Context, r *vcf.Reader) error {
	for {
		row := w.spare()
		err := r.Next(&row.rec)
		if err == io.EOF {
			return w.endContig(ctx)
		}
		if err == nil {
			err = w.row(ctx, row)
		}
		if err != nil {
			return err
		}
	}
}

// spare is a row to read into.
func (w *sampleRows) spare() *sampleRow {
	if n := len(w.free); n > 0 {
		row := w.free[n-1]
		w.free = w.free[:n-1]
		return row
	}
	return &sampleRow{}
}

// keep keeps a row to read into, unless it is a long one.
func (w *sampleRows) keep(row *sampleRow) {
	if row.rec.Size() < maxSpare && len(w.free) < maxRows {
		w.free = append(w.free, row)
	}
}

// row takes a row that was read.
func (w *sampleRows) row(ctx context.Context, row *sampleRow) error {
	rec := &row.rec
	at, err := w.placer.place(rec)
	if err != nil {
		return err
	}
	row.carried = row.carried[:0]
	if at.neighbour {
		another, err := w.follower.order.next(at.contig.Name, rec)
		if err != nil {
			return err
		}
		if another {
			if err := w.endContig(ctx); err != nil {
				return err
			}
			w.follower.begin(at.contig)
		}
		if row.carried, err = w.follower.row(rec, at.skip, at.scored, row.carried); err != nil {
			return err
		}
	}
	switch {
	case at.scored && w.done > 0:
		w.done--
		w.keep(row)
	case at.scored:
		row.judge(at.skip)
		w.held, w.bytes = append(w.held, row), w.bytes+held(row)
	default:
		w.keep(row)
	}
	if err := w.release(ctx); err != nil {
		return err
	}
	if w.bytes > maxHeld {
		return fmt.Errorf("line %d: found more than %d MiB of rows from an allele to the last of the %d bases behind it; take other samples out "+
			"first (bcftools view -s %s), or use a smaller window", rec.Line, maxHeld>>20, w.follower.flank, w.scorer.options.Sample)
	}
	return nil
}

// held is the memory of a row, about.
func held(row *sampleRow) int { return row.rec.Size() + 512 + 100*len(row.scores) }

// release finds rows of which all is known, and scores a group where it is full: of several batches.
func (w *sampleRows) release(ctx context.Context) error {
	for w.ready < len(w.held) && w.follower.known(w.held[w.ready]) {
		row := w.held[w.ready]
		w.ready++
		for _, c := range row.carried {
			if c.change >= 0 {
				w.bases += w.scorer.reads(row.rec.Ref, row.rec.Alts[c.allele])
			}
		}
		if w.ready == maxRows || w.bytes > maxBytes || w.bases > 4*w.scorer.options.Batch {
			if err := w.flush(ctx); err != nil {
				return err
			}
		}
	}
	if len(w.held) == 0 {
		w.follower.forget(nil)
	}
	return nil
}

// endContig scores what is left of a contig.
func (w *sampleRows) endContig(ctx context.Context) error {
	w.follower.end()
	if err := w.release(ctx); err != nil {
		return err
	}
	return w.flush(ctx)
}

// flush scores the ready rows, and hands them on.
func (w *sampleRows) flush(ctx context.Context) error {
	q := queue{scorer: w.scorer, ctx: ctx}
	for _, row := range w.held[:w.ready] {
		if err := w.scorer.scoreRow(&q, row, &w.follower.backgrounds); err != nil {
			return err
		}
	}
	if err := q.flush(); err != nil {
		return err
	}
	for i, row := range w.held[:w.ready] {
		row.join()
		w.bytes -= held(row)
		if err := w.emit(row); err != nil {
			return err
		}
		w.held[i] = nil
		w.keep(row)
	}
	w.held = append(w.held[:0], w.held[w.ready:]...)
	w.ready, w.bases = 0, 0
	w.follower.forget(w.held)
	return nil
}

// emit counts a row, and hands it on.
func (w *sampleRows) emit(row *sampleRow) error {
	w.Report.Rows++
	for i := range row.scores {
		w.count(&row.rec, i, row.scores[i].Skip)
	}
	if w.options.Row != nil {
		if err := w.options.Row(&row.rec, row.scores); err != nil {
			return err
		}
	}
	if w.options.Save != nil && w.Report.Rows%SaveRows == 0 {
		return w.options.Save(&w.Report)
	}
	return nil
}

// scoreRow puts the windows of the alleles on their haplotypes into the queue. Windows that are equal on both are read once.
func (s *Scorer) scoreRow(q *queue, row *sampleRow, on *[2]*genome.Background) error {
	var first *site
	for i := range row.carried {
		c := &row.carried[i]
		if c.score.Skip != genome.Used {
			continue
		}
		t, skip, err := s.placeChange(on[c.haplotype-1], c.change)
		if c.score = (Score{Skip: skip, By: BySequence}); err != nil {
			return err
		}
		if skip != genome.Used {
			continue
		}
		if c.asFirst = first != nil && first.equal(&t); c.asFirst {
			continue
		}
		for _, strand := range s.strands() {
			if err := q.add(&c.score, strand, t.strand(strand)); err != nil {
				return err
			}
		}
		first = &t
	}
	return nil
}

// equal compares windows and alleles.
func (t *site) equal(u *site) bool {
	return bytes.Equal(t.left, u.left) && bytes.Equal(t.ref, u.ref) && bytes.Equal(t.alt, u.alt) && bytes.Equal(t.right, u.right)
}

// placeChange finds the window of a change. It is that of place where the haplotype has no other alleles there.
func (s *Scorer) placeChange(b *genome.Background, change int) (t site, skip genome.Skip, err error) {
	d, err := b.Difference(change, s.flank)
	if err != nil {
		return t, genome.Used, err
	}
	ref, alt := len(d.Ref), len(d.Alt)
	if max(ref, alt) > max(1, s.options.Window/2) {
		return t, TooLong, nil
	}
	// Flanks of d end where the layers do not reach: further ones would not be read.
	left, right := flanks(s.options.Window, len(d.Left)+ref+len(d.Right), len(d.Left), ref, alt)
	left, right = min(left, s.flank), min(right, s.flank)
	if len(s.alphabet.before) == 0 && min(left, right) == 0 {
		return t, NoFlank, nil
	}
	t = site{left: d.Left[len(d.Left)-left:], right: d.Right[:right], ref: []byte(d.Ref), alt: []byte(d.Alt)}
	return t, t.unknown(), nil
}

// samplePlacer finds rows, those beside the region too: they change what is beside the alleles of the region.
type samplePlacer struct {
	region          *genome.Region
	scored, outside *genome.Placer
}

// placedRow is where a row is.
type placedRow struct {
	contig    fasta.Contig
	skip      genome.Skip
	scored    bool // in the region
	neighbour bool // on a contig of the reference of which rows are scored
}

func newSamplePlacer(ref *fasta.Reference, h *vcf.Header, region *genome.Region) *samplePlacer {
	return &samplePlacer{region: region, scored: genome.NewPlacer(ref, h), outside: genome.NewPlacer(ref, h)}
}

// place finds a row.
func (p *samplePlacer) place(rec *vcf.Record) (at placedRow, err error) {
	if at.scored, err = inRegion(p.scored, p.region, rec); err != nil {
		return at, err
	}
	by := p.scored
	if !at.scored {
		c, ok, err := p.scored.Contig(rec.Chrom)
		if err != nil || !ok || c.Name != p.region.Contig.Name {
			return at, err
		}
		by = p.outside
	}
	at.contig, at.skip, err = by.Place(rec)
	at.neighbour = at.skip != genome.UnknownContig
	return at, err
}
