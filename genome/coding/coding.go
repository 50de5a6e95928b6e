// Package coding says what a substitution in a coding part does to the protein.
package coding

import (
	"slices"

	"github.com/longspan/longspan/data/dna"
)

// Consequence of a substitution for the protein.
type Consequence int

// The consequences, from the slightest on.
const (
	None Consequence = iota // the codon is not known
	Synonymous
	Missense
	StartLost
	StopLost
	StopGained
	Consequences // their number
)

// String is the term of c.
func (c Consequence) String() string {
	return [...]string{"none", "synonymous", "missense", "start lost", "stop lost", "stop gained"}[c]
}

// aminoAcids are those of the standard code, by the codon's bases in the order A C G T; '*' is a stop (NCBI's translation table 1; table 11
// of bacteria differs in its starts alone).
const aminoAcids = "KNKNTTTTRSRSIIMIQHQHPPPPRRRRLLLLEDEDAAAAGGGGVVVV*Y*YSSSS*CWCLFLF"

// Acid is the amino acid of a codon in upper case, or '*' for a stop. ok is false for a codon with N.
func Acid(codon [3]dna.Base) (acid byte, ok bool) {
	if slices.Max(codon[:]) >= dna.N {
		return 0, false
	}
	return aminoAcids[int(codon[0])<<4|int(codon[1])<<2|int(codon[2])], true
}

// Of is what alt in place of base i of the coding sequence does. letters are the sequence on the strand of its gene, in upper case, whole
// codons; alt is on that strand too. The first codon is a start where it is that of methionine: some sequences begin behind their start.
func Of(letters []dna.Base, i int, alt dna.Base) Consequence {
	codon := [3]dna.Base(letters[i/3*3:])
	before, ok := Acid(codon)
	codon[i%3] = alt
	after, also := Acid(codon)
	switch {
	case !ok || !also:
		return None
	case before == after:
		return Synonymous
	case after == '*':
		return StopGained
	case before == '*':
		return StopLost
	case i < 3 && before == 'M':
		return StartLost
	}
	return Missense
}
