package vcf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/longspan/longspan/data/bgzip"
)

const head = "##fileformat=VCFv4.2\n" +
	"##contig=<ID=20,length=63025520,assembly=b37>\n" +
	"##contig=<ID=21,Description=\"a, \\\"b\\\" >\",length=7>\n" +
	"##INFO=<ID=AC,Number=A,Type=Integer,Description=\"Allele count\">\n" +
	"##what=ever <is=this\n"

const columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone\ttwo\n"

// rows has one of everything that is kept.
const rows = "20\t1\trs1;rs2\tA\tC,<DEL>,*,G]17:198982]\t.\tPASS;x y\tAC=1,2;FLAG;odd key=v v\tGT:PS\t0|1:7\t./.\n" +
	"20\t0\t.\tN\t.\t1e3\tq10\t.\tPS:GT\t.\t.:0/.\n" +
	"chrUn_x.1\t2147483646\t.\ta\tt\t.\t.\tEND=9;\tDP\t1\t2\n"

// all reads a file and writes it again.
func all(t testing.TB, in io.Reader, each func(*Record) error, add Added) (string, error) {
	t.Helper()
	r, err := NewReader(in, "in.vcf")
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	w, err := NewWriter(&out, r.Header(), add)
	if err != nil {
		return "", err
	}
	var rec Record
	for {
		if err := r.Next(&rec); err == io.EOF {
			return out.String(), nil
		} else if err != nil {
			if again := r.Next(&rec); again != err {
				t.Errorf("after %v: %v", err, again)
			}
			return "", err
		}
		if each != nil {
			if err := each(&rec); err != nil {
				return "", err
			}
		}
		if err := w.Write(&rec); err != nil {
			return "", err
		}
	}
}

func TestBytesAreKept(t *testing.T) {
	text := head + columns + rows
	for name, file := range map[string]string{
		"LF":         text,
		"CRLF":       strings.ReplaceAll(text, "\n", "\r\n"),
		"mixed ends": head + columns + strings.Replace(rows, "\n", "\r\n", 1),
		"no end":     strings.TrimSuffix(text, "\n"),
		"no rows":    head + columns,
		"no samples": "##fileformat=VCFv4.5\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t5\t.\tA\tC\t.\t.\tX\n",
	} {
		got, err := all(t, strings.NewReader(file), nil, Added{})
		if err != nil || got != file {
			t.Errorf("%s: %v; wrote %q, want %q", name, err, got, file)
		}
	}
}

func TestPackedFiles(t *testing.T) {
	text := head + columns + rows
	var gz, blocks bytes.Buffer
	for _, w := range []io.WriteCloser{gzip.NewWriter(&gz), bgzip.NewWriter(&blocks)} {
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, packed := range [][]byte{gz.Bytes(), blocks.Bytes()} {
		if got, err := all(t, bytes.NewReader(packed), nil, Added{}); err != nil || got != text {
			t.Errorf("%v; wrote %q", err, got)
		}
		if _, err := all(t, bytes.NewReader(packed[:len(packed)-1]), nil, Added{}); err == nil || !strings.Contains(err.Error(), "cut off") {
			t.Errorf("cut off: %v", err)
		}
	}
}

func TestHeader(t *testing.T) {
	r, err := NewReader(strings.NewReader(head+columns), "in.vcf")
	if err != nil {
		t.Fatal(err)
	}
	h := r.Header()
	if h.Version != "4.2" || h.Lines != 6 || !reflect.DeepEqual(h.Samples, []string{"one", "two"}) {
		t.Errorf("version %q, %d lines, samples %q", h.Version, h.Lines, h.Samples)
	}
	if want := []Contig{{"20", 63025520, "b37"}, {"21", 7, ""}}; !reflect.DeepEqual(h.Contigs, want) {
		t.Errorf("contigs %v, want %v", h.Contigs, want)
	}
	if d, ok := h.Info("AC"); !ok || d != (Definition{"AC", "A", "Integer", "Allele count"}) {
		t.Errorf("AC: %v, %v", d, ok)
	}
	if k, err := h.Sample("two"); k != 1 || err != nil {
		t.Errorf("sample two: %d, %v", k, err)
	}
	if _, err := h.Sample("three"); err == nil || !strings.Contains(err.Error(), `no sample "three"; the file has 2: one, two`) {
		t.Errorf("sample three: %v", err)
	}
}

func TestRecord(t *testing.T) {
	r, err := NewReader(strings.NewReader(head+columns+rows), "in.vcf")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	var rec Record
	var g Genotype
	for r.Next(&rec) == nil {
		line := fmt.Sprintf("%d %s:%d %s %q %s %s", rec.Line, rec.Chrom, rec.Pos, rec.Ref, rec.Alts, rec.ID(), rec.Format())
		for i := range 2 {
			if err := rec.Genotype(i, &g); err != nil {
				t.Error(err)
			}
			line += fmt.Sprintf(" %v %v", g.Alleles, g.Phased)
		}
		got = append(got, line)
	}
	want := []string{
		`7 20:1 A ["C" "<DEL>" "*" "G]17:198982]"] rs1;rs2 GT:PS [0 1] true [-1 -1] false`,
		`8 20:0 N [] . PS:GT [] true [0 -1] false`,
		`9 chrUn_x.1:2147483646 a ["t"] . DP [] true [] true`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

func TestGenotypes(t *testing.T) {
	for _, c := range []struct {
		text    string
		alleles []int
		phased  bool
		err     string
	}{
		{"0|1", []int{0, 1}, true, ""},
		{"0/1", []int{0, 1}, false, ""},
		{"1", []int{1}, true, ""},
		{".", []int{-1}, true, ""},
		{"./2", []int{-1, 2}, false, ""},
		{"0|1/2", []int{0, 1, 2}, false, ""},
		{"|0|1", []int{0, 1}, true, ""},
		{"/0/1", []int{0, 1}, false, ""},
		{"70000", nil, false, "the row has 2 alternate alleles"},
		{"0|3", nil, false, "the row has 2 alternate alleles"},
		{"", nil, false, "expected such as 0|1"},
		{"0|", nil, false, "expected such as 0|1"},
		{"-1|0", nil, false, "expected such as 0|1"},
		{"0|99999999999", nil, false, "expected such as 0|1"},
	} {
		g := Genotype{Phased: true}
		err := g.parse([]byte(c.text), 2)
		switch {
		case c.err == "" && (err != nil || !reflect.DeepEqual(g.Alleles, c.alleles) || g.Phased != c.phased):
			t.Errorf("%q: %v, %v, %v", c.text, g.Alleles, g.Phased, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%q: %v, want %q", c.text, err, c.err)
		}
	}
}

func TestAlleleCounts(t *testing.T) {
	r, err := NewReader(strings.NewReader(head+columns+"20\t1\t.\tA\tC,G\t.\t.\t.\tPS:GT:DP\t7:0|1:3\t7:./2\n"+
		"20\t1\t.\tA\tC\t.\t.\t.\tPS:GT\t7\t7:1\n"+rows+"20\t1\t.\tA\tC\t.\t.\t.\tGT\t0|0\t0|2\n"), "in.vcf")
	if err != nil {
		t.Fatal(err)
	}
	var rec Record
	counts := make([]int, 9)
	for _, want := range []string{"[1 1 1]", "[0 1]", "[1 1 0 0 0]", "[1]", "[0 0]"} {
		if err := r.Next(&rec); err != nil {
			t.Fatal(err)
		}
		if counts, err = rec.AlleleCounts(counts); err != nil || fmt.Sprint(counts) != want {
			t.Errorf("line %d: %v, %v, want %s", rec.Line, counts, err, want)
		}
	}
	_ = r.Next(&rec)
	if _, err := rec.AlleleCounts(nil); err == nil || !strings.Contains(err.Error(), "line 12: sample two: found GT \"0|2\"") {
		t.Error(err)
	}
}

func TestSetInfo(t *testing.T) {
	for _, c := range [][2]string{
		{".", "LS=1.5"},
		{"AC=1", "AC=1;LS=1.5"},
		{"AC=1;", "AC=1;LS=1.5"},
		{"LS=0;AC=1", "LS=1.5;AC=1"},
		{"LSX=0;LS;AC=1", "LSX=0;LS=1.5;AC=1"},
	} {
		in := head + columns + "20\t5\t.\tA\tC\t.\t.\t" + c[0] + "\tGT\t0|1\t1|1\r\n"
		want := head + "##INFO=<ID=LS,Number=A,Type=Float,Description=\"a \\\"b\\\"\">\n##longspan=x\n" + columns +
			"20\t5\t.\tA\tC\t.\t.\t" + c[1] + "\tGT\t0|1\t1|1\r\n"
		got, err := all(t, strings.NewReader(in), func(rec *Record) error { return rec.SetInfo("LS", "1.5") },
			Added{Infos: []Definition{{"LS", "A", "Float", `a "b"`}, {"AC", "A", "Integer", ""}}, Lines: []string{"##longspan=x"}})
		if err != nil || got != want {
			t.Errorf("INFO %q: %v, wrote %q, want %q", c[0], err, got, want)
		}
	}
	rec := Record{header: &Header{columns: 8}, text: []byte("1\t1\t.\tA\tC\t.\t.\t.")}
	if err := rec.split(); err != nil {
		t.Fatal(err)
	}
	for _, kv := range [][2]string{{"1K", "x"}, {"", "x"}, {"A;B", ""}, {"K", "a;b"}, {"K", "a b"}, {"K", "a=b"}} {
		if err := rec.SetInfo(kv[0], kv[1]); err == nil {
			t.Errorf("SetInfo(%q, %q) was taken", kv[0], kv[1])
		}
	}
	_, err := all(t, strings.NewReader(head+columns), nil, Added{Infos: []Definition{{"AC", "1", "Integer", ""}}})
	if err == nil || !strings.Contains(err.Error(), "the header has Number=A,Type=Integer, expected Number=1,Type=Integer") {
		t.Errorf("another definition: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	good := "20\t5\t.\tA\tC\t.\t.\t.\tGT\t0\t1\n"
	for _, c := range []struct{ name, file, want string }{
		{"empty", "", "the file is empty"},
		{"byte order mark", "\ufeff" + head + columns, "line 1: found a byte order mark"},
		{"BCF", "BCF\x02\x02abc", "bcftools view in.bcf"},
		{"another format", ">20\nACGT\n", `line 1: found ">20", expected "##fileformat=VCFv4.2"`},
		{"version 3", "##fileformat=VCFv3.3\n" + columns, "versions 4.0 to 4.5"},
		{"zip", "PK\x03\x04abcdef", "packed by zip"},
		{"no column names", head, "ends after line 5, before the line of column names"},
		{"row in the header", head + good, "line 6: found \"20\\t5"},
		{"blanks between names", head + "#CHROM POS ID REF ALT QUAL FILTER INFO\n", "line 6: found blanks"},
		{"other names", head + "#CHROM\tPOS\tID\tREF\n", "line 6: found 4 columns"},
		{"no FORMAT", head + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tone\n", `found column "one" behind INFO`},
		{"samples twice", head + strings.Replace(columns, "two", "one", 1), `found sample "one" twice`},
		{"empty line", head + columns + "\n" + good, "line 7: the line is empty"},
		{"joined files", head + columns + good + head, "line 8: found \"##fileformat=VCFv4.2\" among the rows"},
		{"carriage return", head + columns + strings.Replace(good, "A", "A\r", 1), "line 7: found the byte 0x0d at place 9"},
		{"few columns", head + columns + "20\t5\t.\tA\tC\t.\t.\t.\tGT\t0\n", "line 7: found 10 columns, expected 11"},
		{"blanks", head + columns + "20 5 . A C . . . GT 0 1\n", "separated by tabs, not by blanks"},
		{"no chromosome", head + columns + good[2:], "column CHROM is empty"},
		{"long name", head + columns + strings.Repeat("x", maxName+1) + good[2:], "line 7: found a name of 1025 bytes in column CHROM, \"xxx"},
		{"many alleles", head + columns + strings.Replace(good, "C", strings.Repeat("C,", MaxAlts)+"C", 1), "found 65535 alleles in ALT"},
		{"position", head + columns + strings.Replace(good, "5", "5.0", 1), `found POS "5.0", expected a number from 0`},
		{"negative", head + columns + strings.Replace(good, "5", "-5", 1), `found POS "-5"`},
		{"large", head + columns + strings.Replace(good, "5", "2147483647", 1), "found POS"},
		{"empty allele", head + columns + strings.Replace(good, "C", "C,,G", 1), "found an empty allele in ALT"},
		{"blank in an allele", head + columns + strings.Replace(good, "C", "C G", 1), "found a blank in column ALT"},
	} {
		if got, err := all(t, strings.NewReader(c.file), nil, Added{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q; wrote %q", c.name, err, c.want, got)
		}
	}
}

// endless is a line without an end.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		n += copy(p[n:], "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	}
	e.n += n
	return n, nil
}

func TestLongLine(t *testing.T) {
	source := &endless{}
	_, err := all(t, io.MultiReader(strings.NewReader(head+columns+"20\t5\t.\t"), source), nil, Added{})
	if err == nil || !strings.Contains(err.Error(), "line 7: the line is longer than 64 MiB") || source.n > MaxLine+1<<20 {
		t.Errorf("%v after %d bytes", err, source.n)
	}
}

func TestKindOf(t *testing.T) {
	for _, c := range []struct {
		ref, alt string
		want     Kind
	}{
		{"A", "C", SNV}, {"a", "G", SNV}, {"AT", "AC", SNV}, {"AT", "GC", MNV}, {"ATA", "GTC", MNV}, {"A", "AT", Insertion},
		{"AT", "A", Deletion}, {"TA", "A", Deletion}, {"ATG", "CA", Complex}, {"A", "A", Same}, {"A", "a", Same}, {"A", "*", Star},
		{"A", "<*>", NonRef}, {"A", "<NON_REF>", NonRef}, {"A", "<DEL>", Symbolic}, {"A", "<INS:ME>", Symbolic},
		{"G", "G]17:198982]", Breakend}, {"G", "[<c>:1[G", Breakend}, {"G", ".A", Breakend}, {"A", ".", NoAllele}, {"A", "", NoAllele},
		{"A", "x1", Unknown}, {"-", "A", Unknown}, {"N", "R", SNV},
	} {
		if got := KindOf(c.ref, c.alt); got != c.want {
			t.Errorf("KindOf(%q, %q) = %v, want %v", c.ref, c.alt, got, c.want)
		}
	}
	if len(Kinds()) != int(kinds) || Unknown.String() != "not_understood" {
		t.Error("the kinds lack names")
	}
}

func FuzzReader(f *testing.F) {
	f.Add(head + columns + rows)
	f.Add(strings.ReplaceAll(head+columns+rows, "\n", "\r\n"))
	f.Add("##fileformat=VCFv4.5\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t5\t.\tA\tC\t.\t.\tX;LS=3;Y")
	f.Fuzz(func(t *testing.T, file string) {
		var g Genotype
		got, err := all(t, strings.NewReader(file), func(rec *Record) error {
			counts, failed := rec.AlleleCounts(nil)
			if failed == nil && len(counts) != 1+len(rec.Alts) {
				t.Errorf("%d counts of %d alleles", len(counts), 1+len(rec.Alts))
			}
			for i := range rec.header.Samples {
				if rec.Genotype(i, &g) == nil && len(g.Alleles) > 0 && len(rec.Sample(i)) == 0 {
					t.Error("a genotype of nothing")
				}
			}
			for _, alt := range rec.Alts {
				_ = KindOf(rec.Ref, alt)
			}
			return nil
		}, Added{})
		if err == nil && got != file && !strings.HasPrefix(file, "\x1f\x8b") {
			t.Errorf("wrote %q of %q", got, file)
		}
		_, _ = all(t, strings.NewReader(file), func(rec *Record) error {
			if err := rec.SetInfo("LS", "1"); err != nil {
				t.Error(err)
			}
			if v, ok := rec.Info("LS"); !ok || v != "1" {
				t.Errorf("LS is %q, %v", v, ok)
			}
			return nil
		}, Added{Infos: []Definition{{"LS", "1", "Integer", "x"}}})
	})
}

// Each ends with the last row, or with the first error of the function.
func TestEach(t *testing.T) {
	const text = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t5\t.\tA\tC\t.\t.\t.\n1\t7\t.\tG\tT\t.\t.\t.\n"
	stop := errors.New("stop")
	for want, rows := range map[error]int{nil: 2, stop: 1} {
		r, err := NewReader(strings.NewReader(text), "a.vcf")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		if err := r.Each(func(*Record) error { n++; return want }); err != want || n != rows {
			t.Errorf("found %d rows and the error %v, expected %d and %v", n, err, rows, want)
		}
	}
}
