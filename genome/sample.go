package genome

import (
	"fmt"
	"strings"

	"github.com/longspan/longspan/data/vcf"
)

// SampleCounts say how the genotypes of a sample were read as two haplotypes.
type SampleCounts struct {
	Missing    int  `json:"missing"`      // rows with an allele that is not known: the reference stays there
	OneAllele  int  `json:"one_allele"`   // rows whose genotype has one allele: haplotype 2 keeps the reference
	MoreAllele int  `json:"more_alleles"` // rows whose genotype has three alleles or more: the first two count
	Unphased   int  `json:"unphased"`     // heterozygous rows whose alleles have no phase: their order in the file counts
	PhaseSets  bool `json:"phase_sets"`   // the file has phase sets (PS), which are not joined to each other
}

// Carried are the alleles of a row that haplotypes 1 and 2 have: k is the k-th of Alts, 0 the reference. It counts the genotype.
func (s *SampleCounts) Carried(rec *vcf.Record, g vcf.Genotype) (alleles [2]int) {
	missing, different := false, false
	for i, a := range g.Alleles {
		missing = missing || a == vcf.Missing
		different = different || a != g.Alleles[0]
		if i < len(alleles) && a > 0 {
			alleles[i] = a
		}
	}
	switch {
	case missing:
		s.Missing++
	case len(g.Alleles) == 1:
		s.OneAllele++
	case len(g.Alleles) > 2:
		s.MoreAllele++
	}
	if different && !missing && !g.Phased {
		s.Unphased++
	}
	s.PhaseSets = s.PhaseSets || strings.Contains(":"+rec.Format()+":", ":PS:")
	return alleles
}

// Notes say what of the genotypes a reader of the haplotypes must know.
func (s *SampleCounts) Notes() (notes []string) {
	note := func(is bool, format string, args ...any) {
		if is {
			notes = append(notes, fmt.Sprintf(format, args...))
		}
	}
	note(s.Unphased > 0, "%d heterozygous genotypes have no phase: their alleles are taken in the order of the file", s.Unphased)
	note(s.Missing > 0, "%d genotypes have a missing allele: the reference stands there", s.Missing)
	note(s.OneAllele > 0, "%d genotypes have one allele: haplotype 2 has the reference there", s.OneAllele)
	note(s.MoreAllele > 0, "%d genotypes have more than two alleles: the first two are used", s.MoreAllele)
	note(s.PhaseSets, "the file has phase sets (PS): the order of alleles means nothing between two sets")
	return notes
}
