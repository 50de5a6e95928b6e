package checkpoint_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/checkpoint"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// golden has the files that gen.py there makes.
const golden = "testdata/golden"

func open(t *testing.T, dir string) *checkpoint.Weights {
	t.Helper()
	w, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() }) // it was only read
	return w
}

// folder makes a folder of copies of golden files, by the names that they get.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, source := range files {
		b, err := os.ReadFile(filepath.Join(golden, source))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(b))
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sharded is the names of a golden folder's files, as a folder's.
func sharded(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(golden, dir))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		files[e.Name()] = filepath.Join(dir, e.Name())
	}
	return files
}

// A folder of any form has the tensors of the model, bit for bit.
func TestFormsOfTheSameModel(t *testing.T) {
	want, err := safetensors.Open(filepath.Join(golden, "bert.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	for _, c := range []struct {
		dir   string
		files int
	}{
		{folder(t, map[string]string{"model.safetensors": "bert.safetensors"}), 1},
		{filepath.Join(golden, "sharded_safetensors"), 2},
		{filepath.Join(golden, "sharded_bin"), 2},
	} {
		w := open(t, c.dir)
		if len(w.Files()) != c.files || len(w.Entries()) != len(want.Entries()) || len(w.Notes()) != 0 {
			t.Errorf("%s: found %d tensors in %v, notes %v; want %d in %d files", c.dir, len(w.Entries()), w.Files(), w.Notes(),
				len(want.Entries()), c.files)
		}
		for _, e := range want.Entries() {
			got, ok := w.Lookup(e.Name)
			if !ok || got.String() != e.String() {
				t.Errorf("%s: found %v, want %v", c.dir, got, e)
				continue
			}
			a, errA := w.Bytes(e.Name)
			b, errB := want.Bytes(e.Name)
			if errA != nil || errB != nil || !bytes.Equal(a, b) {
				t.Errorf("%s: %s differs: %v, %v", c.dir, e.Name, errA, errB)
			}
			if view, ok := w.View(e.Name); ok && !bytes.Equal(a, littleEndian(view)) {
				t.Errorf("%s: the view of %s differs", c.dir, e.Name)
			}
		}
	}
}

// littleEndian is the bytes of an F32 matrix, by way of a file.
func littleEndian(m tensor.Mat) []byte {
	var b bytes.Buffer
	if err := safetensors.Write(&b, []safetensors.Tensor{safetensors.Matrix("m", m)}, nil); err != nil {
		return nil
	}
	f, err := safetensors.NewFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		return nil
	}
	data, _ := f.Bytes("m") // nil after an error, which equals nothing
	return data
}

// Of several forms the safer one wins, and one file before several.
func TestOrderOfForms(t *testing.T) {
	files := sharded(t, "sharded_bin")
	maps.Copy(files, map[string]string{"pytorch_model.bin": "zip.bin"})
	if w := open(t, folder(t, files)); filepath.Base(w.Files()[0]) != "pytorch_model.bin" {
		t.Errorf("found %v, want pytorch_model.bin", w.Files())
	}
	maps.Copy(files, sharded(t, "sharded_safetensors"))
	if w := open(t, folder(t, files)); filepath.Base(w.Files()[0]) != "model-00001-of-00002.safetensors" {
		t.Errorf("found %v, want the parts of model.safetensors.index.json", w.Files())
	}
	files["model.safetensors"] = "bert.safetensors"
	if w := open(t, folder(t, files)); filepath.Base(w.Files()[0]) != "model.safetensors" {
		t.Errorf("found %v, want model.safetensors", w.Files())
	}
}

// The first bytes of a file count, not its name.
func TestFilesUnderAnotherName(t *testing.T) {
	dir := folder(t, map[string]string{"a.bin": "bert.safetensors", "b.safetensors": "zip.bin", "c": "legacy.bin"})
	for name, tensors := range map[string]int{"a.bin": 21, "b.safetensors": 24, "c": 24} {
		w, err := checkpoint.OpenFiles(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if len(w.Entries()) != tensors {
			t.Errorf("%s: found %d tensors, want %d", name, len(w.Entries()), tensors)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSeveralNamedFiles(t *testing.T) {
	a, b := filepath.Join(golden, "bert.safetensors"), filepath.Join(golden, "zip.bin")
	w, err := checkpoint.OpenFiles(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(w.Files(), []string{a, b}) || len(w.Entries()) != 45 {
		t.Errorf("found %d tensors in %v", len(w.Entries()), w.Files())
	}
	if ints, err := w.Ints("int64"); err != nil || !slices.Equal(ints, []int64{-1, 1 << 62, 3}) {
		t.Errorf("found %v, %v", ints, err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	_, err = checkpoint.OpenFiles(b, filepath.Join(golden, "legacy.bin"))
	if err == nil || !strings.Contains(err.Error(), `found tensor "base" in`) {
		t.Errorf("found the error %v, expected one about a tensor of two files", err)
	}
}

// The cache of Hugging Face's hub has links to files elsewhere.
func TestLinksOfTheHubsCache(t *testing.T) {
	root := t.TempDir()
	blobs, snapshot := filepath.Join(root, "blobs"), filepath.Join(root, "snapshots", "abc")
	for _, dir := range []string{blobs, snapshot} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, source := range sharded(t, "sharded_safetensors") {
		b, err := os.ReadFile(filepath.Join(golden, source))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(blobs, "sha-of-"+name), string(b))
		if err := os.Symlink(filepath.Join("..", "..", "blobs", "sha-of-"+name), filepath.Join(snapshot, name)); err != nil {
			t.Skip(err)
		}
	}
	if w := open(t, snapshot); len(w.Entries()) != 21 {
		t.Errorf("found %d tensors, want 21", len(w.Entries()))
	}
	if err := os.Remove(filepath.Join(blobs, "sha-of-model-00002-of-00002.safetensors")); err != nil {
		t.Fatal(err)
	}
	refused(t, "a link without a target", snapshot, "found 1 of 2 files, and not model-00002-of-00002.safetensors")
	if err := os.Remove(filepath.Join(blobs, "sha-of-model.safetensors.index.json")); err != nil {
		t.Fatal(err)
	}
	refused(t, "an index without a target", snapshot, "it is a link whose target is missing")
}

// refused fails the test where a folder opens, or its error lacks words.
func refused(t *testing.T, name, dir, want string) {
	t.Helper()
	w, err := checkpoint.Open(dir)
	if err == nil {
		t.Errorf("%s: found %d tensors, expected an error with %q", name, len(w.Entries()), want)
	} else if !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "checkpoint: ") {
		t.Errorf("%s: found the error %v, expected one with %q", name, err, want)
	}
}

func TestFoldersThatAreRefused(t *testing.T) {
	const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345678\n"
	for _, c := range []struct{ name, file, text, want string }{
		{"an empty folder", "config.json", "{}", "found none of model.safetensors, model.safetensors.index.json, pytorch_model.bin"},
		{"a Git LFS pointer", "model.safetensors", pointer, "it is a Git LFS pointer, not the weights; fetch them with 'git lfs pull'"},
		{"a pointer for torch", "pytorch_model.bin", pointer, "it is a Git LFS pointer"},
		{"a pointer for the index", "model.safetensors.index.json", pointer, "it is a Git LFS pointer"},
		{"a short file", "pytorch_model.bin", "x", `it begins with "x"`},
		{"an empty file", "model.safetensors", "", "the file is empty"},
		{"an index that is no JSON", "pytorch_model.bin.index.json", "{", "the index's JSON"},
		{"an index without a map", "pytorch_model.bin.index.json", "{}", `found no tensor in "weight_map"`},
		{"an index of numbers", "pytorch_model.bin.index.json", `{"weight_map": {"a": 1}}`, "the index's JSON"},
		{"parts without an index", "model-00001-of-00002.safetensors", "", "download model.safetensors.index.json too"},
		{"an adapter", "adapter_model.safetensors", "", "seems an adapter (LoRA), not a model"},
		{"TensorFlow", "tf_model.h5", "", "tf_model.h5 seems weights of TensorFlow: convert them with"},
		{"GGUF", "model-q4.gguf", "", "name the file itself"},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, c.file), c.text)
		refused(t, c.name, dir, c.want)
	}
	refused(t, "no folder", filepath.Join(t.TempDir(), "none"), "expected a model folder")
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "model.safetensors"), 0o755); err != nil {
		t.Fatal(err)
	}
	refused(t, "a folder in place of a file", dir, "expected a regular file")
}

// An index may not leave its folder, whatever system it was written for.
func TestNamesThatLeaveTheFolder(t *testing.T) {
	for _, name := range []string{"", ".", "..", "../model.safetensors", "/etc/passwd", "sub/model.safetensors", `..\model.safetensors`,
		`sub\a`, "a\x00b", "model.safetensors.index.json"} {
		dir := t.TempDir()
		text, err := json.Marshal(map[string]any{"weight_map": map[string]string{"x": name}})
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "model.safetensors.index.json"), string(text))
		refused(t, name, dir, fmt.Sprintf(`found tensor "x" in the file %q, expected the name of a file in the index's own folder`, name))
	}
}

// Index and files must agree on every tensor.
func TestIndexesOfOtherFiles(t *testing.T) {
	const first, second, name = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"
	const tensor = "encoder.layer.0.output.dense.bias" // of the second file
	for _, c := range []struct {
		name   string
		change func(weights map[string]string)
		want   string
	}{
		{"a tensor that the index lacks", func(m map[string]string) { delete(m, tensor) },
			`found tensor "` + tensor + `" in ` + second + ", which the index does not list"},
		{"a tensor that the file lacks", func(m map[string]string) { m["x"] = second }, `found no tensor "x" in ` + second},
		{"a tensor of another file", func(m map[string]string) { m[tensor] = first }, `found no tensor "` + tensor + `" in ` + first},
		{"two files that are missing", func(m map[string]string) { m["x"], m["y"] = "a.safetensors", "b.safetensors" },
			"found 2 of 4 files, and not a.safetensors, b.safetensors; download them too"},
	} {
		dir := folder(t, sharded(t, "sharded_safetensors"))
		edit(t, filepath.Join(dir, name), func(ix map[string]any) {
			weights := map[string]string{}
			for k, v := range ix["weight_map"].(map[string]any) {
				weights[k] = v.(string)
			}
			c.change(weights)
			ix["weight_map"] = weights
		})
		refused(t, c.name, dir, c.want)
	}
}

// edit changes a JSON file.
func edit(t *testing.T, path string, change func(map[string]any)) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	change(m)
	if b, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	write(t, path, string(b))
}

// A total_size that is not the sum is a note: real indexes have such.
func TestTotalSizeOfAnIndex(t *testing.T) {
	for _, c := range []struct {
		metadata any
		note     string
	}{
		{nil, ""},
		{map[string]any{}, ""},
		{map[string]any{"total_size": 3152.0}, ""},
		{map[string]any{"total_size": 7}, "states a total_size of 7; the tensors are 3152 bytes."},
		{map[string]any{"total_size": "big"}, `states a total_size of "big"`},
	} {
		dir := folder(t, sharded(t, "sharded_safetensors"))
		edit(t, filepath.Join(dir, "model.safetensors.index.json"), func(ix map[string]any) { ix["metadata"] = c.metadata })
		notes := strings.Join(open(t, dir).Notes(), " ")
		if c.note == "" && notes != "" || !strings.Contains(notes, c.note) {
			t.Errorf("metadata %v: found the notes %q, want %q", c.metadata, notes, c.note)
		}
	}
}

// Any type of weights is read into any type of matrix, as package tensor converts.
func TestConversion(t *testing.T) {
	w, err := checkpoint.OpenFiles(filepath.Join(golden, "zip.bin"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, name := range []string{"base", "transposed", "permuted", "float16", "bfloat16.transposed", "tail", "single", "empty"} {
		e, _ := w.Lookup(name)
		rows, cols := e.Matrix()
		wide := tensor.New(tensor.F32, rows, cols)
		if err := w.ReadMat(wide, name); err != nil {
			t.Fatal(err)
		}
		for _, to := range []tensor.Type{tensor.BF16, tensor.F16} {
			want, got := tensor.New(to, rows, cols), tensor.New(to, rows, cols)
			if err := tensor.Convert(tensor.Exec{}, want, wide); err != nil {
				t.Fatal(err)
			}
			if err := w.ReadMat(got, name); err != nil || !slices.Equal(got.U16, want.U16) {
				t.Errorf("%s as %v is %x, %v; want %x", name, to, got.U16, err, want.U16)
			}
		}
	}
	column := tensor.New(tensor.BF16, 6, 1)
	if err := w.ReadMat(column, "tail"); err != nil || column.U16[1] != 0x402e { // 19/7 = 2.714
		t.Errorf("a vector as a column is %x, %v", column.U16, err)
	}
}

func TestReadingThatIsRefused(t *testing.T) {
	w, err := checkpoint.OpenFiles(filepath.Join(golden, "zip.bin"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	_, bytesErr := w.Bytes("none")
	_, intsErr := w.Ints("none")
	_, floatErr := w.Ints("base")
	for _, c := range []struct {
		err  error
		want string
	}{
		{bytesErr, `no tensor is named "none" among the 24 of testdata/golden/zip.bin`},
		{intsErr, `no tensor is named "none"`},
		{w.ReadMat(tensor.New(tensor.F32, 1, 1), "none"), `no tensor is named "none"`},
		{floatErr, `zip.bin: tensor "base" is F32; I64 was expected`},
		{w.ReadMat(tensor.New(tensor.F32, 4, 5), "base"), `tensor "base" has the shape [4 6]; 4×5 was expected`},
		{w.ReadMat(tensor.New(tensor.BF16, 4, 5), "base"), `tensor "base" has the shape [4 6]; 4×5 was expected`},
		{w.ReadMat(tensor.New(tensor.BF16, 6, 4), "base"), `tensor "base" has the shape [4 6]; 6×4 was expected`},
		{w.ReadMat(tensor.New(tensor.F32, 1, 3), "int64"), `tensor "int64" is I64; F64, F32, BF16 or F16 was expected`},
		{w.ReadMat(tensor.New(tensor.F16, 1, 3), "int64"), `tensor "int64" is I64`},
	} {
		if c.err == nil || !strings.Contains(filepath.ToSlash(c.err.Error()), c.want) {
			t.Errorf("found the error %v, expected one with %q", c.err, c.want)
		}
	}
}
