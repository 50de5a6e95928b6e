package coding_test

import (
	"testing"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/genome/coding"
)

func bases(t *testing.T, letters string) []dna.Base {
	t.Helper()
	all, ok := dna.ParseString(letters)
	if !ok {
		t.Fatalf("%s is no DNA", letters)
	}
	return all
}

func TestOf(t *testing.T) {
	const gene = "ATGTGGCTATAANAA"
	for _, c := range []struct {
		at   int
		alt  dna.Base
		want coding.Consequence
	}{
		{0, dna.G, coding.StartLost},
		{5, dna.A, coding.StopGained}, // TGG to TGA
		{5, dna.C, coding.Missense},   // TGG to TGC, W to C
		{8, dna.G, coding.Synonymous}, // CTA to CTG, L
		{6, dna.T, coding.Synonymous}, // CTA to TTA, L
		{9, dna.C, coding.StopLost},   // TAA to CAA
		{11, dna.G, coding.Synonymous},
		{14, dna.C, coding.None},
	} {
		if got := coding.Of(bases(t, gene), c.at, c.alt); got != c.want {
			t.Errorf("base %d of %s to %d is %v, want %v", c.at, gene, c.alt, got, c.want)
		}
	}
}

// The code has 61 codons of 20 amino acids, and three stops.
func TestCode(t *testing.T) {
	codons := map[byte]int{}
	for i := range 64 {
		acid, ok := coding.Acid([3]dna.Base{dna.Base(i >> 4), dna.Base(i >> 2 & 3), dna.Base(i & 3)})
		if !ok {
			t.Fatal("a codon of known bases has no amino acid")
		}
		codons[acid]++
	}
	if len(codons) != 21 || codons['*'] != 3 || codons['L'] != 6 || codons['M'] != 1 || codons['W'] != 1 {
		t.Errorf("the code is %v", codons)
	}
}
