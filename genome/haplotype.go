package genome

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/vcf"
)

// HaplotypeReport says what a haplotype has of a sample's alleles.
type HaplotypeReport struct {
	Haplotype int             `json:"haplotype"`
	Applied   int             `json:"applied"`
	Bases     int64           `json:"bases"`             // of the haplotype
	Trimmed   []SkippedAllele `json:"trimmed,omitempty"` // applied, but for what lies beyond the region
	Skipped   []SkippedAllele `json:"skipped,omitempty"`
}

// WriteHaplotype writes haplotype 1 or 2 of the sample as FASTA, 60 bases a line: the bytes of `bcftools consensus -H 1` or `-H 2`, of the
// whole reference or, for a region, of what `samtools faidx` cuts out.
//
// As there, alleles are put in place from left to right; an allele that overlaps one before it is skipped and listed. An insertion or a
// deletion may begin at the last base of the allele before it, unless that was an insertion. Unphased alleles are taken in the order of the
// genotype, and a missing allele leaves the reference. New bases have the case of the base that they begin at. A <DEL> with an END removes
// bases, <*> and <NON_REF> leave the reference and keep the place. A *, a breakend or another symbolic allele is skipped and listed.
func (s *Sites) WriteHaplotype(w io.Writer, haplotype int) (HaplotypeReport, error) {
	if haplotype < 1 || haplotype > 2 {
		return HaplotypeReport{}, errHaplotype
	}
	report := HaplotypeReport{Haplotype: haplotype}
	for _, k := range s.Skipped {
		if k.Haplotype == haplotype {
			report.Skipped = append(report.Skipped, k)
		}
	}
	regions := []Region{}
	if s.Region != nil {
		regions = append(regions, *s.Region)
	} else {
		for _, c := range s.ref.Contigs() {
			regions = append(regions, Region{c, 0, c.Length})
		}
	}
	out := &lines{w: bufio.NewWriterSize(w, 1<<16)}
	for _, r := range regions {
		header := r.String()
		if s.Region == nil {
			var err error
			if header, err = s.ref.Header(r.Contig.Name); err != nil {
				return report, err
			}
		}
		if err := out.begin(header); err != nil {
			return report, err
		}
		e := &editor{ref: s.ref, region: r, out: out, next: r.Start, taken: -1, haplotype: haplotype, report: &report}
		if err := e.all(s.contigs[r.Contig.Name]); err != nil {
			return report, err
		}
	}
	report.Bases = out.bases
	return report, out.flush()
}

// editor writes a region with alleles in place.
type editor struct {
	ref       *fasta.Reference
	region    Region
	out       *lines
	buf       []byte
	haplotype int
	report    *HaplotypeReport

	next     int  // the first base of the reference that is not yet written
	taken    int  // the last base that an allele has
	inserted bool // the last allele was longer than its REF
}

func (e *editor) all(sites []site) error {
	for i := range sites {
		t := &sites[i]
		alt := t.alts[e.haplotype-1]
		if alt == "" || t.pos < e.region.Start || t.pos >= e.region.End {
			continue
		}
		why, err := e.put(t, alt)
		if err != nil {
			return err
		}
		if why != Used {
			e.report.Skipped = append(e.report.Skipped, t.skipped(e.haplotype, why))
		}
	}
	return e.copyTo(e.region.End)
}

// copyTo writes the reference up to a base.
func (e *editor) copyTo(end int) error {
	for e.next < end {
		n := min(end-e.next, 1<<16)
		var err error
		e.buf, err = e.ref.Letters(e.buf[:0], fasta.Window{Contig: e.region.Contig.Name, Start: e.next, End: e.next + n})
		if err != nil {
			return err
		}
		if err := e.out.add(e.buf); err != nil {
			return err
		}
		e.next += n
	}
	return nil
}

// put writes an allele in place of its REF.
func (e *editor) put(t *site, alt string) (Skip, error) {
	kind := vcf.KindOf(t.ref, alt)
	rlen, deleted := len(t.ref), strings.EqualFold(alt, "<DEL>") && t.rlen > len(t.ref)
	if deleted || kind == vcf.NonRef {
		rlen = t.rlen
	}
	if deleted {
		alt = t.ref[:1]
	}
	// Such an allele begins behind its first base, which may have been written already.
	behind := deleted || (kind == vcf.Insertion || kind == vcf.Deletion) && fold(t.ref[0]) == fold(alt[0])
	switch {
	case !kind.Letters() && kind != vcf.NonRef && !deleted:
		return Skip(kind.String()), nil
	case t.pos < e.taken, t.pos == e.taken && (!behind || e.inserted):
		return Overlap, nil
	case kind == vcf.NonRef:
		e.taken = max(e.taken, t.pos+rlen-1)
		return Used, nil
	}
	if left := e.region.End - t.pos; rlen > left {
		e.report.Trimmed = append(e.report.Trimmed, t.skipped(e.haplotype, BeyondRegion))
		rlen, alt = left, alt[:min(len(alt), left)]
	}
	if err := e.write(t.pos, t.ref, alt); err != nil {
		return Used, err
	}
	e.next, e.taken, e.inserted = t.pos+rlen, t.pos+rlen-1, len(alt) > rlen
	e.report.Applied++
	return Used, nil
}

// write writes the bases of an allele. Its first base stays as it is if REF has the same.
func (e *editor) write(pos int, ref, alt string) error {
	same := fold(ref[0]) == fold(alt[0])
	if pos >= e.next {
		if err := e.copyTo(pos); err != nil {
			return err
		}
		var err error
		e.buf, err = e.ref.Letters(e.buf[:0], fasta.Window{Contig: e.region.Contig.Name, Start: pos, End: pos + 1})
		if err != nil {
			return err
		}
		anchor := e.buf[0]
		if !same {
			return e.out.add(inCaseOf(anchor, alt))
		}
		if err := e.out.add(e.buf); err != nil {
			return err
		}
	}
	return e.out.add(inCaseOf(e.out.last, alt[1:]))
}

func fold(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// inCaseOf is an allele in the case of a base.
func inCaseOf(base byte, allele string) []byte {
	if fold(base) == base {
		return []byte(strings.ToUpper(allele))
	}
	return []byte(strings.ToLower(allele))
}

// lines writes FASTA.
type lines struct {
	w      *bufio.Writer
	column int
	last   byte // the last base
	bases  int64
}

// lineBases is the number of bases of a line, that of bcftools and samtools.
const lineBases = 60

func (l *lines) begin(header string) error {
	if l.column > 0 {
		_ = l.w.WriteByte('\n') // the error stays, and the next write returns it
	}
	l.column = 0
	_, err := fmt.Fprintf(l.w, ">%s\n", header)
	return err
}

func (l *lines) add(bases []byte) error {
	if len(bases) == 0 {
		return nil
	}
	l.last = bases[len(bases)-1]
	l.bases += int64(len(bases))
	for len(bases) > 0 {
		n := min(len(bases), lineBases-l.column)
		if _, err := l.w.Write(bases[:n]); err != nil {
			return err
		}
		if l.column += n; l.column == lineBases {
			if err := l.w.WriteByte('\n'); err != nil {
				return err
			}
			l.column = 0
		}
		bases = bases[n:]
	}
	return nil
}

func (l *lines) flush() error {
	if l.column > 0 {
		_ = l.w.WriteByte('\n') // the error stays, and Flush returns it
	}
	l.column = 0
	return l.w.Flush()
}
