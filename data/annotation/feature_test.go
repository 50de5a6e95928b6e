package annotation

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rowsOf writes rows of nine columns: "type start end strand attributes", on chr1, or on the contig before a colon.
func rowsOf(lines ...string) string {
	var b strings.Builder
	for _, line := range lines {
		f := strings.SplitN(line, " ", 5)
		contig, kind, ok := strings.Cut(f[0], ":")
		if !ok {
			contig, kind = "chr1", f[0]
		}
		phase := "."
		if kind == "CDS" {
			phase = "0"
		}
		fmt.Fprintf(&b, "%s\ttest\t%s\t%s\t%s\t.\t%s\t%s\t%s\n", contig, kind, f[1], f[2], f[3], phase, f[4])
	}
	return b.String()
}

func TestGTFTraps(t *testing.T) {
	const a, b = `gene_id "A"; transcript_id "T";`, `gene_id "B"; transcript_id "T";`
	for _, test := range []struct{ name, text, want, notes string }{
		{"the same transcript_id in two genes", rowsOf("exon 1 9 + "+a, "exon 21 29 - "+b, "exon 31 39 - "+b),
			"A|T|chr1+{0 9}|[{0 9}]|[]\nB|T|chr1-{20 39}|[{20 29} {30 39}]|[]", ""},
		{"a stop codon over an intron", rowsOf("exon 1 9 + "+a, "exon 21 29 + "+a, "CDS 1 8 + "+a, "stop_codon 9 9 + "+a,
			"stop_codon 21 22 + "+a),
			"A|T|chr1+{0 29}|[{0 9} {20 29}]|[{0 9} {20 22}]", ""},
		{"a stop codon within the CDS", rowsOf("exon 1 9 - "+a, "CDS 1 9 - "+a, "stop_codon 1 3 - "+a), "A|T|chr1-{0 9}|[{0 9}]|[{0 9}]", ""},
		{"a pseudo-autosomal copy", rowsOf("X:transcript 1 29 + "+a, "X:exon 1 9 + "+a, "X:exon 21 29 + "+a, "Y:transcript 1 19 + "+a,
			"Y:exon 1 19 + "+a),
			"A|T|X+{0 29}|[{0 9} {20 29}]|[]\nA|T|Y+{0 19}|[{0 19}]|[]", ""},
		{"copies on a contig", rowsOf("transcript 1 9 + "+a, "exon 1 9 + "+a, "transcript 21 29 + "+a, "exon 21 29 + "+a),
			"A|T|chr1+{0 9}|[{0 9}]|[]\nA|T|chr1+{20 29}|[{20 29}]|[]", ""},
		{"exons on both strands", rowsOf("exon 1 9 + "+a, "exon 21 29 - "+a, "exon 1 9 + "+b), "B|T|chr1+{0 9}|[{0 9}]|[]",
			"left out: transcripts that are trans-spliced, have exons on both strands, or reach over the origin of a circle: 1; " +
				`the first is "T" (line 1)`},
		{"an exon on the other strand than its transcript", rowsOf("transcript 1 29 + "+a, "exon 1 9 + "+a, "exon 21 29 - "+a, "exon 1 9 + "+b),
			"B|T|chr1+{0 9}|[{0 9}]|[]", `left out: transcripts that are trans-spliced`},
		{"no strand", rowsOf("exon 1 9 . "+a, "exon 1 9 + "+b), "B|T|chr1+{0 9}|[{0 9}]|[]",
			`left out: transcripts without a strand: 1; the first is "T" (line 1)`},
		{"a gene alone", rowsOf(`gene 1 9 + gene_id "G"; transcript_id ""; gene "S"`, "exon 1 9 + "+b), "B|T|chr1+{0 9}|[{0 9}]|[]",
			`left out: genes without a transcript: 1; the first is "S" (line 1)`},
		{"no exons", rowsOf("CDS 1 9 + "+a, "5UTR 10 12 + "+a, "CDS 21 29 + "+a), "A|T|chr1+{0 29}|[{0 12} {20 29}]|[{0 9} {20 29}]",
			`coding parts and UTRs are taken for exons, where a transcript has no rows of exons: 1`},
		{"other types", rowsOf("exon 1 9 + "+a, "Selenocysteine 1 3 + "+a, "tss 1 1 + "+a, "tss 2 2 + "+a), "A|T|chr1+{0 9}|[{0 9}]|[]",
			"rows of other types are not used: tss (2)"},
		{"semicolons and quotes in values", rowsOf(`exon 1 9 + note "a; "b" c"; gene_id "A;1"; transcript_id "T"; level 2; # end`),
			"A;1|T|chr1+{0 9}|[{0 9}]|[]", ""},
		{"values without quotes", rowsOf("exon 1 9 + gene_id A; transcript_id T"), "A|T|chr1+{0 9}|[{0 9}]|[]", ""},
		{"the symbol in another row", rowsOf("exon 1 9 + "+a, `gene 1 9 + gene_id "A"; gene_name "S"`), "S|T|chr1+{0 9}|[{0 9}]|[]", ""},
		{"an older version of GFF", "##gff-version 2\ntrack name=x\n" + rowsOf("exon 1 9 + "+a), "A|T|chr1+{0 9}|[{0 9}]|[]", ""},
	} {
		expect(t, test.name, test.text, test.want, test.notes)
	}
}

// expect reads a text and compares its transcripts, and its first note.
func expect(t *testing.T, name, file, want, note string) {
	t.Helper()
	s, err := read(file)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if got := texts(s.Transcripts); got != want {
		t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
	}
	if got := strings.Join(s.Notes, "\n"); note == "" && got != "" || !strings.HasPrefix(got, note) {
		t.Errorf("%s: notes %q, want %q", name, got, note)
	}
}

func TestGFF3Traps(t *testing.T) {
	const gene, rna = "gene 1 99 + ID=g;Name=G", "mRNA 1 99 + ID=r;Parent=g"
	for _, test := range []struct{ name, text, want, notes string }{
		{"exons of a gene", rowsOf("pseudogene 1 99 + ID=gene-g;gene=G", "exon 1 9 + Parent=gene-g", "exon 21 29 + Parent=gene-g"),
			"G||chr1+{0 99}|[{0 9} {20 29}]|[]", ""},
		{"products of a gene of bacteria", rowsOf(gene, "CDS 1 9 + ID=p;Parent=g", "CDS 5 9 + ID=q;Parent=g"),
			"G||chr1+{0 99}|[{0 9}]|[{0 9}]\nG||chr1+{0 99}|[{4 9}]|[{4 9}]", "coding parts and UTRs are taken for exons"},
		{"a frame that shifts back", rowsOf(gene, "CDS 1 9 + ID=p;Parent=g", "CDS 9 20 + ID=p;Parent=g"),
			"G||chr1+{0 99}|[{0 20}]|[{0 20}]", "coding"},
		{"a CDS without a parent", rowsOf("CDS 1 9 + ID=p;gene=dnaA", "CDS 11 19 + locus_tag=b2"),
			"dnaA||chr1+{0 9}|[{0 9}]|[{0 9}]\nb2||chr1+{10 19}|[{10 19}]|[{10 19}]", "coding"},
		{"four generations", rowsOf(gene, "primary_transcript 1 99 + ID=p;Parent=g", "miRNA 1 9 + ID=m;Parent=p", "exon 1 9 + Parent=m"),
			"G|m|chr1+{0 9}|[{0 9}]|[]", ""},
		{"a transcript of two genes", rowsOf(gene, "gene 1 50 + ID=h", "mRNA 1 9 + ID=r;Parent=g,h", "exon 1 9 + Parent=r"),
			"G|r|chr1+{0 9}|[{0 9}]|[]\nh|r|chr1+{0 9}|[{0 9}]|[]", ""},
		{"a transcript without a gene", rowsOf("tRNA 1 9 + ID=rna-t;gene=TRNP", "exon 1 9 + Parent=rna-t"), "TRNP|t|chr1+{0 9}|[{0 9}]|[]", ""},
		{"escapes", rowsOf("gene 1 9 + ID=a%2Cb;Name=x%3By%25;Note=100%", "mRNA 1 9 + ID=r;Parent=a%2Cb", "exon 1 9 + Parent=r"),
			"x;y%|r|chr1+{0 9}|[{0 9}]|[]", ""},
		{"an escaped contig", rowsOf("chr%31:CDS 1 9 + ID=p"), "p||chr1+{0 9}|[{0 9}]|[{0 9}]", "coding"},
		{"a FASTA section without its line", "##gff-version 3\n" + rowsOf("CDS 1 9 + ID=p") + ">chr1\nACGT\n",
			"p||chr1+{0 9}|[{0 9}]|[{0 9}]", "coding"},
		{"trans-splicing", rowsOf("gene 1 9 + ID=g;part=1;exception=trans-splicing", "gene 21 29 + ID=g;part=2;exception=trans-splicing",
			"CDS 1 9 + ID=p;Parent=g", "CDS 21 29 + ID=p;Parent=g", "CDS 31 39 + ID=x"), "x||chr1+{30 39}|[{30 39}]|[{30 39}]",
			"left out: transcripts that are trans-spliced"},
		{"a gene at two places", rowsOf("X:gene 1 9 + ID=g", "Y:gene 1 9 + ID=g", "X:CDS 1 9 + ID=p;Parent=g", "Y:CDS 4 9 + ID=p;Parent=g"),
			"g||X+{0 9}|[{0 9}]|[{0 9}]\ng||Y+{0 9}|[{3 9}]|[{3 9}]", "coding"},
		{"what has no exons", rowsOf(gene, rna, "gene 1 9 + ID=h", "rRNA 1 9 + ID=s;Parent=h", "exon 1 9 + Parent=s", "exon 1 9 + .",
			"SNV 1 1 + ID=v"),
			"h|s|chr1+{0 9}|[{0 9}]|[]", `left out: transcripts without an exon and a coding part: 1; the first is "r" (line 2)
left out: genes without a transcript: 1; the first is "G" (line 1)
left out: exons, UTRs and stop codons that belong to nothing: 1; the first is "exon" (line 6)
rows of other types are not used: snv (1)`},
	} {
		expect(t, test.name, test.text, test.want, test.notes)
	}
}

func TestFeatureErrorsNameTheLine(t *testing.T) {
	const a = `gene_id "A"; transcript_id "T";`
	good := rowsOf("exon 1 9 + " + a)
	gff := rowsOf("gene 1 9 + ID=g")
	for _, test := range []struct{ name, text, want string }{
		{"columns", good + "chr1\tx\texon\n", "line 2: found 3 columns, expected the 9 of GTF"},
		{"contig", good + rowsOf(":exon 1 9 + "+a), "line 2: found no name in the column of the contig"},
		{"start beyond end", good + rowsOf("exon 9 8 + "+a), "line 2: found the start 9 beyond the end 8"},
		{"from 0", rowsOf("exon 0 9 + " + a), "line 1: found the start 0; positions of GTF count from 1"},
		{"negative", rowsOf("exon -5 9 + " + a), `line 1: found "-5" in the columns of start and end`},
		{"strand", good + rowsOf("exon 1 9 x "+a), `line 2: found the strand "x"`},
		{"phase", strings.Replace(rowsOf("CDS 1 9 + "+a), "\t0\t", "\t3\t", 1), `line 1: found the phase "3" of a CDS`},
		{"no transcript_id", rowsOf(`exon 1 9 + gene_id "A"`), "line 1: found no transcript_id"},
		{"attributes", good + rowsOf("exon 1 9 + uc001aaa"), `line 2: found the attribute "uc001aaa", expected such as gene_id`},
		{"open quote", good + rowsOf(`exon 1 9 + gene_id "A; transcript_id "T`), "line 2: found no closing quote"},
		{"overlap", rowsOf("exon 1 9 + "+a, "exon 21 29 + "+a, "exon 9 12 + "+a), `line 3: "T" of gene "A": the exons 1-9 and 9-12 overlap`},
		{"twice", rowsOf("exon 1 9 + "+a, "exon 1 9 + "+a), `line 2: "T" of gene "A": the exons 1-9 and 1-9 overlap`},
		{"outside", rowsOf("transcript 1 9 + "+a, "exon 1 10 + "+a),
			`line 2: 1-10 of contig chr1 lies outside of its transcript or gene "T" (line 1)`},
		{"other contig", rowsOf("transcript 1 9 + "+a, "exon 1 9 + "+a, "2:exon 1 9 + "+a), `line 3: 1-9 of contig 2 lies outside`},
		{"coding in an intron", rowsOf("exon 1 9 + "+a, "exon 21 29 + "+a, "CDS 12 14 + "+a),
			`line 3: "T" of gene "A": the coding part 12-14 lies outside of the exons`},
		{"transcript twice", rowsOf("transcript 1 9 + "+a, "exon 1 9 + "+a, "transcript 5 12 + "+a),
			`line 3: "T" stands in the same place as at line 1`},
		{"nothing", "##gff-version 3\n" + gff, "the GFF3 file has no transcript with exons; left out: genes without a transcript: 1"},
		{"GFF3 attributes", gff + rowsOf("exon 1 9 + Alias"), `line 2: found the attributes "Alias", expected such as ID=x;Parent=y`},
		{"parent missing", gff + rowsOf("exon 1 9 + Parent=x"), `line 2: the Parent "x" has no row in the file`},
		{"grandparent missing", gff + rowsOf("mRNA 1 9 + ID=r;Parent=x", "exon 1 9 + Parent=r"),
			`line 2: the Parent "x" has no row in the file`},
		{"parent empty", gff + rowsOf("exon 1 9 + Parent="), "line 2: found an empty Parent"},
		{"many parents", gff + rowsOf("exon 1 9 + Parent="+strings.Repeat("g,", 1000)), "line 2: found more than 1000 parents"},
		{"blanks", strings.ReplaceAll(good, "\t", " "), "line 1: found blanks between columns"},
	} {
		_, err := read(test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "annotation: test: ") {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
	// A cycle of parents ends, without a gene.
	expect(t, "cycle", rowsOf("mRNA 1 9 + ID=a;Parent=b", "mRNA 1 9 + ID=b;Parent=a", "exon 1 9 + Parent=a"),
		"a|a|chr1+{0 9}|[{0 9}]|[]", "")
}

func FuzzGTF(f *testing.F)  { fuzz(f, "genes.gtf") }
func FuzzGFF3(f *testing.F) { fuzz(f, "genes.gff3", "genes.refseq.gff3") }

func fuzz(f *testing.F, files ...string) {
	for _, file := range files {
		seed, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
		for i, line := range strings.SplitAfter(string(seed), "\n") { // short seeds change more
			if i > 2 && i < 20 {
				f.Add([]byte(line))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) { holds(t, data) })
}
