package splice

import (
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data/annotation"
	"github.com/longspan/longspan/data/dna"
)

// sequenceOf is a sequence of letters.
func sequenceOf(t testing.TB, letters string) *dna.Sequence {
	t.Helper()
	bases, ok := dna.ParseString(letters)
	if !ok {
		t.Fatalf("%q is no DNA", letters)
	}
	s := &dna.Sequence{Name: "1"}
	s.Append(bases)
	return s
}

// reversed is the other strand of letters.
func reversed(t testing.TB, letters string) string {
	t.Helper()
	bases, _ := dna.ParseString(letters)
	dna.ReverseComplement(bases)
	var b strings.Builder
	for _, c := range bases {
		b.WriteByte(c.Letter())
	}
	return b.String()
}

// genesOf are the genes of transcripts on one sequence.
func genesOf(t testing.TB, s *dna.Sequence, transcripts ...annotation.Transcript) []*Gene {
	t.Helper()
	set, err := annotation.NewSet(transcripts)
	if err != nil {
		t.Fatal(err)
	}
	genes, _, err := Genes(set, func(contig string) *dna.Sequence {
		if contig != "1" {
			return nil
		}
		return s
	})
	if err != nil {
		t.Fatal(err)
	}
	return genes
}

// The exons of this gene are in upper case. Its second intron ends in AC, as those of the minor spliceosome may.
const (
	letters = "ttgtACAGgtaagtcagTTAGCCatatccacGGAGGTaattagtt"
	labels  = ".......Dn..n.n.n.A.n.nD........A..nn........."
)

func exons(spans ...int) (all []dna.Span) {
	for i := 0; i < len(spans); i += 2 {
		all = append(all, dna.Span{Start: spans[i], End: spans[i+1]})
	}
	return all
}

// Both strands give one gene: that of its sense strand.
func TestLabelsAreThoseOfTheSenseStrand(t *testing.T) {
	n := len(letters)
	forward := annotation.Transcript{Gene: "g", Contig: "1", Span: dna.Span{Start: 4, End: 38}, Exons: exons(4, 8, 17, 23, 31, 38)}
	reverse := forward
	reverse.Reverse, reverse.Span, reverse.Exons = true, dna.Span{Start: n - 38, End: n - 4}, exons(n-38, n-31, n-23, n-17, n-8, n-4)
	for name, g := range map[string]*Gene{
		"forward": genesOf(t, sequenceOf(t, letters), forward)[0],
		"reverse": genesOf(t, sequenceOf(t, reversed(t, letters)), reverse)[0],
	} {
		if !slices.Equal(g.Donors, []int{3, 18}) || !slices.Equal(g.Acceptors, []int{13, 27}) {
			t.Errorf("%s: donors %v, acceptors %v", name, g.Donors, g.Acceptors)
		}
		tokens := make([]int32, n)
		g.Tokens(tokens, -4)
		if got := text(tokens); got != strings.ToUpper(letters) {
			t.Errorf("%s: found %s", name, got)
		}
		targets := make([]int32, n)
		g.Targets(targets, -4)
		if got := drawn(targets); got != labels {
			t.Errorf("%s: found\n%s, want\n%s", name, got, labels)
		}
	}
}

// drawn is a letter for each target.
func drawn(targets []int32) string {
	var b strings.Builder
	for _, class := range targets {
		b.WriteByte(".nAD"[class+1])
	}
	return b.String()
}

func text(tokens []int32) string {
	var b strings.Builder
	for _, token := range tokens {
		b.WriteByte(dna.Base(token).Letter())
	}
	return b.String()
}
