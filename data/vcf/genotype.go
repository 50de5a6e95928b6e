package vcf

import (
	"bytes"
	"fmt"
	"strconv"
)

// Missing is the allele that is not known, written as a dot.
const Missing = -1

// Genotype is the field GT of a sample.
type Genotype struct {
	Alleles []int // 0 is REF, k is the k-th of Alts, Missing is '.'; none where the row has no GT
	Phased  bool  // the order of the alleles means something: all separators are '|', or there is one allele
}

// Genotype reads the genotype of a sample, from 0, into g. A row without GT gives no alleles.
func (rec *Record) Genotype(sample int, g *Genotype) error {
	*g = Genotype{Alleles: g.Alleles[:0], Phased: true}
	if sample < 0 || sample >= len(rec.header.Samples) {
		return fmt.Errorf("vcf: sample %d of %d", sample, len(rec.header.Samples))
	}
	place := formatPlace(rec.column(len(fixed)), "GT")
	if place < 0 {
		return nil
	}
	return rec.genotype(rec.Sample(sample), place, sample, g)
}

// genotype reads the genotype of a sample's column.
func (rec *Record) genotype(text []byte, place, sample int, g *Genotype) error {
	for ; place > 0; place-- {
		i := bytes.IndexByte(text, ':')
		if i < 0 {
			return nil // fields at the end may be left out
		}
		text = text[i+1:]
	}
	if i := bytes.IndexByte(text, ':'); i >= 0 {
		text = text[:i]
	}
	if err := g.parse(text, len(rec.Alts)); err != nil {
		return fmt.Errorf("vcf: line %d: sample %s: %w", rec.Line, rec.header.Samples[sample], err)
	}
	return nil
}

// AlleleCounts counts the alleles of all genotypes of the row: of REF first, then of each of Alts. Missing alleles do not count. dst is
// used if it is long enough. A row without GT, or of a file without samples, has zeros. Cost: one pass over the row.
func (rec *Record) AlleleCounts(dst []int) ([]int, error) {
	dst = append(dst[:0], make([]int, 1+len(rec.Alts))...)
	place := formatPlace(rec.column(len(fixed)), "GT")
	rest := rec.text[min(rec.starts[len(fixed)+1], len(rec.text)):]
	if place < 0 {
		return dst, nil
	}
	var g Genotype
	for i := range rec.header.Samples {
		var text []byte
		text, rest, _ = bytes.Cut(rest, []byte{'\t'})
		g = Genotype{Alleles: g.Alleles[:0], Phased: true}
		if err := rec.genotype(text, place, i, &g); err != nil {
			return dst, err
		}
		for _, a := range g.Alleles {
			if a != Missing {
				dst[a]++
			}
		}
	}
	return dst, nil
}

// formatPlace is the place of a key in FORMAT, or −1.
func formatPlace(format []byte, key string) int {
	for i := 0; len(format) > 0; i++ {
		field, rest, _ := bytes.Cut(format, []byte(":"))
		if string(field) == key {
			return i
		}
		format = rest
	}
	return -1
}

// parse reads such as 0|1, ./., 1 and, since VCF 4.4, |0|1.
func (g *Genotype) parse(text []byte, alts int) error {
	rest := text
	if len(rest) > 0 && (rest[0] == '|' || rest[0] == '/') { // the phase of the first allele, written out
		g.Phased = rest[0] == '|'
		rest = rest[1:]
	}
	for {
		end := bytes.IndexAny(rest, "|/")
		allele := rest
		if end >= 0 {
			allele = rest[:end]
			g.Phased = g.Phased && rest[end] == '|'
		}
		k := Missing
		if string(allele) != "." {
			n, err := strconv.ParseUint(string(allele), 10, 31)
			if err != nil {
				return fmt.Errorf("found GT %s, expected such as 0|1 or 0/1, with a dot for what is missing", quote(text))
			}
			if k = int(n); k > alts {
				return fmt.Errorf("found GT %s, but the row has %d alternate alleles", quote(text), alts)
			}
		}
		g.Alleles = append(g.Alleles, k)
		if end < 0 {
			return nil
		}
		rest = rest[end+1:]
	}
}
