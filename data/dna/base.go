// Package dna stores bases and sequences of bases, and reads either strand. A base is a token, and takes a quarter of a byte in
// memory.
package dna

// Base is one base, and whether it was written in lower case. Its code is its token: A C G T N are 0 1 2 3 4.
type Base uint8

// The bases. N stands for any base that is not known: N itself, and the other ambiguity codes.
const (
	A Base = iota
	C
	G
	T
	N
)

// Vocab is the number of tokens, N included.
const Vocab = 5

// SoftMask is the bit of a base written in lower case, by which genome files mark repeats.
const SoftMask Base = 0x80

// Code is the token of b: 0 … 4, whatever its case.
func (b Base) Code() Base { return b &^ SoftMask }

// Masked reports whether b was written in lower case.
func (b Base) Masked() bool { return b&SoftMask != 0 }

// Complement is the base that pairs with b: A and T, C and G, N and N. The case stays.
func (b Base) Complement() Base {
	if b.Code() >= N {
		return b
	}
	return b ^ 3 // A C G T are 0 1 2 3, so a base and its partner add up to 3
}

// Letter is one of ACGTNacgtn.
func (b Base) Letter() byte {
	const upper, lower = "ACGTNNNN", "acgtnnnn"
	if b.Masked() {
		return lower[b&7]
	}
	return upper[b&7]
}

// Kind classifies a letter.
type Kind uint8

// The kinds of letters.
const (
	NoBase    Kind = iota // not a letter of DNA or RNA
	Exact                 // A C G T, or U, which is read as T
	Ambiguous             // N and the codes of two or three bases, R Y S W K M B D H V: read as N
)

// Parse reads a letter of the IUPAC alphabet (NC-IUB 1984, doi:10.1093/nar/13.9.3021), either case. Gaps ('-')
// and stops ('*') are no bases.
func Parse(letter byte) (Base, Kind) {
	var mask Base
	if letter >= 'a' && letter <= 'z' {
		mask, letter = SoftMask, letter-'a'+'A'
	}
	switch letter {
	case 'A':
		return A | mask, Exact
	case 'C':
		return C | mask, Exact
	case 'G':
		return G | mask, Exact
	case 'T', 'U':
		return T | mask, Exact
	case 'N', 'R', 'Y', 'S', 'W', 'K', 'M', 'B', 'D', 'H', 'V':
		return N | mask, Ambiguous
	}
	return N, NoBase
}

// ParseString reads a string of bases. ok is false if a letter is not a base.
func ParseString(letters string) (bases []Base, ok bool) {
	bases = make([]Base, len(letters))
	for i := range bases {
		b, kind := Parse(letters[i])
		if kind == NoBase {
			return nil, false
		}
		bases[i] = b
	}
	return bases, true
}

// ReverseComplement replaces bases by those of the other strand, read in its own direction.
func ReverseComplement(bases []Base) {
	for i, j := 0, len(bases)-1; i <= j; i, j = i+1, j-1 {
		bases[i], bases[j] = bases[j].Complement(), bases[i].Complement()
	}
}
