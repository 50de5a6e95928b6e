package tokenizer_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/tokenizer"
)

const goldenDir = "testdata/golden"

var update = flag.Bool("update", false, "write the tokenizer files of testdata/golden; run gen.py after it")

// goldens are the tokenizers of testdata/golden, by the name of their file.
func goldens(t testing.TB) map[string]*tokenizer.Tokenizer {
	t.Helper()
	end := []int32{256}
	sources, err := tokenizer.Bytes().WithTemplate(tokenizer.Template{Before: end, After: end})
	if err != nil {
		t.Fatal(err)
	}
	numbers, err := tokenizer.Numbers(120)
	if err != nil {
		t.Fatal(err)
	}
	words, err := tokenizer.Words([]string{"<b>", "é", "\"q\"", "a&b", "\\", "日本"})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*tokenizer.Tokenizer{
		"bytes": tokenizer.Bytes(), "sources": sources, "dna": tokenizer.DNA(),
		"listops": tokenizer.ListOps(), "numbers": numbers, "words": words,
	}
}

// golden is what the library tokenizers makes of a file of ours.
type golden struct {
	Versions map[string]string
	Vocab    int
	Tokens   []string // by id
	Texts    []struct {
		Text              string
		Error             bool // the text has a word that is not in the vocabulary
		IDs, DocumentIDs  []int32
		Offsets, Document [][2]int32
		Decoded           string
	}
}

// Save writes the files that the library read, byte for byte.
func TestSaveWritesTheGoldenFiles(t *testing.T) {
	for name, tok := range goldens(t) {
		var b bytes.Buffer
		if err := tok.Save(&b); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(goldenDir, name+".tokenizer.json")
		if *update {
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), b.String()); diff != "" {
			t.Errorf("%s: Save differs from the file (-file +Save); run the test with -update, and gen.py:\n%s", name, diff)
		}
	}
}

// Ids, offsets, names of tokens and decoded text are those of the library, in our own tokenizer and in its file read back.
func TestGolden(t *testing.T) {
	for name, made := range goldens(t) {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(goldenDir, name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var g golden
			if err := json.Unmarshal(b, &g); err != nil {
				t.Fatal(err)
			}
			opened, err := tokenizer.Open(filepath.Join(goldenDir, name+".tokenizer.json"))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, made, g)
			compare(t, opened, g)
		})
	}
}

func compare(t *testing.T, tok *tokenizer.Tokenizer, g golden) {
	t.Helper()
	if tok.Vocab() != g.Vocab || len(g.Tokens) != g.Vocab || len(g.Texts) < 3 {
		t.Fatalf("a vocabulary of %d tokens; the file has %d, %d names and %d texts", tok.Vocab(), g.Vocab, len(g.Tokens), len(g.Texts))
	}
	for id, token := range g.Tokens {
		if got, ok := tok.ID(token); tok.Token(int32(id)) != token || !ok || got != int32(id) {
			t.Errorf("token %d is %q and %q has the id %d, want %q", id, tok.Token(int32(id)), token, got, token)
		}
	}
	for _, c := range g.Texts {
		e, err := tok.Encode(c.Text)
		if c.Error {
			if err == nil {
				t.Errorf("%.40q was read without an error; the library refuses it", c.Text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%.40q: %v", c.Text, err)
			continue
		}
		equal(t, c.Text, e, c.IDs, c.Offsets)
		if got := tok.Decode(e.IDs); got != c.Decoded {
			t.Errorf("%.40q is decoded to %.40q, want %.40q", c.Text, got, c.Decoded)
		}
		if e, err = tok.EncodeDocument(c.Text); err != nil {
			t.Errorf("%.40q: %v", c.Text, err)
		}
		equal(t, c.Text, e, c.DocumentIDs, c.Document)
		if got := tok.Decode(e.IDs); got != c.Decoded {
			t.Errorf("the document %.40q is decoded to %.40q, want %.40q", c.Text, got, c.Decoded)
		}
	}
}

// equal compares an encoding with the library's.
func equal(t *testing.T, text string, e tokenizer.Encoding, ids []int32, offsets [][2]int32) {
	t.Helper()
	got := make([][2]int32, len(e.Offsets))
	for i, s := range e.Offsets {
		got[i] = [2]int32{s.From, s.To}
	}
	if !slices.Equal(e.IDs, ids) {
		t.Errorf("%.40q has the ids %v, want %v", text, e.IDs, ids)
	}
	if !slices.Equal(got, offsets) {
		t.Errorf("%.40q has the offsets %v, want %v", text, got, offsets)
	}
}
