package evaluate

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/vcf"
	"github.com/longspan/longspan/genome"
)

// Substitution is a base of a contig with another in its place.
type Substitution struct {
	Pos      int // from 0
	Ref, Alt dna.Base
}

// SNV is a substitution that people of the panel have.
type SNV struct {
	Substitution
	Count int // of alternate alleles; 0 with Total 0: not known
	Total int // of alleles that were called
}

// Singleton reports whether one allele of the panel is the alternate one.
func (s SNV) Singleton() bool { return s.Count == 1 }

// Common reports whether at least 5 % of the alleles are. A singleton of a few people is not common.
func (s SNV) Common() bool { return s.Count > 1 && float64(s.Count) >= commonShare*float64(s.Total) }

// commonShare is the frequency from which an alternate allele is common.
const commonShare = 0.05

// Counting says where the numbers of alleles come from.
type Counting string

// The ways to count.
const (
	ByGenotypes Counting = "genotypes" // of all samples
	ByInfo      Counting = "info"      // AC and AN, as the files have them
)

// Source is a VCF of people. Several sources are people of one panel: their alleles are added.
type Source struct {
	Name string
	In   io.Reader
}

// Panel is the SNVs of the contig of a region, in the order of positions.
type Panel struct {
	Counting Counting `json:"counted_by"` // "": the files have neither genotypes nor AC and AN
	Samples  int      `json:"samples"`
	Alleles  int      `json:"alleles"` // called at most, of an SNV
	Rows     int      `json:"rows"`    // in the regions
	NotSNV   int      `json:"not_snv"` // alleles
	Unseen   int      `json:"unseen"`  // SNVs that nobody of the panel has
	Repeated int      `json:"repeated"`
	Skipped  int      `json:"skipped"` // alleles that cannot be placed, or have letters of several bases
	Notes    []string `json:"notes,omitempty"`

	SNVs []SNV `json:"-"`
}

// maxSNVs bounds the memory of a panel: 50 million SNVs take 2.5 GB.
const maxSNVs = 50_000_000

// ReadPanel reads the SNVs that begin in any of the regions, which are of one contig. Alleles are counted by genotypes where all files have
// samples, unless counting says else. SNVs that no allele of the panel shows are left out and counted. More than 1 % of REF alleles that
// differ is an error.
func ReadPanel(ref *fasta.Reference, sources []Source, counting Counting, regions ...genome.Region) (*Panel, error) {
	if counting != "" && counting != ByGenotypes && counting != ByInfo {
		return nil, fmt.Errorf("evaluate: found the counting %q, expected %s or %s", counting, ByGenotypes, ByInfo)
	}
	if len(sources) == 0 || len(regions) == 0 {
		return nil, errors.New("evaluate: found no VCF or no region, expected one at least")
	}
	r := panelReader{Panel: &Panel{Counting: counting}, ref: ref, regions: regions, found: map[Substitution]*seen{}}
	for i, s := range sources {
		if err := r.read(i, s); err != nil {
			return nil, err
		}
	}
	r.finish(len(sources))
	return r.Panel, nil
}

// panelReader is a panel on its way.
type panelReader struct {
	*Panel
	ref     *fasta.Reference
	regions []genome.Region
	found   map[Substitution]*seen
	placer  *genome.Placer
	source  int
	counts  []int
}

// seen is an SNV with the file that had it last.
type seen struct {
	count, total, files, source int
	unknown                     bool // a file has no counts of it
}

func (r *panelReader) read(i int, s Source) error {
	in, err := vcf.NewReader(s.In, s.Name)
	if err != nil {
		return err
	}
	h := in.Header()
	if r.Counting == "" && i == 0 {
		r.Counting = ByInfo
		if len(h.Samples) > 0 {
			r.Counting = ByGenotypes
		}
	}
	if r.Counting == ByGenotypes && len(h.Samples) == 0 {
		return fmt.Errorf("evaluate: %s has no samples, so that alleles cannot be counted by genotypes; count them by info", s.Name)
	}
	r.Samples += len(h.Samples)
	r.placer, r.source = genome.NewPlacer(r.ref, h), i
	err = in.Each(func(rec *vcf.Record) error {
		if err := r.row(rec); err != nil {
			return fmt.Errorf("%s: line %d: %w", s.Name, rec.Line, err)
		}
		return nil
	})
	if err == nil {
		err = r.placer.Check.Err()
	}
	return err
}

func (r *panelReader) row(rec *vcf.Record) error {
	c, ok, err := r.placer.Contig(rec.Chrom)
	if err != nil || !ok {
		return err
	}
	if !slices.ContainsFunc(r.regions, func(g genome.Region) bool {
		return g.Contig.Name == c.Name && rec.Pos > g.Start && rec.Pos <= g.End
	}) {
		return nil
	}
	r.Rows++
	_, skip, err := r.placer.Place(rec)
	if err != nil {
		return err
	}
	counts, total, known, err := r.count(rec)
	if err != nil {
		return err
	}
	for k, alt := range rec.Alts {
		switch kind := vcf.KindOf(rec.Ref, alt); {
		case skip != genome.Used || kind == vcf.SNV && genome.SkipOf(rec.Ref, alt) != genome.Used:
			r.Skipped++
		case kind != vcf.SNV:
			r.NotSNV++
		default:
			if err := r.add(substitution(rec.Pos-1, rec.Ref, alt), counts[1+k], total, known); err != nil {
				return err
			}
		}
	}
	return nil
}

// substitution is the base in which REF and ALT of an SNV differ.
func substitution(at int, ref, alt string) Substitution {
	i := 0
	for strings.EqualFold(ref[i:i+1], alt[i:i+1]) {
		i++
	}
	a, _ := dna.Parse(ref[i])
	b, _ := dna.Parse(alt[i])
	return Substitution{at + i, a.Code(), b.Code()}
}

// count is the alleles of a row: REF, then those of ALT.
func (r *panelReader) count(rec *vcf.Record) (counts []int, total int, known bool, err error) {
	if r.Counting == ByGenotypes {
		if r.counts, err = rec.AlleleCounts(r.counts); err != nil {
			return nil, 0, false, err
		}
		for _, n := range r.counts {
			total += n
		}
		return r.counts, total, true, nil
	}
	r.counts = append(r.counts[:0], make([]int, 1+len(rec.Alts))...)
	ac, ok := rec.Info("AC")
	an, also := rec.Info("AN")
	if !ok || !also {
		return r.counts, 0, false, nil
	}
	parts := strings.Split(ac, ",")
	total, err = strconv.Atoi(an)
	if err != nil || total < 0 || len(parts) != len(rec.Alts) {
		return nil, 0, false, fmt.Errorf("evaluate: found AC=%s and AN=%s, expected a number for each of %d alternate alleles, and one", ac, an,
			len(rec.Alts))
	}
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 || n > total {
			return nil, 0, false, fmt.Errorf("evaluate: found AC=%s and AN=%s, expected numbers from 0 to AN", ac, an)
		}
		r.counts[1+i] = n
	}
	return r.counts, total, true, nil
}

// add counts an SNV of a row. A file that has it twice is not counted twice.
func (r *panelReader) add(s Substitution, count, total int, known bool) error {
	t := r.found[s]
	if t == nil {
		if len(r.found) >= maxSNVs {
			return fmt.Errorf("evaluate: found more than %d SNVs; give a smaller region", maxSNVs)
		}
		t = &seen{source: -1}
		r.found[s] = t
	}
	if t.source == r.source {
		r.Repeated++
		return nil
	}
	t.count, t.total, t.files, t.source = t.count+count, t.total+total, t.files+1, r.source
	t.unknown = t.unknown || !known
	return nil
}

// finish sorts the SNVs, and leaves out those that nobody has.
func (r *panelReader) finish(sources int) {
	unknown, part := 0, 0
	for s, t := range r.found {
		switch {
		case t.unknown:
			unknown++
			t.count, t.total = 0, 0
		case t.count == 0:
			r.Unseen++
			continue
		}
		if t.files < sources {
			part++
		}
		r.Alleles = max(r.Alleles, t.total)
		r.SNVs = append(r.SNVs, SNV{s, t.count, t.total})
	}
	slices.SortFunc(r.SNVs, func(a, b SNV) int {
		return cmp.Or(cmp.Compare(a.Pos, b.Pos), cmp.Compare(a.Alt, b.Alt), cmp.Compare(a.Ref, b.Ref))
	})
	if unknown > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d SNVs have no genotypes, and no AC and AN: they are neither common nor singletons", unknown))
	}
	if part > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d SNVs are not in all of the files: the people of the others count as not called", part))
	}
	if r.Repeated > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d SNVs stand in a file again: the first row counts", r.Repeated))
	}
}

// within are the SNVs of a region.
func (p *Panel) within(r genome.Region) []SNV {
	from, _ := slices.BinarySearchFunc(p.SNVs, r.Start, func(s SNV, at int) int { return cmp.Compare(s.Pos, at) })
	to, _ := slices.BinarySearchFunc(p.SNVs, r.End, func(s SNV, at int) int { return cmp.Compare(s.Pos, at) })
	return p.SNVs[from:to]
}

// tsTv is the ratio of transitions to transversions; 0 without transversions.
func tsTv(all []SNV) float64 {
	ts := 0
	for _, s := range all {
		if transition(s.Ref, s.Alt) {
			ts++
		}
	}
	if ts == len(all) {
		return 0
	}
	return float64(ts) / float64(len(all)-ts)
}

// transition reports whether A and G, or C and T, are exchanged.
func transition(ref, alt dna.Base) bool { return ref^alt == 2 }
