package gguf_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/longspan/longspan/gguf"
	"github.com/longspan/longspan/tensor"
)

// realFile is the path of a file that _tools/real.sh fetches; the test is left out without them.
func realFile(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("LONGSPAN_REAL")
	if dir == "" {
		t.Skip("LONGSPAN_REAL names no folder with real files; make real fetches them")
	}
	return filepath.Join(dir, name)
}

func readJSON(t *testing.T, path string, to any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, to); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func openReal(t *testing.T, name string) *gguf.File {
	t.Helper()
	f, err := gguf.Open(realFile(t, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// All elements of real models widen to the bits that gguf-py gives.
func TestRealElements(t *testing.T) {
	var want map[string]string
	readJSON(t, "testdata/golden/real.json", &want)
	for name, digest := range want {
		f := openReal(t, name)
		hash := sha256.New()
		for _, e := range f.Entries() {
			m := readF32(t, f, e.Name)
			hash.Write(unsafe.Slice((*byte)(unsafe.Pointer(&m.F32[0])), m.Bytes()))
		}
		if got := hex.EncodeToString(hash.Sum(nil)); got != digest {
			t.Errorf("%s: the elements have the digest %s, want %s", name, got, digest)
		}
	}
}

// Merges that are made of scores, and those of files, are the original tokenizer's, and so are the ids of tokens.
func TestRealMerges(t *testing.T) {
	for name, original := range map[string]string{
		"gemma-3-270m/gemma-3-270m-q4_k_m.gguf":  "gemma3",
		"vocabularies/ggml-vocab-gpt-2.gguf":     "gpt2",
		"vocabularies/ggml-vocab-llama-bpe.gguf": "llama3",
		"vocabularies/ggml-vocab-qwen2.gguf":     "qwen2_5",
	} {
		f := openReal(t, name)
		var want struct {
			Model struct {
				Vocab  map[string]int
				Merges []merge
			}
		}
		readJSON(t, realFile(t, filepath.Join("tokenizers", original, "tokenizer.json")), &want)
		got := parse(t, f)
		if !slices.EqualFunc(got.Model.Merges, want.Model.Merges, func(a [2]string, b merge) bool { return a == [2]string(b) }) {
			t.Errorf("%s: the %d merges differ from the original's %d", name, len(got.Model.Merges), len(want.Model.Merges))
		}
		var ids map[string]int
		if err := json.Unmarshal(got.Model.Vocab, &ids); err != nil {
			t.Fatal(err)
		}
		for token, id := range want.Model.Vocab {
			if ids[token] != id {
				t.Errorf("%s: %q has the id %d, want %d", name, token, ids[token], id)
			}
		}
	}
}

// merge is "a b" or ["a", "b"].
type merge [2]string

func (m *merge) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return json.Unmarshal(b, (*[2]string)(m))
	}
	var line string
	if err := json.Unmarshal(b, &line); err != nil {
		return err
	}
	m[0], m[1], _ = strings.Cut(line, " ")
	return nil
}

var writeJSON = flag.String("tokenizers", "", "a folder for the tokenizers of real vocabularies, which testdata/golden/real.py checks")

// Every real vocabulary that names its pre-tokenizer becomes a tokenizer; those from before the name are refused.
func TestRealTokenizers(t *testing.T) {
	paths, err := filepath.Glob(realFile(t, "vocabularies/*.gguf"))
	if err != nil || len(paths) != 19 {
		t.Fatalf("%d vocabularies (%v), want 19", len(paths), err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "ggml-vocab-"), ".gguf")
		f := openReal(t, filepath.Join("vocabularies", filepath.Base(path)))
		b, err := f.TokenizerJSON()
		if old := name == "aquila" || name == "gpt-neox"; old != (err != nil) {
			t.Errorf("%s: found the error %v", name, err)
		}
		if err == nil && *writeJSON != "" {
			if err := os.WriteFile(filepath.Join(*writeJSON, name+".json"), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// BenchmarkRealElements widens a whole model.
func BenchmarkRealElements(b *testing.B) {
	path := os.Getenv("LONGSPAN_REAL")
	if path == "" {
		b.Skip("LONGSPAN_REAL names no folder")
	}
	for _, name := range []string{"SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m/gemma-3-270m-q4_k_m.gguf"} {
		for _, to := range []tensor.Type{tensor.F32, tensor.BF16} {
			b.Run(name[:5]+"/"+to.String(), func(b *testing.B) { benchmarkModel(b, filepath.Join(path, name), to) })
		}
	}
}

func benchmarkModel(b *testing.B, path string, to tensor.Type) {
	f, err := gguf.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	into := map[string]tensor.Mat{}
	for _, e := range f.Entries() {
		rows, cols := e.Matrix()
		into[e.Name] = tensor.New(to, rows, cols)
	}
	for b.Loop() {
		for name, m := range into {
			if err := f.ReadMat(m, name); err != nil {
				b.Fatal(err)
			}
		}
	}
}
