package vcf

import "strings"

// Kind classifies an alternate allele by its text.
type Kind uint8

// The kinds. The first six are alleles of letters.
const (
	SNV       Kind = iota // one base in place of another
	MNV                   // several bases in place of as many
	Insertion             // bases between two bases
	Deletion              // bases that are missing
	Complex               // bases in place of a different number of bases
	Same                  // the letters of REF
	Star                  // '*': missing because of a deletion before it
	NonRef                // <NON_REF> or <*>: any other allele
	Symbolic              // such as <DEL>
	Breakend              // a break with its mate, such as G]17:198982]
	NoAllele              // '.'
	Unknown               // anything else
	kinds
)

var kindNames = [kinds]string{"snv", "mnv", "insertion", "deletion", "complex", "same_as_ref", "star", "non_ref", "symbolic", "breakend",
	"no_alt", "not_understood"}

// String is one word, such as snv.
func (k Kind) String() string { return kindNames[min(k, kinds-1)] }

// Kinds are all kinds.
func Kinds() []Kind {
	all := make([]Kind, kinds)
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

// Letters reports whether the allele is made of bases.
func (k Kind) Letters() bool { return k <= Same }

// KindOf classifies an alternate allele. Letters of either case are equal. Letters that REF and alt share at their ends do not count.
func KindOf(ref, alt string) Kind {
	switch {
	case alt == "." || alt == "":
		return NoAllele
	case alt == "*":
		return Star
	case alt == "<*>" || strings.EqualFold(alt, "<NON_REF>"):
		return NonRef
	case strings.HasPrefix(alt, "<") && strings.HasSuffix(alt, ">"):
		return Symbolic
	case strings.ContainsAny(alt, "[]") || strings.HasPrefix(alt, ".") || strings.HasSuffix(alt, "."):
		return Breakend
	case !Bases(ref) || !Bases(alt):
		return Unknown
	}
	return lettersKind(ref, alt)
}

func lettersKind(ref, alt string) Kind {
	for ref != "" && alt != "" && upper(ref[len(ref)-1]) == upper(alt[len(alt)-1]) {
		ref, alt = ref[:len(ref)-1], alt[:len(alt)-1]
	}
	for ref != "" && alt != "" && upper(ref[0]) == upper(alt[0]) {
		ref, alt = ref[1:], alt[1:]
	}
	switch {
	case ref == "" && alt == "":
		return Same
	case ref == "":
		return Insertion
	case alt == "":
		return Deletion
	case len(ref) != len(alt):
		return Complex
	case len(ref) == 1:
		return SNV
	}
	return MNV
}

// Bases reports whether an allele is letters of DNA only: A C G T and the codes of several bases, N too, in either case.
func Bases(allele string) bool { return allele != "" && only(allele, "ACGTNRYSWKMBDHV") }

// Exact reports whether an allele is A C G T only, in either case.
func Exact(allele string) bool { return allele != "" && only(allele, "ACGT") }

func only(text, letters string) bool {
	for i := range len(text) {
		if strings.IndexByte(letters, upper(text[i])) < 0 {
			return false
		}
	}
	return true
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}
