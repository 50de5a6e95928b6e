// Package genome places the variants of a VCF on a reference: it compares REF with the reference's bases, left-aligns and trims alleles,
// writes the haplotypes of a sample, and says what cannot be used and why.
//
// Positions of VCF count from 1, those of windows and regions in this package from 0.
package genome

import (
	"fmt"
	"strings"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/vcf"
)

// Skip is one word that says why an allele is not used. "" is an allele that is used. The other words are those of vcf.Kind: star, non_ref,
// symbolic, breakend, no_alt, same_as_ref and not_understood.
type Skip string

// The words that do not follow from the allele's text.
const (
	Used           Skip = ""
	UnknownContig  Skip = "contig_unknown" // the reference has no such contig
	Telomere       Skip = "telomere"       // POS 0
	BeyondContig   Skip = "beyond_contig"  // REF reaches beyond the contig's end
	RefMismatch    Skip = "ref_mismatch"   // REF is not what the reference has
	AmbiguousBases Skip = "ambiguous"      // a letter of REF or ALT stands for several bases
	Overlap        Skip = "overlap"        // another allele of the haplotype has the place already
	BeforeRegion   Skip = "before_region"  // the allele begins before the region and reaches into it
	BeyondRegion   Skip = "beyond_region"  // the allele reaches beyond the region: only its part within is used
)

// Placer finds rows of one VCF on a reference, and counts REF alleles that differ.
type Placer struct {
	ref     *fasta.Reference
	lengths map[string]int // of contigs, by the VCF's header
	found   map[string]contigOrNot
	names   int // bytes of the names in found
	letters []byte

	Check   RefCheck
	Aliases map[string]string // names of the reference, by those of the VCF, where they differ
}

type contigOrNot struct {
	contig fasta.Contig
	ok     bool
}

// NewPlacer returns a Placer of rows below a header.
func NewPlacer(ref *fasta.Reference, h *vcf.Header) *Placer {
	p := &Placer{ref: ref, lengths: map[string]int{}, found: map[string]contigOrNot{}, Aliases: map[string]string{}}
	for _, c := range h.Contigs {
		p.lengths[c.ID] = c.Length
	}
	return p
}

// maxNames and maxNameBytes bound the names of contigs that are remembered. A row is short, so that hostile files could have any number.
const (
	maxNames     = 1 << 20
	maxNameBytes = 64 << 20
)

// Contig is the contig that a name of the VCF means; ok is false if the reference has none. A contig whose length in the VCF's header is
// another one is an error: the variants are of another build.
func (p *Placer) Contig(name string) (c fasta.Contig, ok bool, err error) {
	if known, seen := p.found[name]; seen {
		return known.contig, known.ok, nil
	}
	if p.names += len(name); len(p.found) >= maxNames || p.names > maxNameBytes {
		return c, false, fmt.Errorf("genome: found more than %d names of contigs, or than %d MiB of them; is this a VCF file?", maxNames,
			maxNameBytes>>20)
	}
	c, err = p.ref.Find(name)
	p.found[name] = contigOrNot{c, err == nil}
	if err != nil {
		return c, false, nil // the row is counted
	}
	if n := p.lengths[name]; n > 0 && n != c.Length {
		return c, false, fmt.Errorf("genome: contig %s has %s in the VCF's header, but %s in the reference; "+
			"give the reference that the variants were called on", name, ofBuild(name, n), ofBuild(c.Name, c.Length))
	}
	if c.Name != name {
		p.Aliases[name] = c.Name
	}
	return c, true, nil
}

// ofBuild says a length and the build of which it is.
func ofBuild(contig string, length int) string {
	if b := Build(contig, length); b != "" {
		return fmt.Sprintf("%d bases, as in %s,", length, b)
	}
	return fmt.Sprintf("%d bases", length)
}

// Place finds a row. skip says why REF cannot be placed; a row without a problem of its REF has none. An error ends the work: of reading,
// or that the variants are of another build.
func (p *Placer) Place(rec *vcf.Record) (c fasta.Contig, skip Skip, err error) {
	c, ok, err := p.Contig(rec.Chrom)
	switch {
	case err != nil:
		return c, Used, fmt.Errorf("line %d: %w", rec.Line, err)
	case !ok:
		return c, UnknownContig, nil
	case rec.Pos == 0 || rec.Pos == c.Length+1: // VCFv4.3, section 1.6.1: the telomeres
		return c, Telomere, nil
	case rec.Pos > c.Length || len(rec.Ref) > c.Length-rec.Pos+1:
		return c, BeyondContig, nil
	}
	p.letters, err = p.ref.Letters(p.letters[:0], fasta.Window{Contig: c.Name, Start: rec.Pos - 1, End: rec.Pos - 1 + len(rec.Ref)})
	if err != nil {
		return c, Used, err
	}
	p.Check.Rows++
	if SameBases(rec.Ref, p.letters) {
		return c, Used, nil
	}
	p.Check.add(Mismatch{Line: rec.Line, Contig: rec.Chrom, Pos: rec.Pos, VCF: rec.Ref, Reference: string(p.letters)}, c)
	return c, RefMismatch, nil
}

// SameBases compares a REF with the reference's letters, in either case. A letter of several bases other than N is written in a VCF as
// itself, as N, or as the first of its bases (VCFv4.3, section 1.6.1).
func SameBases(ref string, letters []byte) bool {
	if len(ref) != len(letters) {
		return false
	}
	for i := range letters {
		r, l := ref[i]&^0x20, letters[i]&^0x20
		if r == l {
			continue
		}
		first := firstBase[l]
		if first == 0 || r != 'N' && r != first {
			return false
		}
	}
	return true
}

// firstBase is the first base, in the alphabet, of a letter of several (NC-IUB 1984). N is not among them: it is no REF of a variant.
var firstBase = [256]byte{'R': 'A', 'Y': 'C', 'S': 'C', 'W': 'A', 'K': 'G', 'M': 'A', 'B': 'C', 'D': 'A', 'H': 'A', 'V': 'A'}

// SkipOf says why an alternate allele of a row whose REF is placed is not used.
func SkipOf(ref, alt string) Skip {
	kind := vcf.KindOf(ref, alt)
	switch {
	case !kind.Letters() || kind == vcf.Same:
		return Skip(kind.String())
	case !vcf.Exact(ref) || !vcf.Exact(alt):
		return AmbiguousBases
	}
	return Used
}

// Mismatch is a REF that differs from the reference.
type Mismatch struct {
	Line      int    `json:"line"`
	Contig    string `json:"contig"`
	Pos       int    `json:"pos"`
	VCF       string `json:"vcf"`
	Reference string `json:"reference"`
}

func (m Mismatch) String() string {
	return fmt.Sprintf("line %d, %s:%d: the VCF has %s, the reference %s", m.Line, m.Contig, m.Pos, shorten(m.VCF), shorten(m.Reference))
}

// shorten shows the beginning of an allele.
func shorten(allele string) string {
	if len(allele) > 40 {
		return fmt.Sprintf("%s… (%d bases)", allele[:40], len(allele))
	}
	return allele
}

// RefCheck counts REF alleles.
type RefCheck struct {
	Rows       int        `json:"rows"` // compared
	Mismatches int        `json:"mismatches"`
	Examples   []Mismatch `json:"examples,omitempty"` // the first ones

	contig fasta.Contig // of the first
}

// shown is the number of examples.
const shown = 10

func (r *RefCheck) add(m Mismatch, c fasta.Contig) {
	if r.Mismatches == 0 {
		r.contig = c
	}
	r.Mismatches++
	if len(r.Examples) < shown {
		m.VCF, m.Reference = strings.Clone(shorten(m.VCF)), shorten(m.Reference)
		r.Examples = append(r.Examples, m)
	}
}

// Of fewer rows than minRows no share is judged.
const minRows = 20

// Err is an error if more than 1 % of at least 20 rows differ from the reference: the variants are of another build, or of another species.
func (r *RefCheck) Err() error {
	if r.Rows < minRows || r.Mismatches*100 <= r.Rows {
		return nil
	}
	var lines []string
	for _, m := range r.Examples[:min(3, len(r.Examples))] {
		lines = append(lines, m.String())
	}
	return fmt.Errorf("genome: found %d of %d REF alleles that differ from the reference, more than 1 %%: %s; contig %s of the reference has "+
		"%s; give the reference that the variants were called on", r.Mismatches, r.Rows, strings.Join(lines, "; "), r.contig.Name,
		strings.TrimSuffix(ofBuild(r.contig.Name, r.contig.Length), ","))
}
