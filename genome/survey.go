package genome

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/vcf"
)

// Survey says what a VCF holds, and what of it can be used with a reference.
type Survey struct {
	Version      string            `json:"version"`
	Build        string            `json:"build,omitempty"` // that the reference looks like
	Samples      int               `json:"samples"`
	Rows         int               `json:"rows"`
	Alleles      int               `json:"alleles"`       // alternate alleles, a row without one counted as one
	MultiAllelic int               `json:"multi_allelic"` // rows with several alternate alleles
	Kinds        map[string]int    `json:"kinds"`         // of alleles, by vcf.Kind
	Usable       int               `json:"usable"`        // alleles that have no Skip
	Skipped      map[Skip]int      `json:"skipped"`       // alleles, by why
	Examples     []SurveyExample   `json:"examples,omitempty"`
	Ref          RefCheck          `json:"ref"`
	NotNormal    int               `json:"not_normal"` // rows of usable alleles that Normalize changes
	Normalized   []Renamed         `json:"normalized,omitempty"`
	Unsorted     int               `json:"unsorted"`   // rows that come after a larger position, or back to an earlier contig
	Duplicates   int               `json:"duplicates"` // rows with the alleles of a row before them at their position
	Aliases      map[string]string `json:"aliases,omitempty"`
	Unknown      []string          `json:"unknown_contigs,omitempty"` // the first ones, by the VCF's names
	Genotypes    *GenotypeCounts   `json:"genotypes,omitempty"`
	Notes        []string          `json:"notes,omitempty"`
}

// SurveyExample is an allele that cannot be used: the first of each reason.
type SurveyExample struct {
	Why  Skip   `json:"why"`
	Line int    `json:"line"`
	Row  string `json:"row"`
}

// Renamed is a row that is not normal, and what it becomes.
type Renamed struct {
	Line int    `json:"line"`
	From string `json:"from"`
	To   string `json:"to"`
}

// GenotypeCounts are the genotypes of one sample, in rows.
type GenotypeCounts struct {
	Sample       string `json:"sample"`
	Reference    int    `json:"reference"`    // all alleles are REF
	Homozygous   int    `json:"homozygous"`   // all are one alternate allele
	Heterozygous int    `json:"heterozygous"` // and phased
	Unphased     int    `json:"unphased"`     // heterozygous
	Missing      int    `json:"missing"`      // an allele is not known
	OneAllele    int    `json:"one_allele"`   // among the first two
	None         int    `json:"none"`         // the row has no GT
}

// surveyor is a survey under way.
type surveyor struct {
	Survey
	ref    *fasta.Reference
	placer *Placer
	sample int // −1 is none

	chrom    string
	pos      int
	at       map[digest]bool // rows of the position
	passed   map[string]bool // contigs that have ended
	frequent int             // rows whose AF is not AC/AN
}

// maxAt bounds the rows of one position that are compared with each other.
const maxAt = 10_000

// NewSurvey reads a VCF and compares it with a reference. sample may be "". More than 1 % of REF alleles that differ are not an error here:
// the caller asks Ref.Err.
func NewSurvey(ref *fasta.Reference, in io.Reader, file, sample string) (*Survey, error) {
	r, err := vcf.NewReader(in, file)
	if err != nil {
		return nil, err
	}
	h := r.Header()
	s := &surveyor{ref: ref, placer: NewPlacer(ref, h), sample: -1, at: map[digest]bool{}, passed: map[string]bool{}}
	s.Version, s.Build, s.Samples = h.Version, BuildOf(ref), len(h.Samples)
	s.Kinds, s.Skipped = map[string]int{}, map[Skip]int{}
	if sample != "" {
		if s.sample, err = h.Sample(sample); err != nil {
			return nil, err
		}
		s.Genotypes = &GenotypeCounts{Sample: sample}
	}
	var g vcf.Genotype
	if err := r.Each(func(rec *vcf.Record) error { return inFile(file, s.row(rec, &g)) }); err != nil {
		return nil, err
	}
	return s.finish(), nil
}

// inFile names the file of an error.
func inFile(file string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", file, err)
}

func (s *surveyor) finish() *Survey {
	s.Ref, s.Aliases = s.placer.Check, s.placer.Aliases
	s.Notes = append(s.Notes, s.ref.Notes()...)
	if s.frequent > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("INFO AF differs from AC/AN in %d rows: they may be of different sets of samples", s.frequent))
	}
	return &s.Survey
}

func (s *surveyor) row(rec *vcf.Record, g *vcf.Genotype) error {
	s.Rows++
	s.order(rec)
	s.frequency(rec)
	if err := s.genotype(rec, g); err != nil {
		return err
	}
	c, skip, err := s.placer.Place(rec)
	if err != nil {
		return err
	}
	if skip == UnknownContig && len(s.Unknown) < shown && !slices.Contains(s.Unknown, rec.Chrom) {
		s.Unknown = append(s.Unknown, rec.Chrom)
	}
	if len(rec.Alts) > 1 {
		s.MultiAllelic++
	}
	for _, alt := range orNone(rec.Alts) {
		s.allele(rec, alt, skip)
	}
	if skip != Used || slices.ContainsFunc(rec.Alts, func(alt string) bool { return SkipOf(rec.Ref, alt) != Used }) {
		return nil
	}
	return s.normal(rec, c)
}

// orNone is the alleles, or the one that a row without alleles has.
func orNone(alts []string) []string {
	if len(alts) == 0 {
		return []string{"."}
	}
	return alts
}

func (s *surveyor) allele(rec *vcf.Record, alt string, skip Skip) {
	s.Alleles++
	s.Kinds[vcf.KindOf(rec.Ref, alt).String()]++
	if skip == Used {
		skip = SkipOf(rec.Ref, alt)
	}
	if skip == Used {
		s.Usable++
		return
	}
	if s.Skipped[skip]++; s.Skipped[skip] == 1 {
		row := fmt.Sprintf("%s:%d %s>%s", rec.Chrom, rec.Pos, shorten(rec.Ref), shorten(alt))
		s.Examples = append(s.Examples, SurveyExample{skip, rec.Line, row})
	}
}

// normal counts the row if Normalize changes it.
func (s *surveyor) normal(rec *vcf.Record, c fasta.Contig) error {
	v := Variant{Contig: c.Name, Pos: rec.Pos, Ref: rec.Ref, Alts: rec.Alts}
	n, err := Normalize(s.ref, v)
	if err != nil {
		return err
	}
	if n.Pos == v.Pos && n.Ref == v.Ref {
		return nil
	}
	if s.NotNormal++; len(s.Normalized) < shown {
		s.Normalized = append(s.Normalized, Renamed{rec.Line, v.String(), n.String()})
	}
	return nil
}

// String is such as 20:1000 A>C,G.
func (v Variant) String() string {
	return fmt.Sprintf("%s:%d %s>%s", v.Contig, v.Pos, shorten(v.Ref), shorten(strings.Join(v.Alts, ",")))
}

// digest stands for the position and the alleles of a row, which may have 64 MiB.
type digest [sha256.Size]byte

func digestOf(rec *vcf.Record) (d digest) {
	h := sha256.New()
	fmt.Fprintf(h, "%d %s", rec.Pos, rec.Ref) // a hash has no error
	for _, alt := range rec.Alts {
		_, _ = h.Write([]byte{','})
		_, _ = io.WriteString(h, alt)
	}
	h.Sum(d[:0])
	return d
}

// few is the number of rows of a position up to which clearing their map is cheap: that takes the time of the most that it ever held.
const few = 100

// order counts rows that are out of order or there twice.
func (s *surveyor) order(rec *vcf.Record) {
	switch {
	case rec.Chrom != s.chrom:
		if s.passed[rec.Chrom] {
			s.Unsorted++
		}
		if s.chrom != "" && len(s.passed) < maxNames {
			s.passed[s.chrom] = true
		}
		s.chrom, s.pos = strings.Clone(rec.Chrom), rec.Pos
		s.at = map[digest]bool{}
	case rec.Pos < s.pos:
		s.Unsorted++
	case rec.Pos > s.pos && len(s.at) > few:
		s.at = map[digest]bool{}
	case rec.Pos > s.pos:
		clear(s.at)
	}
	s.pos = max(s.pos, rec.Pos)
	key := digestOf(rec)
	if s.at[key] {
		s.Duplicates++
	} else if len(s.at) < maxAt {
		s.at[key] = true
	}
}

// frequency compares AF with AC/AN. 0.02 is more than rounding makes of it.
func (s *surveyor) frequency(rec *vcf.Record) {
	var v [3]float64
	for i, key := range [...]string{"AF", "AC", "AN"} {
		text, ok := rec.Info(key)
		first, _, _ := strings.Cut(text, ",")
		n, err := strconv.ParseFloat(first, 64)
		if !ok || err != nil {
			return
		}
		v[i] = n
	}
	if v[2] > 0 && math.Abs(v[0]-v[1]/v[2]) > 0.02 {
		s.frequent++
	}
}

func (s *surveyor) genotype(rec *vcf.Record, g *vcf.Genotype) error {
	if s.sample < 0 {
		return nil
	}
	if err := rec.Genotype(s.sample, g); err != nil {
		return err
	}
	n := s.Genotypes
	if len(g.Alleles) == 0 {
		n.None++
		return nil
	}
	same, missing := true, false
	for _, a := range g.Alleles {
		same, missing = same && a == g.Alleles[0], missing || a == vcf.Missing
	}
	switch {
	case missing:
		n.Missing++
	case same && g.Alleles[0] == 0:
		n.Reference++
	case same:
		n.Homozygous++
	case g.Phased:
		n.Heterozygous++
	default:
		n.Unphased++
	}
	if len(g.Alleles) == 1 && !missing {
		n.OneAllele++
	}
	return nil
}
