package genome

import (
	"fmt"
	"strings"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/vcf"
)

// Variant is a row's alleles on a contig of the reference.
type Variant struct {
	Contig string // the reference's name
	Pos    int    // of Ref's first base, from 1
	Ref    string
	Alts   []string
}

// Normalize left-aligns and trims alleles (Tan, Abecasis and Kang 2015, doi:10.1093/bioinformatics/btv112): of all rows that describe one
// change, it returns the one that begins farthest to the left and has the shortest alleles. All alternate alleles keep one position, as
// `bcftools norm` does; one alternate allele at a time is `bcftools norm -m-`.
//
// A variant that has an allele without letters, such as <DEL> or *, or none, is returned as it is; so is one that is normal already.
// Alleles that change become upper case. Ref must be what the reference has (Placer.Place). An allele that equals Ref is an error, and so
// is one that would move by more than a million bases: no repeat is as long. The cost is the number of bases by which the alleles move,
// times the number of alleles.
func Normalize(ref *fasta.Reference, v Variant) (Variant, error) {
	alleles := make([]string, 0, 1+len(v.Alts))
	alleles = append(alleles, strings.ToUpper(v.Ref))
	for _, alt := range v.Alts {
		kind := vcf.KindOf(v.Ref, alt)
		if kind == vcf.Same {
			return v, fmt.Errorf("genome: %s:%d: found ALT %s, which equals REF", v.Contig, v.Pos, shorten(alt))
		}
		if !kind.Letters() {
			return v, nil
		}
		alleles = append(alleles, strings.ToUpper(alt))
	}
	if len(v.Alts) == 0 || v.Pos < 1 {
		return v, nil
	}
	left := &leftward{contig: v.Contig, end: v.Pos - 1, read: func(dst []byte, start, end int) ([]byte, error) {
		return ref.Letters(dst, fasta.Window{Contig: v.Contig, Start: start, End: end})
	}}
	move, changed, err := left.align(alleles)
	if err != nil || !changed || move == 0 && len(alleles[0]) == len(v.Ref) { // moved to where it was
		return v, err
	}
	return Variant{Contig: v.Contig, Pos: v.Pos + move, Ref: alleles[0], Alts: alleles[1:]}, nil
}

// align left-aligns and trims alleles in place. They move by so many bases, to the left where it is below 0.
func (l *leftward) align(alleles []string) (move int, changed bool, err error) {
	cut, err := l.equalEnds(alleles)
	if err != nil {
		return 0, false, err
	}
	shortest := len(alleles[0])
	for _, a := range alleles {
		shortest = min(shortest, len(a))
	}
	extend := max(0, cut-shortest+1)
	if err := l.need(extend); err != nil {
		return 0, false, err
	}
	for i, a := range alleles {
		alleles[i] = l.moved(a, extend, cut)
	}
	front := equalFronts(alleles)
	for i := range alleles {
		alleles[i] = alleles[i][front:]
	}
	return front - extend, cut > 0 || front > 0, nil
}

// equalFronts is the number of bases that all alleles begin with, and that can be cut with a base left of each.
func equalFronts(alleles []string) int {
	n := 0
	for {
		for _, a := range alleles {
			if len(a) <= n+1 || a[n] != alleles[0][n] {
				return n
			}
		}
		n++
	}
}

// maxShift bounds the bases by which an allele moves, and with them the time that a hostile file can take.
const maxShift = 1 << 20

// leftward reads the bases to the left of a variant, in growing parts.
type leftward struct {
	read   func(dst []byte, start, end int) ([]byte, error)
	contig string
	end    int    // the variant's first base, from 0
	bases  []byte // before it, upper case
}

// need reads until n bases are there, or the contig's beginning.
func (l *leftward) need(n int) error {
	for len(l.bases) < min(n, l.end) {
		more := min(max(256, len(l.bases)), l.end-len(l.bases))
		from := l.end - len(l.bases) - more
		part, err := l.read(nil, from, from+more)
		if err != nil {
			return err
		}
		fasta.Upper(part)
		for i, c := range part {
			if strings.IndexByte("ACGT", c) < 0 {
				part[i] = 'N' // as REF alleles are written
			}
		}
		l.bases = append(part, l.bases...)
	}
	return nil
}

// moved is an allele that goes on extend bases to the left, without its last cut bases. Only the bases that stay are copied: a long repeat
// times many alleles would not fit the memory.
func (l *leftward) moved(allele string, extend, cut int) string {
	stay := extend + len(allele) - cut
	before := l.bases[len(l.bases)-extend:]
	if stay <= extend {
		return string(before[:stay])
	}
	return string(before) + allele[:stay-extend]
}

// equalEnds is the number of bases that all alleles end with, where the reference goes on to the left of each allele. An allele keeps a
// base: at the contig's beginning nothing is left to go on with.
func (l *leftward) equalEnds(alleles []string) (int, error) {
	shortest := len(alleles[0])
	for _, a := range alleles {
		shortest = min(shortest, len(a))
	}
	for n := 0; ; n++ {
		if n >= shortest-1+l.end {
			return n, nil
		}
		if n-shortest > maxShift {
			return 0, fmt.Errorf("genome: %s:%d: found a repeat of more than %d bases; is the reference a genome?", l.contig, l.end+1, maxShift)
		}
		if err := l.need(n + 1 - shortest); err != nil {
			return 0, err
		}
		first := l.fromEnd(alleles[0], n)
		for _, a := range alleles[1:] {
			if l.fromEnd(a, n) != first {
				return n, nil
			}
		}
	}
}

// fromEnd is base n of an allele counted from its end, the reference before the allele included.
func (l *leftward) fromEnd(allele string, n int) byte {
	if n < len(allele) {
		return allele[len(allele)-1-n]
	}
	return l.bases[len(l.bases)-1-(n-len(allele))]
}

// Primitives splits an MNV with one alternate allele into the SNVs that it is made of, as `bcftools norm -a` does. Other variants are
// returned as they are.
func Primitives(v Variant) []Variant {
	if len(v.Alts) != 1 || len(v.Ref) != len(v.Alts[0]) || vcf.KindOf(v.Ref, v.Alts[0]) != vcf.MNV {
		return []Variant{v}
	}
	var all []Variant
	for i := range len(v.Ref) {
		ref, alt := v.Ref[i:i+1], v.Alts[0][i:i+1]
		if !strings.EqualFold(ref, alt) {
			all = append(all, Variant{Contig: v.Contig, Pos: v.Pos + i, Ref: ref, Alts: []string{alt}})
		}
	}
	return all
}
