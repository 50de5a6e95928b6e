package genome

import (
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/vcf"
)

// SampleOptions choose what ReadSites reads.
type SampleOptions struct {
	Sample string  // its name; "" is the only sample of a file
	Region *Region // nil is the whole reference
}

// Sites are the places at which a sample differs from the reference.
type Sites struct {
	Sample string
	Region *Region

	Rows int // of the VCF, in the region
	SampleCounts
	Unsorted bool // rows were not in the order of positions, and were sorted
	Skipped  []SkippedAllele
	Placer   *Placer // with the check of REF and the aliases

	ref     *fasta.Reference
	contigs map[string][]site // by the reference's names
	bytes   int64
}

// site is a row at which the sample has an alternate allele.
type site struct {
	pos, rlen int // of the first base, from 0; bases of the reference that the alleles stand for
	line      int
	chrom     string // the VCF's name of the contig
	ref       string
	alts      [2]string // of haplotypes 1 and 2; "" is the reference
}

// SkippedAllele is an alternate allele that a haplotype does not have, or has in part.
type SkippedAllele struct {
	Haplotype int    `json:"haplotype"`
	Line      int    `json:"line"`
	Contig    string `json:"contig"`
	Pos       int    `json:"pos"`
	Ref       string `json:"ref"`
	Alt       string `json:"alt"`
	Why       Skip   `json:"why"`
}

// maxSites bounds the memory of the sites: 5 million of a human genome take half a gigabyte.
const maxSites int64 = 2 << 30

// ReadSites reads the genotypes of a sample. Rows are compared with the reference, the others' too; more than 1 % of REF alleles that
// differ is an error. Memory grows with the number of rows at which the sample differs from the reference, about 100 bytes each.
func ReadSites(ref *fasta.Reference, in io.Reader, file string, o SampleOptions) (*Sites, error) {
	r, err := vcf.NewReader(in, file)
	if err != nil {
		return nil, err
	}
	h := r.Header()
	if o.Sample == "" && len(h.Samples) != 1 {
		return nil, fmt.Errorf("genome: %s has %d samples; name one: %s", file, len(h.Samples),
			strings.Join(h.Samples[:min(5, len(h.Samples))], ", "))
	}
	if o.Sample == "" {
		o.Sample = h.Samples[0]
	}
	column, err := h.Sample(o.Sample)
	if err != nil {
		return nil, err
	}
	s := &Sites{Sample: o.Sample, Region: o.Region, Placer: NewPlacer(ref, h), ref: ref, contigs: map[string][]site{}}
	var g vcf.Genotype
	if err := r.Each(func(rec *vcf.Record) error {
		if err := rec.Genotype(column, &g); err != nil {
			return err
		}
		return inFile(file, s.row(rec, g))
	}); err != nil {
		return nil, err
	}
	s.sort()
	return s, s.Placer.Check.Err()
}

// row takes a row with the sample's genotype.
func (s *Sites) row(rec *vcf.Record, g vcf.Genotype) error {
	c, ok, err := s.Placer.Contig(rec.Chrom)
	if err != nil {
		return fmt.Errorf("line %d: %w", rec.Line, err)
	}
	rlen := span(rec)
	if s.Region != nil && (!ok || c.Name != s.Region.Contig.Name || rec.Pos > s.Region.End || rec.Pos-1+rlen <= s.Region.Start) {
		return nil
	}
	s.Rows++
	_, skip, err := s.Placer.Place(rec)
	if err != nil {
		return err
	}
	alts := s.alleles(rec, g)
	if alts == [2]string{} {
		return nil
	}
	t := site{pos: rec.Pos - 1, rlen: rlen, line: rec.Line, chrom: rec.Chrom, ref: rec.Ref, alts: alts}
	if skip == Used && s.Region != nil && t.pos < s.Region.Start {
		skip = BeforeRegion
	}
	if skip != Used {
		return s.skip(t, skip)
	}
	s.contigs[c.Name] = append(s.contigs[c.Name], t)
	return s.grow(len(t.ref) + len(alts[0]) + len(alts[1]) + 100)
}

// skip lists the alleles of a site.
func (s *Sites) skip(t site, why Skip) error {
	for h, alt := range t.alts {
		if alt != "" {
			s.Skipped = append(s.Skipped, t.skipped(h+1, why))
		}
	}
	return s.grow(200)
}

func (t *site) skipped(haplotype int, why Skip) SkippedAllele {
	return SkippedAllele{Haplotype: haplotype, Line: t.line, Contig: t.chrom, Pos: t.pos + 1, Ref: shorten(t.ref),
		Alt: shorten(t.alts[haplotype-1]), Why: why}
}

func (s *Sites) grow(bytes int) error {
	if s.bytes += int64(bytes); s.bytes > maxSites {
		return fmt.Errorf("genome: the sample's alleles take more than %d GiB of memory; choose a part with a region", maxSites>>30)
	}
	return nil
}

// alleles are the alternate alleles of haplotypes 1 and 2.
func (s *Sites) alleles(rec *vcf.Record, g vcf.Genotype) (alts [2]string) {
	for i, a := range s.Carried(rec, g) {
		if a > 0 {
			alts[i] = strings.Clone(rec.Alts[a-1]) // a part would keep the whole column in memory
		}
	}
	return alts
}

// span is the number of the reference's bases that a row is about: those of REF, or, with a symbolic allele, those up to END.
func span(rec *vcf.Record) int {
	for _, alt := range rec.Alts {
		if strings.HasPrefix(alt, "<") {
			end, _ := rec.Info("END")
			if n, err := strconv.Atoi(end); err == nil && n >= rec.Pos {
				return n - rec.Pos + 1
			}
			break
		}
	}
	return len(rec.Ref)
}

// sort puts the sites of each contig in the order of their positions. Sites of one position keep the order of the file.
func (s *Sites) sort() {
	for _, list := range s.contigs {
		less := func(i, j int) bool { return list[i].pos < list[j].pos }
		if !sort.SliceIsSorted(list, less) {
			s.Unsorted = true
			sort.SliceStable(list, less)
		}
	}
}

var errHaplotype = errors.New("genome: a haplotype is 1 or 2")
