package fasta

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"

	"github.com/longspan/longspan/data/dna"
)

const endOfBlocks = "\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x06\x00\x42\x43\x02\x00\x1b\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// readAll returns "name description: letters" of each record.
func readAll(in io.Reader, o Options) ([]string, error) {
	r, err := NewReader(in, "test.fa", o)
	if err != nil {
		return nil, err
	}
	var all []string
	for {
		record, err := r.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		s, err := r.Sequence()
		if err != nil {
			return all, err
		}
		all = append(all, record.Name+" "+record.Description+": "+s.String(0, s.Len()))
	}
}

func pack(t testing.TB, members ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, m := range members {
		z := gzip.NewWriter(&out)
		if _, err := z.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// packBlocks packs as bgzip does; the size in the extra field is not needed to read a file front to back.
func packBlocks(t testing.TB, members ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, m := range members {
		z := gzip.NewWriter(&out)
		z.Extra = []byte{'B', 'C', 2, 0, 0, 0}
		if _, err := z.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func TestReaderAcceptsEveryShape(t *testing.T) {
	want := []string{"one the first: ACGTTgcanN", "two : NNNNA"}
	text := ">one the first\nACGTU\ngcanN\n>two\nRYSNA\n"
	inputs := map[string][]byte{
		"plain":             []byte(text),
		"CRLF":              []byte(strings.ReplaceAll(text, "\n", "\r\n")),
		"no last line end":  []byte(strings.TrimSuffix(text, "\n")),
		"empty lines":       []byte("\n\n" + strings.ReplaceAll(text, "\n", "\n\n")),
		"blanks":            []byte(strings.ReplaceAll(text, "ACGTU", " ACG TU\t")),
		"name after blanks": []byte(strings.ReplaceAll(text, ">", ">  ")),
		"one base a line":   []byte(">one the first\nA\nC\nG\nT\nU\ng\nc\na\nn\nN\n>two\nRYSNA"),
		"gzip":              pack(t, text),
		"gzip, members":     pack(t, text[:20], text[20:], ""),
		"bgzip":             append(packBlocks(t, text[:7], text[7:]), endOfBlocks...),
	}
	for name, input := range inputs {
		for mode, in := range map[string]io.Reader{
			"whole": bytes.NewReader(input), "byte by byte": iotest.OneByteReader(bytes.NewReader(input)),
			"EOF with data": iotest.DataErrReader(bytes.NewReader(input)),
		} {
			got, err := readAll(in, Options{})
			if err != nil || strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("%s, %s: got %q, %v; want %q", name, mode, got, err, want)
			}
		}
	}
}

func TestReaderNamesWhatIsWrong(t *testing.T) {
	good := pack(t, ">a\n"+strings.Repeat("ACGT", 5000)+"\n")
	damaged := bytes.Clone(good)
	damaged[len(damaged)-8] ^= 1 // in the checksum
	blocks := packBlocks(t, ">a\nACGT\n")
	tests := []struct {
		name, input string
		options     Options
		want        []string // all of them, in the message
	}{
		{"empty", "", Options{}, []string{"test.fa", "empty", "'>'"}},
		{"only line ends", "\n\n", Options{}, []string{"empty"}},
		{"empty gzip", string(pack(t, "")), Options{}, []string{"empty"}},
		{"no header", "ACGT\n", Options{}, []string{"line 1, column 1", "'A'", "header"}},
		{"indented header", " >a\nA", Options{}, []string{"line 1, column 2", "header"}},
		{"binary", "\x7fELF", Options{}, []string{"0x7f"}},
		{"letter", ">a\nACGT\n>b x\nAC\nACJT\n", Options{}, []string{"record 2", `"b"`, "line 5, column 3", "'J'", "expected", "protein"}},
		{"protein", ">p\nMKVSAGIVKL\n", Options{}, []string{`record 1, "p"`, "line 2, column 7", "'I'", "protein, which is not read"}},
		{"stop", ">p\nATG*\n", Options{}, []string{"line 2, column 4", "'*'", "protein"}},
		{"comment", ";old style\n>a\nACGT\n", Options{}, []string{"line 1, column 1", "';'", "header line"}},
		{"GenBank", "LOCUS       X  4 bp DNA\nORIGIN\n", Options{}, []string{"line 1, column 1", "'L'", "is this a FASTA file"}},
		{"gap", ">a\nAC-GT\n", Options{}, []string{"line 2, column 3", "'-'", "gaps"}},
		{"header within a line", ">a\nAC>GT\n", Options{}, []string{"line 2, column 3", "must begin its line"}},
		{"NUL", ">a\nAC\x00\n", Options{}, []string{"line 2, column 3", "0x00"}},
		{"no name", ">a\nA\n> \nC\n", Options{}, []string{"line 3", "record 2", "no name"}},
		{"no bases", ">a\n>b\nA\n", Options{}, []string{"line 1", "record 1", `"a"`, "no bases"}},
		{"no bases at the end", ">a\nA\n>b\n", Options{}, []string{"line 3", "record 2", "no bases"}},
		{"carriage returns", ">a\rACGT\r", Options{}, []string{"carriage return", "column 3"}},
		{"long header", ">" + strings.Repeat("a", 1<<17), Options{}, []string{"longer than"}},
		{"ambiguous", ">a\nACGN\n", Options{Exact: true}, []string{"line 2, column 4", "'N'", "alone"}},
		{"gzip cut off", string(good[:len(good)/2]), Options{}, []string{"cut off"}},
		{"gzip header cut off", string(good[:5]), Options{}, []string{"cut off"}},
		{"gzip damaged", string(damaged), Options{}, []string{"checksum"}},
		{"gzip and garbage", string(good) + "garbage, garbage", Options{}, []string{"other bytes follow"}},
		{"bgzip without its end", string(blocks), Options{}, []string{"end marker"}},
		{"zip", "PK\x03\x04....", Options{}, []string{"zip", "unpack"}},
	}
	for _, test := range tests {
		got, err := readAll(strings.NewReader(test.input), test.options)
		if err == nil {
			t.Errorf("%s: read %q, want an error", test.name, got)
			continue
		}
		for _, part := range test.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error %q does not say %q", test.name, err, part)
			}
		}
	}
}

func TestReaderReportsReadErrors(t *testing.T) {
	broken := errors.New("the disk is gone")
	in := io.MultiReader(strings.NewReader(">a\nACGT\nAC"), iotest.ErrReader(broken))
	_, err := readAll(in, Options{})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "line 3, column 3") {
		t.Errorf("got %v, want the disk's error after line 3, column 3", err)
	}
}

func TestNextPassesOverTheRest(t *testing.T) {
	r, err := NewReader(strings.NewReader(">a\nACGT\nACGT\n>b\nTT\n"), "test.fa", Options{})
	if err != nil {
		t.Fatal(err)
	}
	var three [3]dna.Base
	for _, want := range []string{"a", "b"} {
		record, err := r.Next()
		if err != nil || record.Name != want {
			t.Fatalf("Next gave %+v, %v; want record %s", record, err, want)
		}
		if n, err := r.Read(three[:]); n == 0 || err != nil {
			t.Fatalf("Read gave %d, %v", n, err)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after the last record Next gave %v, want io.EOF", err)
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.fa.gz")
	if err := os.WriteFile(path, pack(t, ">a\nACGT\n>b\nGG\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	all, err := Load(path, Options{})
	if err != nil || len(all) != 2 || all[1].Name != "b" || all[1].String(0, 2) != "GG" {
		t.Fatalf("Load gave %v, %v", all, err)
	}
	if _, err := Load(path+".missing", Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
}

// FuzzReader checks that no input makes the reader panic or hang, that accepted records can be written and read again,
// and that the size of the reads changes nothing.
func FuzzReader(f *testing.F) {
	f.Add([]byte(">a b\nACGTNacgtn\n>c\nRYU\n"))
	f.Add([]byte(">a\r\nAC GT\r\n\r\n"))
	f.Add([]byte("\n>a\n\nACGT\n\n>a\nryswkmbdhvn"))
	f.Add([]byte(">p\nMKVL*\n"))
	f.Add(pack(f, ">a\nACGT\n"))
	f.Add(append(packBlocks(f, ">a\nACGT\n"), endOfBlocks...))
	f.Fuzz(func(t *testing.T, input []byte) {
		got, err := readAll(bytes.NewReader(input), Options{})
		slow, slowErr := readAll(iotest.OneByteReader(bytes.NewReader(input)), Options{})
		if strings.Join(got, "\n") != strings.Join(slow, "\n") || (err == nil) != (slowErr == nil) {
			t.Fatalf("whole: %q, %v; byte by byte: %q, %v", got, err, slow, slowErr)
		}
		if err != nil {
			return
		}
		var text strings.Builder
		for _, record := range got {
			i := strings.LastIndex(record, ": ")
			text.WriteString(">" + record[:i] + "\n" + record[i+2:] + "\n")
		}
		again, err := readAll(strings.NewReader(text.String()), Options{})
		if err != nil || strings.Join(again, "\n") != strings.Join(got, "\n") {
			t.Fatalf("read %q, wrote it, read %q, %v", got, again, err)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	line := strings.Repeat("ACGTTGCA", 10)[:70] + "\n"
	text := ">a\n" + strings.Repeat(line, 1<<20/71)
	b.SetBytes(int64(len(text)))
	var chunk [4096]dna.Base
	for b.Loop() {
		r, err := NewReader(strings.NewReader(text), "", Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = r.Read(chunk[:])
		}
		if err != io.EOF {
			b.Fatal(err)
		}
	}
}

func ExampleReader() {
	text := ">chr1 a small one\nACGTN\nacg\n>chr2\nTTT\n"
	r, err := NewReader(strings.NewReader(text), "example.fa", Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for {
		record, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		s, err := r.Sequence()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: %d bases, %d unknown, %d in lower case\n", record.Name, s.Len(), s.Unknown(0, s.Len()), s.Masked(0, s.Len()))
	}
	// Output:
	// chr1: 8 bases, 1 unknown, 3 in lower case
	// chr2: 3 bases, 0 unknown, 0 in lower case
}
