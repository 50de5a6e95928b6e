package annotation

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/longspan/longspan/data/dna"
)

func read(text string) (*Set, error) { return Read(strings.NewReader(text), "test") }

// text writes a transcript on one line.
func text(t Transcript) string {
	strand := "+"
	if t.Reverse {
		strand = "-"
	}
	return fmt.Sprintf("%s|%s|%s%s%v|%v|%v", t.Gene, t.ID, t.Contig, strand, t.Span, t.Exons, t.CDS)
}

func texts(all []Transcript) string {
	var lines []string
	for _, t := range all {
		lines = append(lines, text(t))
	}
	return strings.Join(lines, "\n")
}

func load(t *testing.T, file string) *Set {
	t.Helper()
	s, err := Load(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The same two genes, and what the tables say of them. TINY has two transcripts.
var (
	whole = strings.TrimSpace(`
PLUS|T1|chr20+{1000 2000}|[{1000 1100} {1300 1450} {1700 2000}]|[{1050 1100} {1300 1450} {1700 1760}]
PLUS|T2|chr20+{1000 1450}|[{1000 1100} {1400 1450}]|[]
MINUS|T3|chr20-{5000 6000}|[{5000 5200} {5400 5500} {5900 6000}]|[{5160 5200} {5400 5500} {5900 5930}]`)

	tests = []struct{ file, format, want string }{
		{"genes.refflat", "refFlat", whole},
		{"genes.refflat.bin", "refFlat", whole},
		{"genes.genepred.ext", "genePred", whole},
		{"genes.genepred.ext.bin", "genePred", whole},
		{"genes.genepred", "genePred", strings.NewReplacer("PLUS|T1", "T1|T1", "PLUS|T2", "T2|T2", "MINUS|T3", "T3|T3").Replace(whole)},
		{"genes.genepred.bin", "genePred", strings.NewReplacer("PLUS|T1", "T1|T1", "PLUS|T2", "T2|T2", "MINUS|T3", "T3|T3").Replace(whole)},
		{"genes.spliceai", "SpliceAI's table", strings.TrimSpace(`
PLUS||20+{1000 2000}|[{1000 1100} {1300 1450} {1700 2000}]|[]
MINUS||20-{5000 6000}|[{5000 5200} {5400 5500} {5900 6000}]|[]`)},
		{"genes.gtf", "GTF", whole},
		{"genes.gff3", "GFF3", whole},
		{"genes.refseq.gff3", "GFF3", strings.ReplaceAll(whole, "chr20", "NC_000020.11")},
	}
)

func TestFormsOfTheSameGenes(t *testing.T) {
	for _, test := range tests {
		s := load(t, test.file)
		if got := texts(s.Transcripts); got != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", test.file, got, test.want)
		}
		if s.Format != test.format || len(s.Notes) > 0 && !strings.Contains(s.Notes[0], "not used: region (1)") {
			t.Errorf("%s: format %q with notes %q", test.file, s.Format, s.Notes)
		}
	}
}

func TestPackingAndLineEnds(t *testing.T) {
	for _, test := range tests {
		plain, err := os.ReadFile(filepath.Join("testdata", test.file))
		if err != nil {
			t.Fatal(err)
		}
		crlf := bytes.ReplaceAll(plain, []byte("\n"), []byte("\r\n"))
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		z.Write(plain)
		z.Close()
		for name, data := range map[string][]byte{
			"CRLF": crlf, "byte order mark": append([]byte("\ufeff"), plain...), "gzip": packed.Bytes(),
			"no last line end": bytes.TrimSuffix(plain, []byte("\n")), "empty lines": bytes.ReplaceAll(plain, []byte("\n"), []byte("\n\n")),
		} {
			s, err := Read(bytes.NewReader(data), "test")
			if err != nil {
				t.Errorf("%s, %s: %v", test.file, name, err)
			} else if got := texts(s.Transcripts); got != test.want {
				t.Errorf("%s, %s:\n%s", test.file, name, got)
			}
		}
	}
}

func TestSites(t *testing.T) {
	s := load(t, "genes.refflat")
	for i, want := range []string{
		"[{1100 1300} {1450 1700}] [1099 1449] [1300 1700]",
		"[{1100 1400}] [1099] [1400]",
		"[{5200 5400} {5500 5900}] [5400 5900] [5199 5499]", // donors on the right
	} {
		x := s.Transcripts[i]
		if got := fmt.Sprint(x.Introns(), x.Donors(), x.Acceptors()); got != want {
			t.Errorf("%s: %s, want %s", x.ID, got, want)
		}
	}
}

func TestIn(t *testing.T) {
	s := load(t, "genes.refflat")
	for _, test := range []struct {
		contig     string
		start, end int
		want       string
	}{
		{"chr20", 0, 10000, "T1 T2 T3"},
		{"20", 1450, 1451, "T1"},
		{"NC_000020.10", 1449, 5001, "T1 T2 T3"},
		{"20", 2000, 5000, ""},
		{"20", 5999, 9000, "T3"},
		{"20", 1100, 1100, ""},
		{"21", 0, 10000, ""},
	} {
		var ids []string
		for _, x := range s.In(test.contig, dna.Span{Start: test.start, End: test.end}) {
			ids = append(ids, x.ID)
		}
		if got := strings.Join(ids, " "); got != test.want {
			t.Errorf("%s:%d-%d: %q, want %q", test.contig, test.start, test.end, got, test.want)
		}
	}
}

func TestNewSetChecks(t *testing.T) {
	good := Transcript{Gene: "G", Contig: "1", Span: dna.Span{Start: 0, End: 9}, Exons: []dna.Span{{Start: 5, End: 9}, {Start: 0, End: 3}}}
	s, err := NewSet([]Transcript{good})
	if err != nil || fmt.Sprint(s.Transcripts[0].Exons) != "[{0 3} {5 9}]" || good.Exons[0].Start != 5 {
		t.Errorf("NewSet gave %v, %v, and left %v", s, err, good)
	}
	for want, change := range map[string]func(*Transcript){
		"both need a name":          func(x *Transcript) { x.Gene = "" },
		"below the end":             func(x *Transcript) { x.Span.End = 0 },
		"no exons":                  func(x *Transcript) { x.Exons = nil },
		"outside of the transcript": func(x *Transcript) { x.Span.End = 8 },
		"outside of the exons":      func(x *Transcript) { x.CDS = []dna.Span{{Start: 2, End: 4}} },
	} {
		bad := good
		change(&bad)
		if _, err := NewSet([]Transcript{bad}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	const row = "G\tT\t1\t+\t10\t90\t20\t80\t2\t10,50,\t40,90,\n"
	change := func(old, new string) string { return row + strings.Replace(row, old, new, 1) }
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "no row of a gene"},
		{"only comments", "# x\n\n", "no row of a gene"},
		{"blanks", strings.ReplaceAll(row, "\t", " "), "line 1: found blanks between columns"},
		{"BED", "chr1\t10\t20\n", "line 1: found such as BED"},
		{"other text", ">chr1\n", "line 1: found \">chr1\" in 1 columns; expected one of"},
		{"columns", row + "G\tT\t1\t+\n", "line 2: found 4 columns, expected 11"},
		{"strand", change("+", "."), `line 2: "T" of gene "G": found the strand ".", expected + or -`},
		{"no position", change("10\t", "x\t"), `line 2: "T" of gene "G": found "x" in the columns of transcription`},
		{"negative", change("10\t", "-1\t"), "expected a position from 0"},
		{"large", change("90,", "99999999999,"), "expected a position from 0 to 2147483647"},
		{"start beyond end", change("10,50,", "40,50,"), "line 2: \"T\" of gene \"G\": an exon starts at 40 and ends at 40"},
		{"transcription", change("10\t90", "90\t10"), "transcription starts at 90 and ends at 10"},
		{"overlap", change("50,", "39,"), "the exons 11-40 and 40-90 overlap"},
		{"outside", change("10,", "9,"), "the exon 10-40 lies outside of the transcript, 11-90"},
		{"lists", change("10,50,", "10,50,60,"), "found 3 starts and 2 ends of exons"},
		{"count", change("\t2\t", "\t3\t"), "found 2 exons, but their number is given as 3"},
		{"coding", change("20\t80", "20\t95"), "the coding part starts at 20 and ends at 95"},
		{"no gene", change("G\tT", "\t"), "both need a name"},
		{"long name", change("G", strings.Repeat("G", 2000)), "found a name of 2000 bytes"},
		{"lone carriage return", row + "G\rT\n", "line 2: found the byte 0x0d at place 2"},
		{"long line", row + strings.Repeat("x", MaxLine+1), "line 2: the line is longer than"},
	} {
		_, err := read(test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "annotation: test: ") {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	for _, test := range tests {
		f, err := os.Open(filepath.Join("testdata", test.file))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		l, err := newLines(f, "test")
		if err != nil {
			t.Fatal(err)
		}
		l.kept = maxKept - 100
		if _, err := l.set(); err == nil || !strings.Contains(err.Error(), "MiB of memory") {
			t.Errorf("%s: got %v, want an error of memory", test.file, err)
		}
	}
}

func TestSeveralNamesOfAContig(t *testing.T) {
	s, err := read("A\tchr20\t+\t10\t20\t10,\t20,\nB\t20\t+\t10\t20\t10,\t20,\nC\t1\t+\t10\t20\t10,\t20,\n")
	if err != nil || len(s.Notes) != 1 || s.Notes[0] != `contig 20 has several names: ["chr20" "20"]; they count as one` {
		t.Fatalf("got %v with %v", err, s)
	}
	if got := len(s.In("NC_000020.11", dna.Span{Start: 0, End: 100})); got != 2 {
		t.Errorf("In found %d transcripts of both names", got)
	}
}

// The bins are those that UCSC's tables have: refGene of hg19 gives DDX11L1 (chr1:11873-14409) the bin 585, SAMD11
// (chr1:861120-879961) 591.
func TestBins(t *testing.T) {
	for _, test := range []struct {
		start, end, bin string
		want            bool
	}{
		{"11873", "14409", "585", true}, {"861120", "879961", "591", true}, {"11873", "14409", "586", false},
		{"0", "536870912", "0", true}, {"0", "536870913", "4681", true}, {"5", "5", "585", false}, {"x", "9", "585", false},
	} {
		if got := binned([]byte(test.bin), []byte(test.start), []byte(test.end)); got != test.want {
			t.Errorf("bin %s of %s-%s: %v", test.bin, test.start, test.end, got)
		}
	}
}

func FuzzTables(f *testing.F) {
	for _, test := range tests {
		seed, err := os.ReadFile(filepath.Join("testdata", test.file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) { holds(t, data) })
}

// holds checks that what was read is what NewSet takes, unchanged, and that In finds each transcript.
func holds(t *testing.T, data []byte) {
	s, err := Read(bytes.NewReader(data), "fuzz")
	if err != nil {
		return
	}
	again, err := NewSet(s.Transcripts)
	if err != nil {
		t.Fatal(err)
	}
	if texts(again.Transcripts) != texts(s.Transcripts) {
		t.Fatal("a second check changes what was read")
	}
	for _, x := range s.Transcripts {
		if len(s.In(x.Contig, x.Span)) == 0 {
			t.Fatalf("In does not find %s", text(x))
		}
	}
}
