package genome

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/longspan/longspan/data/fasta"
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
		e := &editor{ref: s.ref, region: r, out: out, haplotype: haplotype, report: &report, rules: newRules(r), next: r.Start}
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
	rules     rules
	next      int // the first base of the reference that is not yet written
}

func (e *editor) all(sites []site) error {
	for i := range sites {
		t := &sites[i]
		alt := t.alts[e.haplotype-1]
		if alt == "" || t.pos < e.region.Start || t.pos >= e.region.End {
			continue
		}
		if err := e.put(t, alt); err != nil {
			return err
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
func (e *editor) put(t *site, alt string) error {
	change, why := e.rules.put(t, alt)
	switch {
	case why != Used:
		e.report.Skipped = append(e.report.Skipped, t.skipped(e.haplotype, why))
		return nil
	case change == nil:
		return nil
	case change.trimmed:
		e.report.Trimmed = append(e.report.Trimmed, t.skipped(e.haplotype, BeyondRegion))
	}
	e.report.Applied++
	if err := e.copyTo(change.start); err != nil {
		return err
	}
	// The case is that of the base at which the allele begins: one that stays has been written.
	base := e.out.last
	if change.start == t.pos {
		var err error
		e.buf, err = e.ref.Letters(e.buf[:0], fasta.Window{Contig: e.region.Contig.Name, Start: t.pos, End: t.pos + 1})
		if err != nil {
			return err
		}
		base = e.buf[0]
	}
	e.next = change.end
	return e.out.add(inCaseOf(base, change.alt))
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
