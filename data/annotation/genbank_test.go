package annotation

import (
	"fmt"
	"strings"
	"testing"
)

func record(features ...string) string {
	var b strings.Builder
	b.WriteString("LOCUS       X 60 bp DNA circular\nVERSION     X.1\nFEATURES             Location/Qualifiers\n")
	for _, f := range features {
		key, rest, _ := strings.Cut(f, " ")
		location, qualifiers, _ := strings.Cut(rest, " ")
		fmt.Fprintf(&b, "     %-16s%s\n", key, location)
		for q := range strings.FieldsSeq(qualifiers) {
			fmt.Fprintf(&b, "%21s/%s\n", "", q)
		}
	}
	fmt.Fprintf(&b, "ORIGIN\n        1 %s\n//\n", strings.Repeat("acgtacgtac ", 6))
	return b.String()
}

func TestGenBank(t *testing.T) {
	s, err := read(record(
		`gene 1..30 gene="a"`,
		`mRNA join(1..9,20..30) gene="a"`,
		`CDS join(3..9,20..24) gene="a" locus_tag="L1" protein_id="P.1"`,
		`tRNA complement(join(31..33,35..38)) locus_tag="L2"`,
		`CDS join(40..45,45..50) gene="slips"`,
		`CDS join(58..60,1..3) gene="origin"`,
		`CDS complement(join(58..60,1..3)) gene="back"`,
		`CDS join(1..3,complement(5..7)) gene="trans"`,
		`CDS 5..7 gene="dead" pseudo`,
		`CDS one-of(5,6)..9 gene="vague"`,
		`misc_feature 1..2`,
	))
	if err != nil {
		t.Fatal(err)
	}
	want := `a||X.1+{2 24}|[{2 9} {19 24}]|[{2 9} {19 24}]
L2||X.1-{30 38}|[{30 33} {34 38}]|[]
slips||X.1+{39 50}|[{39 50}]|[{39 50}]`
	if got := texts(s.Transcripts); got != want || s.Format != "GenBank" {
		t.Errorf("%s:\n%s\nwant\n%s", s.Format, got, want)
	}
	for i, want := range []string{`origin of a circle: 3; the first is "origin"`, `pseudogenes: 1; the first is "dead"`,
		`without exact ends, or with parts in other records: 1; the first is "vague"`, "not used: mRNA (1)"} {
		if i >= len(s.Notes) || !strings.Contains(s.Notes[i], want) {
			t.Errorf("notes %q do not say %q", s.Notes, want)
		}
	}
	if _, err := read(record("gene 1..30")); err == nil || !strings.Contains(err.Error(), "the GenBank file has no transcript with exons") {
		t.Errorf("a file of genes alone: %v", err)
	}
	if _, err := read("LOCUS       X 60 bp DNA\n"); err == nil || !strings.Contains(err.Error(), "genbank: test: line 1") {
		t.Errorf("a file that was cut off: %v", err)
	}
}

func FuzzGenBank(f *testing.F) {
	f.Add([]byte(record(`CDS join(3..9,20..24) gene="a"`, `tRNA complement(join(31..33,35..38))`, `CDS join(58..60,1..3)`)))
	f.Fuzz(func(t *testing.T, data []byte) { holds(t, data) })
}
