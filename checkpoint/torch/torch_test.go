package torch_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/longspan/longspan/checkpoint/torch"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// golden has the files that gen.py there makes.
const golden = "../testdata/golden"

func openMapped(t *testing.T, name string) *torch.File {
	t.Helper()
	f, err := torch.OpenMapped(filepath.Join(golden, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // it was only read
	return f
}

// openRead opens a file that is not mapped.
func openRead(t *testing.T, name string) *torch.File {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(golden, name))
	if err != nil {
		t.Fatal(err)
	}
	f, err := torch.NewFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Every file of torch.save gives the elements that torch itself wrote to a safetensors file.
func TestElementsEqualTorchs(t *testing.T) {
	want, err := safetensors.Open(filepath.Join(golden, "tensors.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	for name, f := range map[string]*torch.File{
		"zip": openMapped(t, "zip.bin"), "zip, read": openRead(t, "zip.bin"), "zip64": openMapped(t, "zip64.bin"),
		"legacy": openMapped(t, "legacy.bin"), "legacy, read": openRead(t, "legacy.bin"),
	} {
		if len(f.Entries()) != len(want.Entries()) {
			t.Errorf("%s: found %d tensors, want %d", name, len(f.Entries()), len(want.Entries()))
		}
		for _, e := range want.Entries() {
			compare(t, name, f, want, e)
		}
	}
}

// compare holds one tensor against the reference in every way of reading.
func compare(t *testing.T, file string, f *torch.File, want *safetensors.File, e safetensors.Entry) {
	t.Helper()
	got, ok := f.Lookup(e.Name)
	if diff := cmp.Diff(e, got, cmpopts.IgnoreUnexported(e), cmpopts.EquateEmpty()); !ok || diff != "" {
		t.Errorf("%s: %s (-want +got):\n%s", file, e.Name, diff)
		return
	}
	wantBytes, err := want.Bytes(e.Name)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := f.Bytes(e.Name); err != nil || !bytes.Equal(b, wantBytes) {
		t.Errorf("%s: %s has the bytes %x, %v; want %x", file, e.Name, b, err, wantBytes)
	}
	if view, ok := f.View(e.Name); ok {
		m, ok := e.View(wantBytes)
		if !ok || view.Rows != m.Rows || view.Cols != m.Cols || view.Type != m.Type || !bytes.Equal(raw(view), raw(m)) {
			t.Errorf("%s: %s has the view %v, want %v", file, e.Name, view, m)
		}
	}
	rows, cols := e.Matrix()
	a, b := tensor.New(tensor.F32, rows, cols), tensor.New(tensor.F32, rows, cols)
	errA, errB := f.ReadMat(a, e.Name), want.ReadMat(b, e.Name)
	if (errA == nil) != (errB == nil) || errA == nil && !bytes.Equal(raw(a), raw(b)) {
		t.Errorf("%s: %s reads as %v, %v; want %v, %v", file, e.Name, a.F32, errA, b.F32, errB)
	}
	intsA, errA := f.Ints(e.Name)
	intsB, errB := want.Ints(e.Name)
	if (errA == nil) != (errB == nil) || !slices.Equal(intsA, intsB) {
		t.Errorf("%s: %s has the integers %v, %v; want %v, %v", file, e.Name, intsA, errA, intsB, errB)
	}
}

// raw is the bits of a matrix.
func raw(m tensor.Mat) []byte {
	var b []byte
	for _, x := range m.U16 {
		b = append(b, byte(x), byte(x>>8))
	}
	for i, x := range m.F32 {
		b = append(b, strconv.Itoa(i)...)
		b = strconv.AppendFloat(b, float64(x), 'x', -1, 32)
	}
	return b
}

// Tensors in order are used where they lie, and tied ones are the same memory.
func TestViewsAreInPlace(t *testing.T) {
	f := openMapped(t, "zip.bin")
	base, ok := f.View("base")
	if !ok {
		t.Skip("files are not mapped here")
	}
	tied, ok1 := f.View("tied")
	tail, ok2 := f.View("tail")
	single, ok3 := f.View("single.of.base")
	if !ok1 || !ok2 || !ok3 || &tied.F32[0] != &base.F32[0] || &tail.F32[0] != &base.F32[18] || &single.F32[0] != &base.F32[16] {
		t.Errorf("tied, tail and single.of.base have views: %v, %v, %v; they should be parts of base", ok1, ok2, ok3)
	}
	for _, name := range []string{"transposed", "part", "every.second", "expanded", "bfloat16.transposed", "int64", "empty", "none"} {
		if _, ok := f.View(name); ok {
			t.Errorf("%s has a view", name)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, ok := f.View("base"); ok {
		t.Error("a closed file has views")
	}
}

// A pickle of more items than one batch, whose memo needs more than a byte.
func TestManyNamesOfOneTensor(t *testing.T) {
	f := openMapped(t, "many.bin")
	if len(f.Entries()) != 1100 || f.Entries()[1099].Name != "1099" {
		t.Fatalf("found %d tensors, want 1100 in the order of the file", len(f.Entries()))
	}
	m := tensor.New(tensor.F32, 1, 1)
	if err := f.ReadMat(m, "1099"); err != nil || m.F32[0] != 2.5 {
		t.Errorf("found %v, %v; want 2.5", m.F32, err)
	}
}

// torch can leave out checksums, and writes another number in their place.
func TestChecksumsAreNotNeeded(t *testing.T) {
	if f := openMapped(t, "nocrc.bin"); len(f.Entries()) != 1 {
		t.Errorf("found %v, want one tensor", f.Entries())
	}
}

// Each file that must be refused is, with the words of refused.json.
func TestFilesThatAreRefused(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(golden, "refused.json"))
	if err != nil {
		t.Fatal(err)
	}
	var words map[string]string
	if err := json.Unmarshal(text, &words); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(words)) {
		path := filepath.Join(golden, name+".refused.bin")
		f, err := torch.OpenMapped(path)
		if err == nil {
			t.Errorf("%s: found the tensors %v, expected an error", name, f.Entries())
		} else if !strings.Contains(err.Error(), words[name]) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: found the error %v, expected one with the path and %q", name, err, words[name])
		}
	}
}

// Code is refused with a warning, torch's own functions with another remedy.
func TestRemediesOfForeignGlobals(t *testing.T) {
	for name, want := range map[string]string{
		"command": "do not load it with torch.load either", "uint16": "holds more than a dictionary of dense tensors",
	} {
		if _, err := torch.OpenMapped(filepath.Join(golden, name+".refused.bin")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: found the error %v, expected one with %q", name, err, want)
		}
	}
}

func TestForeignFilesAreNamed(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345678\n",
			"it is a Git LFS pointer, not the weights; fetch them with 'git lfs pull'"},
		{"page", "<!DOCTYPE html>\n", "it is a web page"},
		{"empty", "", "the file is empty"},
		{"short", "P", `it begins with "P"`},
		{"unknown", strings.Repeat("x", 100), "expected a zip archive or the magic number"},
		{"zip's head", "PK\x03\x04", "the zip archive: zip: not a valid zip file"},
	} {
		path := filepath.Join(t.TempDir(), "pytorch_model.bin")
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := torch.OpenMapped(path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: found the error %v, expected one with the path and %q", c.name, err, c.want)
		}
	}
}

// A file that is cut anywhere is refused.
func TestCutFilesAreRefused(t *testing.T) {
	for _, name := range []string{"zip.bin", "legacy.bin"} {
		b, err := os.ReadFile(filepath.Join(golden, name))
		if err != nil {
			t.Fatal(err)
		}
		for n := range b {
			if _, err := torch.NewFile(bytes.NewReader(b[:n]), int64(n)); err == nil {
				t.Fatalf("%s: %d of %d bytes are taken for a file", name, n, len(b))
			}
		}
		longer := append(slices.Clone(b), 0)
		if _, err := torch.NewFile(bytes.NewReader(longer), int64(len(longer))); name == "legacy.bin" && err == nil {
			t.Errorf("%s: a byte after the last storage is not seen", name)
		}
	}
}

func TestTensorsThatAreNotThere(t *testing.T) {
	f := openMapped(t, "nocrc.bin")
	const want = `no tensor is named "none" among the 1 in the file`
	_, bytesErr := f.Bytes("none")
	_, intsErr := f.Ints("none")
	for _, err := range []error{bytesErr, intsErr, f.ReadMat(tensor.New(tensor.F32, 1, 1), "none")} {
		if err == nil || err.Error() != want {
			t.Errorf("found the error %v, expected %q", err, want)
		}
	}
}

func FuzzFile(f *testing.F) {
	for _, name := range []string{"zip.bin", "legacy.bin", "nocrc.bin", "zip64.bin",
		"command.refused.bin", "huge.refused.bin", "command.zip.refused.bin"} {
		b, err := os.ReadFile(filepath.Join(golden, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := torch.NewFile(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for _, e := range file.Entries() {
			if e.Bytes() > int64(len(b)) {
				t.Fatalf("%v has %d bytes in a file of %d", e, e.Bytes(), len(b))
			}
			data, err := file.Bytes(e.Name)
			if err != nil || int64(len(data)) != e.Bytes() {
				t.Fatalf("%v gave %d bytes, %v", e, len(data), err)
			}
		}
	})
}
