package score

import (
	"fmt"
	"io"
	"strings"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/vcf"
	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/model"
)

// NotOnHaplotype is the word for an allele that the haplotypes of a sample do not have, where those are scored.
const NotOnHaplotype genome.Skip = "not_on_haplotype"

// sample checks the options that choose haplotypes. Other options are checked before.
func (o *Options) sample(m *model.Model) error {
	switch {
	case o.Haplotype < 0 || o.Haplotype > 2:
		return fmt.Errorf("score: found the haplotype %d, expected 1 or 2, or 0 for both", o.Haplotype)
	case o.Sample == "" && o.Haplotype != 0:
		return fmt.Errorf("score: found the haplotype %d without a sample; name the sample", o.Haplotype)
	case o.Sample == "":
		return nil
	case m.Spec().Head.Kind == model.MaskedLM:
		return fmt.Errorf("score: found a sample for a model with the head %s, expected one with the head %s: haplotypes are compared by "+
			"sequence", model.MaskedLM, model.LM)
	case o.By == BySite:
		return fmt.Errorf("score: found the method %s for a sample, expected %s: a site is one of the reference", BySite, BySequence)
	}
	o.By = BySequence
	return nil
}

// haplotypes are those that are scored, 1 and 2.
func (o *Options) haplotypes() []int {
	if o.Haplotype != 0 {
		return []int{o.Haplotype}
	}
	return []int{1, 2}
}

// SampleReport says how the genotypes of a sample were read.
type SampleReport struct {
	Name      string `json:"name"`
	Haplotype int    `json:"haplotype,omitempty"` // 0: both
	genome.SampleCounts
}

// follower follows the haplotypes of a sample along the rows of a VCF.
type follower struct {
	ref        *fasta.Reference
	flank      int   // bases on each side of an allele that are asked for
	haplotypes []int // 1, 2
	column     int
	genotype   vcf.Genotype
	counts     genome.SampleCounts // of rows that are scored
	order      order

	backgrounds [2]*genome.Background // of the contig at which the order is
	next        [2]int                // the numbers of the next changes
}

// newFollower finds the sample.
func newFollower(ref *fasta.Reference, h *vcf.Header, o Options, flank int) (*follower, error) {
	column, err := h.Sample(o.Sample)
	return &follower{ref: ref, flank: flank, haplotypes: o.haplotypes(), column: column, order: order{passed: map[string]bool{}}}, err
}

// begin goes on to another contig.
func (f *follower) begin(c fasta.Contig) {
	for _, h := range f.haplotypes {
		f.backgrounds[h-1], f.next[h-1] = genome.NewBackground(f.ref, c, f.flank), 0
	}
}

// row puts the alleles of a row on the haplotypes: those that the sample has are returned behind list. counted rows count.
func (f *follower) row(rec *vcf.Record, skip genome.Skip, counted bool, list []carried) ([]carried, error) {
	if err := rec.Genotype(f.column, &f.genotype); err != nil {
		return nil, err
	}
	counts := &f.counts
	if !counted {
		counts = &genome.SampleCounts{}
	}
	alleles := counts.Carried(rec, f.genotype)
	for _, h := range f.haplotypes {
		b, k := f.backgrounds[h-1], alleles[h-1]
		b.Reach(rec.Pos - 1)
		if k == 0 || skip != genome.Used {
			continue
		}
		n, why, err := b.Put(rec, rec.Alts[k-1])
		if err != nil {
			return nil, err
		}
		if n >= 0 {
			f.next[h-1] = n + 1
		}
		list = append(list, carried{haplotype: h, allele: k - 1, change: n, score: Score{Skip: why}})
	}
	return list, nil
}

// end says that the contig has no more rows.
func (f *follower) end() {
	for _, h := range f.haplotypes {
		if b := f.backgrounds[h-1]; b != nil {
			b.End()
		}
	}
}

// known reports whether all is known that the scores of a row need.
func (f *follower) known(r *sampleRow) bool {
	for i := range r.carried {
		c := &r.carried[i]
		if c.change < 0 {
			continue
		}
		if bases, all := f.backgrounds[c.haplotype-1].Known(c.change); bases < f.flank && !all {
			return false
		}
	}
	return true
}

// forget drops what neither the rows that are held nor those that follow need.
func (f *follower) forget(held []*sampleRow) {
	oldest := f.next
	for i := len(held) - 1; i >= 0; i-- {
		for _, c := range held[i].carried {
			if c.change >= 0 {
				oldest[c.haplotype-1] = c.change
			}
		}
	}
	for _, h := range f.haplotypes {
		if b := f.backgrounds[h-1]; b != nil {
			b.Forget(oldest[h-1])
		}
	}
}

// order refuses rows that are not in the order of contigs and positions.
type order struct {
	contig string
	pos    int
	shown  string          // the last row, as the VCF names it
	passed map[string]bool // contigs that have ended: those of the reference
}

// next takes a row of a contig, and reports whether it is another one than before.
func (o *order) next(contig string, rec *vcf.Record) (another bool, err error) {
	another = contig != o.contig
	if another && o.passed[contig] || !another && rec.Pos < o.pos {
		return another, fmt.Errorf("line %d: found %s:%d behind %s:%d, expected rows in the order of contigs and positions: a haplotype is read "+
			"along the file; sort it first (bcftools sort)", rec.Line, rec.Chrom, rec.Pos, o.shown, o.pos)
	}
	if another {
		if o.contig != "" {
			o.passed[o.contig] = true
		}
		o.contig, o.shown = contig, strings.Clone(rec.Chrom)
	}
	o.pos = rec.Pos
	return another, nil
}

// sampleRow is a row that waits for those behind it, or for the model.
type sampleRow struct {
	rec     vcf.Record
	scores  []Score
	carried []carried
}

// carried is an allele of a row on a haplotype of the sample.
type carried struct {
	haplotype, allele int // from 1; from 0
	change            int // its number on the background; −1: it has none
	score             Score
	asFirst           bool // the window is that of haplotype 1: so is the score
}

// judge gives each allele of a row the reason why it is not scored, as far as the row tells.
func (r *sampleRow) judge(skip genome.Skip) {
	alts := r.rec.Alts
	if len(alts) == 0 {
		alts = []string{"."}
	}
	r.scores = r.scores[:0]
	for _, alt := range alts {
		why := skip
		if why == genome.Used {
			why = genome.SkipOf(r.rec.Ref, alt)
		}
		r.scores = append(r.scores, Score{Skip: why})
	}
	// What is not scored is no work.
	n := 0
	for _, c := range r.carried {
		if r.scores[c.allele].Skip == genome.Used {
			r.carried[n] = c
			n++
		}
	}
	r.carried = r.carried[:n]
}

// join makes the scores of the alleles from those of the haplotypes that have them: the mean of those that were scored.
func (r *sampleRow) join() {
	for i := range r.carried {
		if c := &r.carried[i]; c.asFirst {
			c.score = r.carried[0].score
		}
	}
	for i := range r.scores {
		s := &r.scores[i]
		if s.Skip != genome.Used {
			continue
		}
		n := 0
		var not genome.Skip
		for _, c := range r.carried {
			switch {
			case c.allele != i:
			case c.score.Skip == genome.Used:
				n++
			case not == genome.Used:
				not = c.score.Skip
			}
		}
		switch {
		case n == 0 && not == genome.Used:
			s.Skip = NotOnHaplotype
			continue
		case n == 0:
			s.Skip = not
			continue
		}
		s.By = BySequence
		for _, c := range r.carried {
			if c.allele == i && c.score.Skip == genome.Used {
				s.add(&c, 1/float64(n))
			}
		}
	}
}

// add adds a part of the score of a haplotype.
func (r *Score) add(c *carried, part float64) {
	r.LLR += c.score.LLR * part
	r.Forward += c.score.Forward * part
	r.Reverse += c.score.Reverse * part
	r.Flank += c.score.Flank * part
	r.Bits += c.score.Bits * part
	r.On[c.haplotype-1], r.Has[c.haplotype-1] = c.score.LLR, true
}

// CheckSample reads a VCF without scoring it, as CheckRows does, for scores on the haplotypes of a sample: its genotypes and the order of
// rows too.
func CheckSample(ref *fasta.Reference, in io.Reader, file string, region *genome.Region, sample string) (n int, err error) {
	r, err := vcf.NewReader(in, file)
	if err != nil {
		return 0, err
	}
	f, err := newFollower(ref, r.Header(), Options{Sample: sample}, 0)
	if err != nil {
		return 0, err
	}
	p := newSamplePlacer(ref, r.Header(), region)
	if err := r.Each(func(rec *vcf.Record) error {
		at, err := p.place(rec)
		if err == nil && at.scored {
			n++
		}
		if err == nil && at.neighbour {
			if _, err = f.order.next(at.contig.Name, rec); err == nil {
				err = rec.Genotype(f.column, &f.genotype)
			}
		}
		return inFile(file, err)
	}); err != nil {
		return n, err
	}
	return n, p.scored.Check.Err()
}
