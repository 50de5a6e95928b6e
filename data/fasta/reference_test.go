package fasta

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longspan/longspan/data/bgzip"
	"github.com/longspan/longspan/data/dna"
)

// genomeText has a long record, one that fills its lines, and one of a single line.
func genomeText() (text string, sequences map[string]string) {
	long := strings.Repeat("ACGTNacgtnRYKM", 20_000)
	sequences = map[string]string{"chr20": long, "21": "ACGTACGT", "MT": "GATTACA"}
	var b strings.Builder
	b.WriteString(">chr20 the long one\n")
	for s := long; s != ""; s = s[min(60, len(s)):] {
		b.WriteString(s[:min(60, len(s))] + "\n")
	}
	b.WriteString(">21\nACGT\nACGT\n\n>MT\tx\nGATTACA")
	return b.String(), sequences
}

func blocks(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := bgzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func openBytes(file []byte) (*Reference, error) {
	return OpenReader(bytes.NewReader(file), int64(len(file)), "test.fa")
}

// inFile writes files into a new folder and opens the first.
func inFile(t *testing.T, files ...string) (*Reference, error) {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Open(filepath.Join(dir, files[0]))
	if err == nil {
		t.Cleanup(func() { _ = r.Close() })
	}
	return r, err
}

func TestReferenceOfEveryPacking(t *testing.T) {
	text, sequences := genomeText()
	fai := "chr20\t280000\t20\t60\t61\n21\t8\t284691\t4\t5\nMT\t7\t284708\t7\t8\n"
	for name, files := range map[string][]string{
		"plain":     {"a.fa", text},
		"CRLF":      {"a.fa", strings.ReplaceAll(text, "\n", "\r\n")},
		"gzip":      {"a.fa.gz", string(pack(t, text[:1000], text[1000:]))},
		"bgzip":     {"a.fa.gz", string(blocks(t, text))},
		"indexed":   {"a.fa", text, "a.fa.fai", fai},
		"bgzip fai": {"a.fa.gz", string(blocks(t, text)), "a.fa.gz.fai", fai},
	} {
		r, err := inFile(t, files...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(r.Contigs()) != 3 || r.Contigs()[0].Name != "chr20" || r.Contigs()[0].Length != 280_000 {
			t.Errorf("%s: contigs %v", name, r.Contigs())
		}
		if notes := r.Notes(); (name == "gzip") != (len(notes) == 1) {
			t.Errorf("%s: notes %q", name, notes)
		}
		for contig, want := range sequences {
			checkWindows(t, r, name, contig, want)
		}
	}
}

func checkWindows(t *testing.T, r *Reference, name, contig, want string) {
	t.Helper()
	n := len(want)
	padded := strings.Repeat("N", 100) + want + strings.Repeat("N", 100)
	for _, w := range [][2]int{{0, n}, {-100, n + 100}, {-5, 3}, {n - 3, n + 5}, {n, n + 2}, {n + 7, n + 9}, {-9, -2}, {0, 0}, {59, 61},
		{60, 120}, {n / 2, n/2 + 7}} {
		if w[1] < w[0] || w[1] > n+100 {
			continue
		}
		got, err := r.Letters([]byte("x"), Window{contig, w[0], w[1]})
		if err != nil || string(got) != "x"+padded[w[0]+100:w[1]+100] {
			t.Fatalf("%s: %s %v: %v, got %.80q", name, contig, w, err, got)
		}
	}
}

func TestBases(t *testing.T) {
	r, err := openBytes([]byte(">a\nACgtRn\n"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Bases(nil, Window{"a", -1, 7})
	want := []dna.Base{dna.N, dna.A, dna.C, dna.G | dna.SoftMask, dna.T | dna.SoftMask, dna.N, dna.N | dna.SoftMask, dna.N}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	letters := []byte("acGTrn-")
	if Upper(letters); string(letters) != "ACGTRN-" {
		t.Errorf("upper case is %q", letters)
	}
}

func TestReferenceRefusals(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"empty", "", "the file has no record"},
		{"no header", "ACGT\n", "line 1: found bases before the first record"},
		{"protein", ">a\nACGT\nMEL\n", "line 3: column 2: found 'E'"},
		{"blank", ">a\nAC GT\n", "line 2: column 3: found the byte 0x20"},
		{"no name", "> a\nACGT\n", "line 1: the header has no name"},
		{"no bases", ">a\n>b\nA\n", `line 2: record "a" has no bases`},
		{"no bases at the end", ">a\nA\n>b\n", `record "b" has no bases`},
		{"empty line", ">a\n\nA\n", `line 2: the line is empty, expected the bases of record "a"`},
		{"uneven", ">a\nACGT\nACG\nACGT\n", `line 4: record "a" goes on behind line 3`},
		{"longer", ">a\nACGT\nACGTA\n", "line 3: found 5 bases in 6 bytes, but 4 in 5"},
		{"line ends", ">a\nACGT\nACGT\r\n", "line 3: found 4 bases in 6 bytes, but 4 in 5"},
		{"twice", ">a\nA\n>a\nA\n", `found contig "a" twice`},
		{"long header", ">" + strings.Repeat("x", 1<<17), "the header is longer than"},
		{"cut off", string(blocks(t, ">a\nACGT\n"))[:40], "cut off"},
	} {
		if _, err := openBytes([]byte(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	r, err := openBytes([]byte(">a\nACGT\n"))
	if err != nil {
		t.Fatal(err)
	}
	for want, w := range map[string]Window{
		`no contig "b"; the file has 1 contig: a`: {"b", 0, 1},
		"window 2 to 1 of contig a":               {"a", 2, 1},
		"window 0 to 1000000000":                  {"a", 0, 1_000_000_000},
	} {
		if _, err := r.Letters(nil, w); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", w, err, want)
		}
	}
}

func TestIndexOfAnotherFile(t *testing.T) {
	text := ">a\nACGT\nAC\n>b\nACGTACGTACGT\nACGT\n>c\nACGT\nACG\n"
	for name, c := range map[string][2]string{
		"other name":     {"x\t6\t3\t4\t5\n", "is of another file"},
		"other offset":   {"a\t6\t4\t4\t5\n", "is of another file"},
		"other lines":    {"a\t6\t3\t3\t4\n", "is of another file"},
		"too short":      {"a\t5\t3\t4\t5\n", "is of another file"},
		"a line short":   {"b\t12\t14\t12\t13\n", "is of another file"},
		"lines skipped":  {"c\t6\t35\t3\t5\n", "found 'T' where the index has a line end"},
		"binary":         {strings.Repeat("x", 1000), "line 1: found \"" + strings.Repeat("x", maxShown) + "\", expected a name"},
		"too long":       {"a\t9\t3\t4\t5\n", "is of another file"},
		"behind the end": {"a\t600\t3\t4\t5\n", "line 1: the index (.fai, .gzi) is of another file"},
		"three columns":  {"a\t6\t3\n", "expected a name and four numbers"},
		"no number":      {"a\t6\tx\t4\t5\n", "expected a name and four numbers"},
		"no bases":       {"a\t0\t3\t4\t5\n", "has no bases"},
		"empty":          {"", "found no contig"},
	} {
		r, err := inFile(t, "a.fa", text, "a.fa.fai", c[0])
		if err == nil {
			_, err = r.Letters(nil, Window{r.Contigs()[0].Name, 0, r.Contigs()[0].Length})
		}
		if err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v, want %q", name, err, c[1])
		}
	}
}

func TestReferenceIsAFile(t *testing.T) {
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is a folder, a pipe or a device, expected a regular file") {
		t.Error(err)
	}
}

func TestManyRecords(t *testing.T) {
	contigs := make([]Contig, maxContigs+1)
	if _, err := NewNames("a file", contigs); err == nil || !strings.Contains(err.Error(), "found more than 4194304 records") {
		t.Error(err)
	}
	s := &scanner{contigs: contigs[:maxContigs]}
	s.contigs[maxContigs-1].Length = 1
	if err := s.header(bufio.NewReader(strings.NewReader(">a\n"))); err != errManyContigs {
		t.Error(err)
	}
}

func TestHeaderLine(t *testing.T) {
	r, err := openBytes([]byte(">a\r\nAC\r\n>b of\ta  test \r\nAC\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	for contig, want := range map[string]string{"a": "a", "b": "b of\ta  test "} {
		if got, err := r.Header(contig); err != nil || got != want {
			t.Errorf("the header of %s is %q, %v, want %q", contig, got, err, want)
		}
	}
	if _, err := r.Header("c"); err == nil || !strings.Contains(err.Error(), `no contig "c"`) {
		t.Errorf("no contig: %v", err)
	}
}

func TestFind(t *testing.T) {
	r, err := openBytes([]byte(">chr20\nA\n>chrM\nA\n>X\nA\n>1\nA\n>chr1\nA\n>chr2\nA\n>NC_000002.12\nA\n>scaffold_7\nA\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"chr20": "chr20", "20": "chr20", "NC_000020.10": "chr20", "NC_060944.1": "chr20", "MT": "chrM",
		"M": "chrM", "NC_012920.1": "chrM", "chrX": "X", "NC_000023.11": "X", "1": "1", "chr1": "chr1", "scaffold_7": "scaffold_7",
		"2": "", "21": "", "NC_000025.1": "", "NC_0000020.1": "", "": ""} {
		got, err := r.Find(name)
		if got.Name != want || (err == nil) != (want != "") {
			t.Errorf("Find(%q) = %q, %v, want %q", name, got.Name, err, want)
		}
	}
	if _, err := r.Find("2"); err == nil || !strings.Contains(err.Error(), `contig "2" means several of the file`) {
		t.Errorf("2 means two: %v", err)
	}
}

func FuzzReference(f *testing.F) {
	text, _ := genomeText()
	f.Add([]byte(text[len(text)-2000:]), "MT\t7\t284708\t7\t8\n")
	f.Add([]byte(">a b\nACGT\nAC\n>b\nA"), "a\t6\t5\t4\t5\n")
	f.Add([]byte(">a\r\nACGT\r\nAC\r\n\r\n"), "")
	f.Fuzz(func(t *testing.T, file []byte, fai string) {
		if r, err := openBytes(file); err == nil {
			for _, c := range r.Contigs() {
				letters, err := r.Letters(nil, Window{c.Name, -1, c.Length + 1})
				if err != nil || len(letters) != c.Length+2 {
					t.Errorf("%v: %d letters, %v", c, len(letters), err)
				}
			}
		}
		contigs, err := readFAI(strings.NewReader(fai), int64(len(file)))
		if err != nil {
			return
		}
		r := &Reference{letters: bytes.NewReader(file), size: int64(len(file)), indexed: true, checked: map[string]bool{}}
		if r.Names, err = NewNames("a file", contigs); err != nil {
			return
		}
		for _, c := range contigs {
			_, _ = r.Letters(nil, Window{c.Name, 0, min(c.Length, 1000)})
		}
	})
}
