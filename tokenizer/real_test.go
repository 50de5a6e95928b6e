package tokenizer_test

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/longspan/longspan/tokenizer"
)

// reals are the genuine files in the folder that LONGSPAN_REAL names, which testdata/real/real.py fills, by their name.
func reals(t testing.TB) (dir string, names []string) {
	t.Helper()
	if dir = os.Getenv("LONGSPAN_REAL"); dir == "" {
		t.Skip("LONGSPAN_REAL is not set to a folder that testdata/real/real.py has filled")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.golden.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no golden file (%v); run testdata/real/real.py", dir, err)
	}
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".golden.gz"))
	}
	return dir, names
}

// Genuine tokenizers give what the library gives, on two thousand nasty texts each.
func TestReal(t *testing.T) {
	dir, names := reals(t)
	var texts []string
	b, err := os.ReadFile(filepath.Join(dir, "texts.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &texts); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			var golden struct {
				Texts []answer
				Long  []string
			}
			f, err := os.Open(filepath.Join(dir, name+".golden.gz"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			z, err := gzip.NewReader(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.NewDecoder(z).Decode(&golden); err != nil {
				t.Fatal(err)
			}
			tok, err := tokenizer.Open(filepath.Join(dir, name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			for i, text := range texts {
				agrees(t, tok, text, texts[len(texts)-1-i], golden.Texts[i])
			}
			for i, text := range long {
				e, err := tok.EncodeDocument(text)
				if got := checksum(e.IDs, flat(e.Offsets)); err != nil || got != golden.Long[i] {
					t.Errorf("a long text of %.10q has %d tokens that differ (%v)", text, len(e.IDs), err)
				}
			}
		})
	}
}

// BenchmarkReal encodes a text of about a megabyte, and reports how long the file takes to read.
func BenchmarkReal(b *testing.B) {
	dir, names := reals(b)
	text, err := os.ReadFile(filepath.Join(dir, "text.txt"))
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range names {
		began := time.Now()
		tok, err := tokenizer.Open(filepath.Join(dir, name+".json"))
		if err != nil {
			b.Fatal(err)
		}
		read := time.Since(began)
		b.Run(name, func(b *testing.B) {
			benchEncode(b, tok, string(text))
			b.ReportMetric(float64(read.Milliseconds()), "ms-to-read")
		})
	}
}
