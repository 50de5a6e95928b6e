package genbank

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
)

const small = `LOCUS       TEST_1                    25 bp    DNA     circular BCT 12-NOV-2004
DEFINITION  A small record
            of two lines.
ACCESSION   TEST_1
VERSION     TEST_1.2  GI:1
FEATURES             Location/Qualifiers
     source          1..25
                     /organism="Nobody"
     gene            complement(<3..8)
                     /gene="abc"
                     /pseudo
     CDS             complement(join(3..8,
                     10..>12))
                     /gene="abc"
                     /codon_start=1
                     /product="something ""quoted""
                     over two lines"
     misc_feature    5^6
     gene            join(24..25,1..4)
ORIGIN      
        1 acgtacgtac gtnacgtacg
       21 ACGTA
//
`

func readOne(text string) (*Record, error) {
	r, err := NewReader(strings.NewReader(text), "test.gb")
	if err != nil {
		return nil, err
	}
	return r.Next()
}

func TestReader(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	fmt.Fprint(z, small)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"plain": small, "CRLF": strings.ReplaceAll(small, "\n", "\r\n"), "gzip": packed.String(),
		"release": "GBVRL1.SEQ   Genetic Sequence Data Bank\n\n   1 loci\n\n" + small,
	} {
		record, err := readOne(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if record.Definition != "A small record of two lines." || record.Version != "TEST_1.2" || !record.Circular {
			t.Errorf("%s: the header was read as %+v", name, record)
		}
		if got := record.Sequence.String(0, 25); got != "ACGTACGTACGTNACGTACGACGTA" {
			t.Errorf("%s: the bases are %s", name, got)
		}
		checkFeatures(t, record.Features)
	}
}

func checkFeatures(t *testing.T, features []Feature) {
	t.Helper()
	if len(features) != 5 {
		t.Fatalf("found %d features, want 5", len(features))
	}
	gene, cds := features[1], features[2]
	if !slices.Equal(gene.Location.Spans, []Span{{2, 8, true}}) || gene.Get("gene") != "abc" {
		t.Errorf("the gene is %+v", gene)
	}
	if !slices.Equal(cds.Location.Spans, []Span{{9, 12, true}, {2, 8, true}}) ||
		cds.Get("product") != `something "quoted" over two lines` || cds.Get("codon_start") != "1" {
		t.Errorf("the CDS is %+v", cds)
	}
	if f := features[3]; f.Location.Spans != nil || f.Location.Text != "5^6" {
		t.Errorf("%s %s has spans %v, want none", f.Key, f.Location.Text, f.Location.Spans)
	}
	if f := features[4]; !slices.Equal(f.Location.Spans, []Span{{23, 25, false}, {0, 4, false}}) {
		t.Errorf("%s %s has spans %v", f.Key, f.Location.Text, f.Location.Spans)
	}
}

// The forms of the INSDC feature table definition, section 3.4, and what other programs write.
func TestLocations(t *testing.T) {
	one := func(start, end int) []Span { return []Span{{start, end, false}} }
	tests := []struct {
		text   string
		circle bool
		want   Location
	}{
		{text: "7", want: Location{Spans: one(6, 7)}},
		{text: "3..9", want: Location{Spans: one(2, 9)}},
		{text: "<3..>9", want: Location{Spans: one(2, 9)}},
		{text: "complement(3..>9)", want: Location{Spans: []Span{{2, 9, true}}}},
		{text: "join(1..4,4..9)", want: Location{Spans: []Span{{0, 4, false}, {3, 9, false}}}},
		{text: "order(1..4,8..9)", want: Location{Spans: []Span{{0, 4, false}, {7, 9, false}}}},
		{text: "join(8..9,1..4)", want: Location{Spans: []Span{{7, 9, false}, {0, 4, false}}}},
		{text: "complement(join(1..4,8..9))", want: Location{Spans: []Span{{7, 9, true}, {0, 4, true}}}},
		{text: "join(complement(8..9),complement(1..4))", want: Location{Spans: []Span{{7, 9, true}, {0, 4, true}}}},
		{text: "join(complement(1..4),8..9)", want: Location{Spans: []Span{{0, 4, true}, {7, 9, false}}}},
		{text: "complement(join(complement(1..4),8..9))", want: Location{Spans: []Span{{7, 9, true}, {0, 4, false}}}},
		{text: "98..3", circle: true, want: Location{Spans: []Span{{97, 100, false}, {0, 3, false}}}},
		{text: "complement(98..3)", circle: true, want: Location{Spans: []Span{{0, 3, true}, {97, 100, true}}}},
		{text: "5^6"},
		{text: "100^1", circle: true},
		{text: "J00194.1:100..202", want: Location{Remote: []string{"J00194.1"}}},
		{text: "join(complement(J00194.1:(1.3)..9),3..9)", want: Location{Spans: one(2, 9), Remote: []string{"J00194.1"}}},
		{text: "one-of(3,6)..9", want: Location{Spans: one(2, 9), Vague: true}},
		{text: "3..one-of(7,9)", want: Location{Spans: one(2, 9), Vague: true}},
		{text: "join(1..2,one-of(3,6)..9)", want: Location{Spans: []Span{{0, 2, false}, {2, 9, false}}, Vague: true}},
		{text: "one-of(3..4,7..9)", want: Location{Spans: one(2, 9), Vague: true}},
		{text: "(3.5)..9", want: Location{Spans: one(2, 9), Vague: true}},
		{text: "(3.9)", want: Location{Spans: one(2, 9), Vague: true}},
		{text: "3.9", want: Location{Spans: one(2, 9), Vague: true}},
		{text: ">3..9", want: Location{Spans: one(2, 9), Vague: true}},
		{text: ">9", want: Location{Spans: one(8, 9), Vague: true}},
		{text: "9..3", want: Location{Spans: one(2, 9), Vague: true}},
		{text: "bond(AB_4.7:3,9)", want: Location{Spans: one(2, 9), Vague: true}},
		{text: "join(3..4,,9)", want: Location{Spans: one(2, 9), Vague: true}},
		{text: strings.Repeat("complement(", 100) + "3..9" + strings.Repeat(")", 100), want: Location{Spans: one(2, 9), Vague: true}},
	}
	for _, test := range tests {
		test.want.Text = test.text
		got := parseLocation(test.text, 100, test.circle)
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s (circular %v): got %+v, want %+v", test.text, test.circle, got, test.want)
		}
	}
}

func TestBlankLinesArePassedOver(t *testing.T) {
	record, err := readOne(strings.ReplaceAll(small, "\n", "\n   \n\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(record.Features) != 5 || record.Sequence.Len() != 25 {
		t.Errorf("found %d features and %d bases, want 5 and 25", len(record.Features), record.Sequence.Len())
	}
}

// The position column is full from base 100,000,000 on. The reader compares it with the bases before it.
func TestFullPositionColumn(t *testing.T) {
	r := &Reader{lines: bufio.NewScanner(strings.NewReader("        1 acgt\n100000021 acgt\n"))}
	err := r.origin(&Record{})
	if err == nil || !strings.Contains(err.Error(), `line 2: found the position "100000021" before the bases, expected 5`) {
		t.Errorf("a line without a blank before its position gives %v, want it read as bases", err)
	}
}

func TestReaderOfTwoRecords(t *testing.T) {
	r, err := NewReader(strings.NewReader(small+"\n"+small), "test.gb")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after the last record: %v, want io.EOF", err)
	}
}

func TestReaderNamesWhatIsWrong(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", "", "empty"},
		{"FASTA", ">a\nACGT\n", "line 1: found \">a\""},
		{"length", strings.Replace(small, "25 bp", "26 bp", 1), "25 bases, but its LOCUS line says 26"},
		{"no length", strings.Replace(small, "25 bp", "many bp", 1), `length "many"`},
		{"cut off", small[:len(small)-3], "line 22: the file ends within record TEST_1"},
		{"missing line", strings.Replace(small, "        1 acgtacgtac gtnacgtacg\n", "", 1), "position \"21\""},
		{"letter", strings.Replace(small, "ACGTA\n", "AC!TA\n", 1), "line 22: found '!'"},
		{"location", strings.Replace(small, "1..25\n", "1-25\n", 1), "source (line 7) has the location \"1-25\""},
		{"brackets", strings.Replace(small, "complement(<3..8)", "complement(<3..8", 1), "location \"complement(<3..8\""},
		{"outside", strings.Replace(small, "1..25\n", "1..99\n", 1), "source (line 7) ends at base 99, but the record has 25"},
		{"columns", strings.Replace(small, "     gene  ", "   gene  ", 1), "line 9: found \"   gene"},
		{"no bases", small[:strings.Index(small, "ORIGIN")] + "//\n", "no ORIGIN"},
		{"CON record", strings.Replace(small, "ORIGIN      \n", "CONTIG      join(AB1.1:1..25)\n//\n", 1),
			"TEST_1 has no bases: it has no ORIGIN"},
		{"protein", strings.Replace(small, "25 bp", "25 aa", 1), "TEST_1 is a protein (25 aa)"},
		{"master record", strings.Replace(small, "25 bp", "25 rc", 1), "TEST_1 has no bases: it is the master of 25 records"},
		{"only a header", "GBVRL1.SEQ   Genetic Sequence Data Bank\n\n", "line 2: found \"\"; expected a line such as \"LOCUS"},
		{"only blank lines", "\n \n", "the file is empty"},
		{"carriage returns", strings.ReplaceAll(small, "\n", "\r"), "line 1: found a carriage return within the line"},
		{"long line", strings.Replace(small, "ACCESSION", strings.Repeat("a", 1<<20+1), 1), "line 3: the next line is longer than 1048576 bytes"},
		{"stray feature", strings.Replace(small, "     misc_feature", "COMMENT\n     misc_feature", 1), "line 19: found the feature"},
		{"end of the record", strings.Replace(small, "24..25,1..4", "24..26", 1), "gene (line 19) ends at base 26, but the record has 25"},
	}
	for _, test := range tests {
		if _, err := readOne(test.text); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got the error %v, want one that says %q", test.name, err, test.want)
		}
	}
	broken := errors.New("the disk is gone")
	r, err := NewReader(io.MultiReader(strings.NewReader(small[:300]), iotest.ErrReader(broken)), "test.gb")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); !errors.Is(err, broken) {
		t.Errorf("an error of the disk gives %v", err)
	}
}

// FuzzReader checks that no input makes the reader panic, and that the spans of features lie within the record.
func FuzzReader(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(strings.Replace(small, "join(3..8,", "join(complement(9..12),", 1)))
	f.Add([]byte(strings.Replace(small, "5^6", "one-of(3,(4.6))..7", 1)))
	f.Add([]byte(strings.Replace(small, "5^6", "join(J00194.1:1..9,20..3)", 1)))
	f.Add([]byte(strings.Replace(small, "\n", "\n \r\n", 9)))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := NewReader(bytes.NewReader(text), "fuzz.gb")
		if err != nil {
			return
		}
		for {
			record, err := r.Next()
			if err != nil {
				return
			}
			for _, feature := range record.Features {
				for _, s := range feature.Location.Spans {
					if s.Start < 0 || s.End <= s.Start || s.End > record.Sequence.Len() {
						t.Fatalf("%s %s has the spans %v", feature.Key, feature.Location.Text, feature.Location.Spans)
					}
				}
			}
		}
	})
}
