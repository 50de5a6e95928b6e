package gguf_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/longspan/longspan/gguf"
	"github.com/longspan/longspan/tokenizer"
)

// openTokenizer reads the tokenizer inside a GGUF file.
func openTokenizer(t *testing.T, f *gguf.File) *tokenizer.Tokenizer {
	t.Helper()
	b, err := f.TokenizerJSON()
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func encode(t *testing.T, tok *tokenizer.Tokenizer, text string) []int32 {
	t.Helper()
	e, err := tok.Encode(text)
	if err != nil {
		t.Errorf("%q: %v", text, err)
	}
	return e.IDs
}

// idsOf is a text with its ids.
type idsOf struct {
	text string
	ids  []int32
}

func (c *idsOf) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &[]any{&c.text, &c.ids}) }

// The tokenizers inside the golden files give the ids of the trained originals.
func TestGoldenIDs(t *testing.T) {
	var cases []struct {
		File     string
		Texts    []idsOf
		Document []int32
		Pair     []int32
	}
	readJSON(t, "testdata/golden/tokens.json", &cases)
	for _, c := range cases {
		f, err := gguf.Open(filepath.Join("testdata/golden", c.File+".gguf"))
		if err != nil {
			t.Fatal(err)
		}
		tok := openTokenizer(t, f)
		for _, text := range c.Texts {
			if got := encode(t, tok, text.text); !slices.Equal(got, text.ids) {
				t.Errorf("%s: %q gives %v, want %v", c.File, text.text, got, text.ids)
			}
		}
		if e, err := tok.EncodeDocument("the dog"); err != nil || !slices.Equal(e.IDs, c.Document) {
			t.Errorf("%s: the document gives %v (%v), want %v", c.File, e.IDs, err, c.Document)
		}
		if e, err := tok.EncodePair("the", "dog"); c.Pair != nil && (err != nil || !slices.Equal(e.IDs, c.Pair)) {
			t.Errorf("%s: the pair gives %v (%v), want %v", c.File, e.IDs, err, c.Pair)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The tokenizers inside llama.cpp's vocabularies give the ids of its test vectors.
func TestRealVectors(t *testing.T) {
	paths, err := filepath.Glob(realFile(t, "vocabularies/*.inp"))
	if err != nil || len(paths) != 15 {
		t.Fatalf("%d files of texts (%v), want 15", len(paths), err)
	}
	for _, path := range paths {
		vocabulary := strings.TrimSuffix(filepath.Base(path), ".inp")
		tok := openTokenizer(t, openReal(t, filepath.Join("vocabularies", vocabulary)))
		equal, cases := 0, vectors(t, path)
		for _, c := range cases {
			// Qwen 3.5's vectors are without Unicode's composed form, which the original tokenizer takes.
			if strings.Contains(vocabulary, "qwen35") && !norm.NFC.IsNormalString(c.text) {
				continue
			}
			if got := encode(t, tok, c.text); !slices.Equal(got, c.ids) {
				t.Errorf("%s: %q gives %v, want %v", vocabulary, c.text, got, c.ids)
			}
			equal++
		}
		t.Logf("%s: %d of %d texts compared", vocabulary, equal, len(cases))
	}
}

// vectors are the texts of a file NAME.inp with the ids in NAME.out.
func vectors(t *testing.T, path string) []idsOf {
	t.Helper()
	texts, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := os.ReadFile(strings.TrimSuffix(path, ".inp") + ".out")
	if err != nil {
		t.Fatal(err)
	}
	const parting = "\n__ggml_vocab_test__\n"
	var cases []idsOf
	for i, line := range strings.Split(strings.TrimSuffix(string(lines), "\n"), "\n") {
		text := strings.Split(strings.TrimSuffix(string(texts), parting), parting)[i]
		c := idsOf{text: text, ids: []int32{}}
		for _, word := range strings.Fields(line) {
			id, err := strconv.ParseInt(word, 10, 32)
			if err != nil {
				t.Fatal(err)
			}
			c.ids = append(c.ids, int32(id))
		}
		cases = append(cases, c)
	}
	return cases
}

// The tokenizers inside GGUF files give the ids of the originals on texts of many scripts.
func TestRealOriginals(t *testing.T) {
	texts := []string{"Tiếng Việt rất đẹp", "e\u0301 cafe\u0301 ﬁ ½ ①", "  two  blanks  ", " lead", "trail ", "tab\tx\r\n\r\ny",
		"\u200d👨\u200d👩\u200d👧", "\u3000全角　空白", strings.Repeat("a", 5000), "▁▁ literal ▁", "\n\n\n\n x\t\t\ty      z", "<table><tr>"}
	for _, c := range vectors(t, realFile(t, "vocabularies/ggml-vocab-qwen35.gguf.inp")) {
		texts = append(texts, c.text)
	}
	for name, original := range map[string]string{
		"gemma-3-270m/gemma-3-270m-q4_k_m.gguf":       "tokenizers/gemma3",
		"vocabularies/ggml-vocab-gpt-2.gguf":          "tokenizers/gpt2",
		"vocabularies/ggml-vocab-llama-bpe.gguf":      "tokenizers/llama3",
		"vocabularies/ggml-vocab-qwen2.gguf":          "tokenizers/qwen2_5",
		"vocabularies/ggml-vocab-nomic-bert-moe.gguf": "tokenizers/multilingual-e5-small",
		"vocabularies/ggml-vocab-bert-bge.gguf":       "all-MiniLM-L6-v2",
	} {
		made := openTokenizer(t, openReal(t, name))
		want, err := tokenizer.Open(realFile(t, filepath.Join(original, "tokenizer.json")))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			if a, b := encode(t, made, text), encode(t, want, text); !slices.Equal(a, b) {
				t.Errorf("%s: %q gives %v, want %v", name, text, a, b)
			}
		}
	}
}
