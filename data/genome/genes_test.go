package genome

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/genbank"
)

// recordOf is a record of 100 bases with a feature table, in which "|" stands before a qualifier:
// "gene 3..9|gene="a"|pseudo".
func recordOf(t testing.TB, circular bool, features ...string) *genbank.Record {
	t.Helper()
	shape := "linear"
	if circular {
		shape = "circular"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "LOCUS       X                        100 bp    DNA     %s BCT 01-JAN-2020\n", shape)
	b.WriteString("FEATURES             Location/Qualifiers\n")
	for _, f := range append([]string{`source 1..100|organism="Test"`}, features...) {
		parts := strings.Split(f, "|")
		key, location, _ := strings.Cut(parts[0], " ")
		fmt.Fprintf(&b, "     %-16s%s\n", key, location)
		for _, q := range parts[1:] {
			fmt.Fprintf(&b, "                     /%s\n", q)
		}
	}
	b.WriteString("ORIGIN\n        1 acgtacgtac gtacgtacgt acgtacgtac gtacgtacgt acgtacgtac gtacgtacgt\n" +
		"       61 acgtacgtac gtacgtacgt acgtacgtac gtacgtacgt\n//\n")
	r, err := genbank.NewReader(strings.NewReader(b.String()), "x.gb")
	if err != nil {
		t.Fatal(err)
	}
	record, err := r.Next()
	if err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	return record
}

// runsOf writes tags as "forward:1-9 RNA:20-30", positions from 1, without what is between genes.
func runsOf(tags []int32) string {
	names := map[int32]string{data.Ignore: "ignored", TagForward: "forward", TagReverse: "reverse", TagRNA: "RNA"}
	var runs []string
	for i := 0; i < len(tags); {
		end := i
		for end < len(tags) && tags[end] == tags[i] {
			end++
		}
		if tags[i] != TagBetween {
			runs = append(runs, fmt.Sprintf("%s:%d-%d", names[tags[i]], i+1, end))
		}
		i = end
	}
	return strings.Join(runs, " ")
}

// Each case is a form that real records have. The tags are those of the forward strand.
func TestTagsOfGenBank(t *testing.T) {
	tests := []struct {
		name     string
		features []string
		want     string
		note     string // part of the only note; none where empty
		circular bool
	}{
		{name: "locus tags", want: "forward:3-20 reverse:31-60 RNA:71-80", features: []string{
			`gene 3..20|locus_tag="T1"`, `CDS 3..20|locus_tag="T1"`, `gene complement(31..60)|locus_tag="T2"`,
			`CDS complement(31..60)|locus_tag="T2"`, `gene 71..80|locus_tag="T3"`, `tRNA 71..80|locus_tag="T3"`}},
		{name: "gene names only", want: "forward:3-20 RNA:71-80", features: []string{
			`gene 3..20|gene="a"`, `CDS 3..20|gene="a"`, `gene 71..80|gene="b"`, `rRNA 71..80|gene="b"`}},
		{name: "no names", want: "forward:3-20 reverse:31-60", features: []string{
			`gene 3..20`, `CDS 3..20|product="p"`, `CDS complement(31..60)|product="q"`, `gene complement(31..60)`}},
		{name: "products only", want: "forward:3-20 reverse:31-60 RNA:71-80", features: []string{
			`tmRNA 71..80|gene="ssrA"`, `CDS complement(31..60)|gene="b"`, `CDS 3..20`}},
		{name: "every kind of RNA", want: "RNA:1-9 RNA:11-19 RNA:21-29 RNA:31-39 RNA:41-49 RNA:51-59 RNA:61-69 RNA:71-79",
			features: []string{`tRNA 1..9`, `rRNA 11..19`, `ncRNA complement(21..29)|ncRNA_class="antisense_RNA"`, `tmRNA 31..39`, `misc_RNA 41..49`,
				`snRNA 51..59`, `snoRNA 61..69`, `precursor_RNA 71..79`}},
		{name: "later features of the locus", want: "forward:3-20 reverse:31-60", features: []string{
			`gene 3..20|locus_tag="T1"`, `CDS 3..20|locus_tag="T1"`, `mat_peptide 6..17|locus_tag="T1"|product="m"`,
			`gene complement(31..60)|locus_tag="T2"`, `CDS complement(31..60)|locus_tag="T2"`, `sig_peptide complement(52..60)|locus_tag="T2"`,
			`misc_feature complement(40..50)|locus_tag="T2"`, `variation 33|locus_tag="T2"`}},
		{name: "peptides of a polyprotein", want: "forward:1-90", features: []string{
			`gene 1..90|gene="gag-pol"`, `CDS 1..90|gene="gag-pol"`, `mat_peptide 1..30|product="p17"`, `mat_peptide 31..90|gene="pol"`}},
		{name: "peptide without a CDS", want: "ignored:4-30", note: `line 6: mat_peptide pol, 4..30: it has no CDS and no RNA; 27 of`,
			features: []string{`misc_feature 1..3`, `mat_peptide 4..30|gene="pol"`}},
		{name: "exons", want: "forward:21-30 forward:61-70", features: []string{
			`gene 11..80|locus_tag="E"`, `mRNA join(11..30,61..80)|locus_tag="E"`, `exon 11..30|locus_tag="E"`, `intron 31..60`,
			`5'UTR 11..20`, `CDS join(21..30,61..70)|locus_tag="E"`, `3'UTR 71..80`, `polyA_site 80`}},
		{name: "splice variants", want: "reverse:21-30 reverse:61-75", features: []string{
			`gene complement(11..80)|gene="E"`, `CDS complement(join(21..30,61..70))|gene="E"`, `CDS complement(join(21..30,66..75))|gene="E"`,
			`misc_RNA complement(join(11..40,61..80))|gene="E"`, `ncRNA 41..45|gene="E"|ncRNA_class="lncRNA"`}},
		{name: "gene in an intron", want: "forward:1-9 RNA:41-49 forward:91-99", features: []string{
			`gene 1..99|gene="host"`, `CDS join(1..9,91..99)|gene="host"`, `gene 41..49|gene="sno"`, `snoRNA 41..49|gene="sno"`}},
		{name: "spliced tRNA around a gene", want: "RNA:1-9 forward:30-60 RNA:91-99", features: []string{
			`gene 1..99|gene="trnK"`, `tRNA join(1..9,91..99)|gene="trnK"`, `gene 30..60|gene="matK"`, `CDS 30..60|gene="matK"`}},
		{name: "tmRNA with the CDS of its peptide", want: "RNA:1-90", features: []string{
			`gene 1..90|gene="ssrA"`, `tmRNA 1..90|gene="ssrA"`, `CDS 31..60|gene="ssrA"`}},
		{name: "ribosomal slippage", want: "forward:1-10 forward:12-40", features: []string{
			`gene 1..40|gene="prfB"`, `CDS join(1..10,12..40)|gene="prfB"|ribosomal_slippage`}},
		{name: "slippage back", want: "forward:1-40", features: []string{`gene 1..40|gene="g"`, `CDS join(1..10,10..40)|gene="g"`}},
		{name: "trans-splicing on both strands", want: "reverse:11-20 forward:71-90", features: []string{
			`gene join(complement(11..20),71..90)|gene="rps12"|trans_splicing`,
			`CDS join(complement(11..20),71..80,81..90)|gene="rps12"|trans_splicing`}},
		{name: "exons out of order", want: "forward:11-20 forward:71-90", features: []string{
			`gene join(71..90,11..20)|gene="nad1"`, `CDS join(71..90,11..20)|gene="nad1"|trans_splicing`}},
		{name: "order", want: "forward:11-20 forward:71-90", features: []string{`CDS order(11..20,71..90)|gene="g"`}},
		{name: "partial ends", want: "reverse:1-20 forward:71-100", features: []string{
			`gene complement(<1..>20)|gene="g"`, `CDS complement(<1..20)|gene="g"`, `CDS 71..>100`}},
		{name: "across the origin", circular: true, want: "forward:1-9 forward:91-100", features: []string{
			`gene join(91..100,1..9)|locus_tag="T"`, `CDS join(91..100,1..9)|locus_tag="T"`}},
		{name: "across the origin, reverse", circular: true, want: "reverse:1-9 reverse:91-100", features: []string{
			`gene complement(join(91..100,1..9))|locus_tag="T"`, `CDS complement(join(91..100,1..9))|locus_tag="T"`}},
		{name: "across the origin, join of complements", circular: true, want: "reverse:1-9 reverse:91-100", features: []string{
			`gene join(complement(1..9),complement(91..100))|locus_tag="T"`, `CDS join(complement(1..9),complement(91..100))|locus_tag="T"`}},
		{name: "across the origin, as one range", circular: true, want: "forward:1-9 forward:91-100", features: []string{
			`gene 91..9|locus_tag="T"`, `CDS 91..9|locus_tag="T"`}},
		{name: "backward range of a line", want: "ignored:9-91", note: "CDS T, 91..9: its ends are not exact; 83 of", features: []string{
			`gene 91..9|locus_tag="T"`, `CDS 91..9|locus_tag="T"`}},
		{name: "one-of", want: "ignored:11-60", note: "CDS a, one-of(11,14)..60: its ends are not exact; 50 of its bases", features: []string{
			`gene one-of(11,14)..60|gene="a"`, `CDS one-of(11,14)..60|gene="a"`}},
		{name: "one-of elsewhere", want: "forward:11-60", features: []string{
			`gene 11..60|gene="a"`, `CDS 11..60|gene="a"`, `mRNA one-of(1,4)..70|gene="a"`, `misc_feature one-of(70,75)..80`}},
		{name: "inexact base", want: "ignored:11-60", note: "CDS, (11.14)..60: its ends are not exact", features: []string{`CDS (11.14)..60`}},
		{name: "inexact over exact", want: "ignored:11-30 forward:31-50 ignored:51-60", note: "30 of its bases are not scored",
			features: []string{`CDS (11.14)..60|gene="a"`, `CDS 31..50|gene="b"`}},
		{name: "unknown form", want: "ignored:11-60", note: "its ends are not exact; 50 of", features: []string{`CDS bond(11,60)`}},
		{name: "parts in another record", want: "forward:11-60",
			note:     "CDS a, join(J00194.1:100..202,11..60): its parts in J00194.1 are left out",
			features: []string{`gene 11..60|gene="a"`, `CDS join(J00194.1:100..202,11..60)|gene="a"`}},
		{name: "all in another record", want: "", note: "CDS a, J00194.1:100..202: its parts in J00194.1 are left out", features: []string{
			`CDS J00194.1:100..202|gene="a"`}},
		{name: "no genes", want: "ignored:1-100", note: "record X has no CDS and no RNA; its 100 bases are not scored",
			features: []string{`exon 3..9`}},
		{name: "between bases", want: "", note: "CDS, 5^6: it has no bases, and is left out", features: []string{`CDS 5^6`, `misc_feature 7^8`}},
		{name: "pseudo", want: "ignored:11-60", features: []string{`gene 11..60|gene="a"|pseudo`}},
		{name: "pseudo product", want: "ignored:11-60", features: []string{`gene 11..60|gene="a"`, `CDS join(11..20,41..60)|gene="a"|pseudo`}},
		{name: "pseudogene qualifier", want: "ignored:11-60", features: []string{
			`gene 11..60|gene="a"|pseudogene="unprocessed"`, `CDS 11..60|gene="a"|pseudogene="unprocessed"`}},
		{name: "pseudo CDS alone", want: "ignored:11-20 ignored:41-60", features: []string{`CDS join(11..20,41..60)|pseudo`}},
		{name: "pseudo RNA", want: "ignored:11-60", features: []string{
			`gene 11..60|locus_tag="a"`, `tRNA 11..60|locus_tag="a"|pseudogene="unknown"`}},
		{name: "gene without product", want: "ignored:11-60",
			note:     "line 6: gene a T_1, 11..60: it has no CDS and no RNA; 50 of its bases are not scored",
			features: []string{`misc_feature 1..3`, `gene 11..60|gene="a"|locus_tag="T_1"`}},
		{name: "mRNA without CDS", want: "ignored:11-20 ignored:41-60", note: "mRNA a, join(11..20,41..60): it has no CDS and no RNA; 30 of",
			features: []string{`mRNA join(11..20,41..60)|gene="a"`}},
		{name: "unknown under a known gene", want: "forward:1-30 ignored:31-40", note: "10 of its bases are not scored", features: []string{
			`gene 20..40|gene="b"`, `gene 1..30|gene="a"`, `CDS 1..30|gene="a"`}},
		{name: "names twice", want: "forward:1-10 ignored:31-40 forward:61-70", note: "gene trnL, 31..40: it has no CDS", features: []string{
			`gene 1..10|gene="trnL"`, `CDS 1..10|gene="trnL"`, `gene 31..40|gene="trnL"`, `gene 61..70|gene="trnL"`, `CDS 61..70|gene="trnL"`}},
		{name: "gaps", want: "forward:1-10", features: []string{`CDS 1..10`, `gap 20..30|estimated_length=unknown`, `assembly_gap 40..50`}},
		{name: "genes that overlap", want: "reverse:1-20 forward:21-40", features: []string{
			`CDS 11..40|gene="b"`, `CDS complement(1..20)|gene="a"`}},
	}
	for _, test := range tests {
		genes, notes := GenesOf(recordOf(t, test.circular, test.features...))
		tags := make([]int32, 100)
		NewAnnotation(genes).Tags(tags, dna.Span{Start: 0, End: 100}, dna.Forward)
		if got := runsOf(tags); got != test.want {
			t.Errorf("%s: the tags are %q, want %q", test.name, got, test.want)
		}
		if test.note == "" && len(notes) > 0 || test.note != "" && (len(notes) != 1 || !strings.Contains(notes[0], test.note)) {
			t.Errorf("%s: the notes are %q, want %q", test.name, notes, test.note)
		}
	}
}

func TestGenesOfGenBank(t *testing.T) {
	genes, _ := GenesOf(recordOf(t, true, `gene complement(11..20)|gene="b"|locus_tag="t2"`,
		"CDS complement(11..20)|locus_tag=\"t2\"|product=\"a\tproduct\"",
		`gene 3..9|gene="a"|locus_tag="t1"|pseudo`, `tRNA 3..9|locus_tag="t1"|product="tRNA-Leu"`,
		`gene join(95..100,1..2)|gene="c"|locus_tag="t3"`, `CDS join(95..100,1..2)|product="p"`))
	want := []Gene{{0, 2, false, "c", "t3", "CDS", "p"}, {2, 9, false, "a", "t1", "pseudo", "tRNA-Leu"},
		{10, 20, true, "b", "t2", "CDS", "a\tproduct"}, {94, 100, false, "c", "t3", "CDS", "p"}}
	if diff := cmp.Diff(want, genes); diff != "" {
		t.Errorf("genes (-want +got):\n%s", diff)
	}
	var table strings.Builder
	if err := WriteGenes(&table, genes); err != nil {
		t.Fatal(err)
	}
	again, err := ReadGenes(strings.NewReader(table.String()), "table", 100)
	want[2].Product = "a product"
	if diff := cmp.Diff(want, again); diff != "" || err != nil {
		t.Errorf("written and read again: %v (-want +got):\n%s", err, diff)
	}
}

// FuzzGenesOf checks that no record makes GenesOf panic, that its rows are sorted and within the record, and that
// the other strand has the same tags.
func FuzzGenesOf(f *testing.F) {
	f.Add("gene", `3..9|gene="a"`, "CDS", `join(3..5,7..9)|gene="a"`)
	f.Add("tRNA", `complement(one-of(3,5)..9)|pseudo`, "CDS", `98..3`)
	f.Fuzz(func(t *testing.T, key, feature, key2, feature2 string) {
		var text strings.Builder
		text.WriteString("LOCUS X 100 bp DNA circular\nFEATURES\n")
		for _, f := range [][2]string{{key, feature}, {key2, feature2}, {"gene", feature2}} {
			fmt.Fprintf(&text, "     %-15.15s %s\n", f[0], strings.ReplaceAll(f[1], "|", "\n                     /"))
		}
		text.WriteString("ORIGIN\n1 " + strings.Repeat("a", 100) + "\n//\n")
		r, err := genbank.NewReader(strings.NewReader(text.String()), "fuzz.gb")
		if err != nil {
			return
		}
		record, err := r.Next()
		if err != nil {
			return
		}
		genes, _ := GenesOf(record)
		at, n := 0, record.Sequence.Len()
		for _, g := range genes {
			if g.Start < at || g.End <= g.Start || g.End > n {
				t.Fatalf("the rows are %+v", genes)
			}
			at = g.Start
		}
		forward, reverse := make([]int32, n), make([]int32, n)
		a := NewAnnotation(genes)
		a.Tags(forward, dna.Span{Start: 0, End: n}, dna.Forward)
		a.Tags(reverse, dna.Span{Start: 0, End: n}, dna.Reverse)
		slices.Reverse(reverse)
		for i, tag := range reverse {
			if tag == TagForward || tag == TagReverse {
				tag = TagForward + TagReverse - tag
			}
			if tag != forward[i] {
				t.Fatalf("base %d has the tags %d and %d", i, forward[i], reverse[i])
			}
		}
	})
}
