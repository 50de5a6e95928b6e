package recipe_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/labelled"
	"github.com/longspan/longspan/data/pairs"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/recipe"
)

// folderWith returns a new folder with one file.
func folderWith(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func textOf(dir string) *recipe.Data {
	return &recipe.Data{Batch: 2, Text: &recipe.Text{Train: []string{dir}, Validation: []string{dir}, Tokens: 4}}
}

// The content of the files identifies them. A name need not be UTF-8, which a saved position is.
func TestMovedDocumentsAreResumed(t *testing.T) {
	dir := folderWith(t, "caf\xe9.txt", strings.Repeat("hello ", 20))
	moved := filepath.Join(t.TempDir(), "elsewhere")
	var before, after data.Batch
	first := setsOf(t, textOf(dir)).Train
	if err := first.Next(&before); err != nil {
		t.Fatal(err)
	}
	state := first.State()
	if err := first.Next(&before); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	second := setsOf(t, textOf(moved)).Train
	if err := second.Restore(state); err != nil {
		t.Fatal(err)
	}
	if err := second.Next(&after); err != nil || !cmp.Equal(before, after) {
		t.Errorf("resumed with %v, %v; want %v", after, err, before)
	}
	other := setsOf(t, textOf(folderWith(t, "caf\xe9.txt", strings.Repeat("hallo ", 20)))).Train
	if err := other.Restore(state); err == nil || !strings.Contains(err.Error(), "documents of the digest") {
		t.Errorf("error %v, want one about the digest", err)
	}
}

func TestNotesTellWhatIsLeftOut(t *testing.T) {
	dir := folderWith(t, "a.jsonl", "{\"text\":\"a\",\"label\":1,\"source\":\"b\",\"target\":\"c\"}\n"+
		"{\"text\":\"b\",\"label\":2,\"source\":\"b\",\"target\":\"c\"}\n")
	if err := os.WriteFile(filepath.Join(dir, "b.csv"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	paths := []string{dir}
	for name, d := range map[string]*recipe.Data{
		"text": textOf(dir), "labelled": {Batch: 1, Labelled: &labelled.Config{Train: paths, Validation: paths}},
		"pairs": {Batch: 1, Pairs: &pairs.Config{Train: paths, Validation: paths}},
	} {
		if notes := setsOf(t, d).Notes; len(notes) != 2 || !strings.Contains(notes[0], "left out 1 file, "+filepath.Join(dir, "b.csv")) {
			t.Errorf("%s: notes %q, want that of the left out file for each of the two lists", name, notes)
		}
	}
}

func TestARowThatIsDamagedIsFoundAtOnce(t *testing.T) {
	dir := folderWith(t, "a.jsonl", strings.Repeat("{\"text\":\"a\"}\n", 1000)+"{\"text\":")
	if _, err := textOf(dir).Open(1); err == nil || !strings.Contains(err.Error(), "line 1001") {
		t.Errorf("error %v, want one about line 1001", err)
	}
}

func TestUnpackedDocumentsKeepWithinTheBudget(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(strings.Repeat("{\"text\":\""+strings.Repeat("x",
		1000)+"\",\"label\":1,\"source\":\"b\",\"target\":\"c\"}\n", 20_000))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	paths := []string{folderWith(t, "a.jsonl.gz", packed.String())}
	for name, d := range map[string]*recipe.Data{
		"labelled": {Batch: 1, Labelled: &labelled.Config{Train: paths, HoldOut: 3}}, "pairs": {Batch: 1, Pairs: &pairs.Config{Train: paths,
			HoldOut: 3}},
	} {
		_, err := d.OpenWithin(1, 10<<20)
		var e *memory.Error
		if !errors.As(err, &e) || e.Need > 14<<20 {
			t.Errorf("%s: error %v, want one about memory near 10 MiB", name, err)
		}
	}
	// The parts share the documents.
	sets := setsOf(t, &recipe.Data{Batch: 1, Pairs: &pairs.Config{Train: paths, HoldOut: 3}})
	if sets.Bytes > 25_000_000 {
		t.Errorf("the readers of 21 MB take %d bytes", sets.Bytes)
	}
}

// N of DNA is neither hidden nor predicted by a masked language model, and a run keeps that.
func TestMaskedModelsOfDNALeaveOutN(t *testing.T) {
	for text, want := range map[string][]int{
		"model: {kind: encoder}\ndata: {genome: {tokens: 64}}":                    {4},
		"model: {kind: encoder}\ndata: {text: {tokens: 64}}":                      nil,
		"data: {genome: {tokens: 64}}":                                            nil,
		"model: {kind: encoder, never_masked: [1]}\ndata: {text: {tokens: 64}}\n": {1},
	} {
		r, err := recipe.Parse([]byte(text), "r", nil)
		if err != nil {
			t.Fatal(err)
		}
		sets := setsOf(t, &r.Data)
		if err := r.Fit(sets); err != nil {
			t.Fatal(err)
		}
		if !cmp.Equal(r.Model.NeverMasked, want) {
			t.Errorf("%s: never masked are %v, want %v", text, r.Model.NeverMasked, want)
		}
	}
}
