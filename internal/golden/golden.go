// Package golden opens golden files in tests: inputs, outputs and gradients of an operation, computed by another library. A
// MANIFEST.json beside them names the library, its settings and the tolerance.
package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// Dir is where a package's golden files lie, seen from its tests.
const Dir = "testdata/golden"

// manifest is MANIFEST.json.
type manifest struct {
	Versions map[string]string `json:"versions"` // of the libraries that made the files
	Files    map[string]entry  `json:"files"`    // by name, without the ending
}

// entry describes one file.
type entry struct {
	Source    string                     `json:"source"` // the function that made it
	Seed      int                        `json:"seed"`
	Settings  map[string]json.RawMessage `json:"settings"` // numbers and lists of integers
	Tolerance float64                    `json:"tolerance"`
	Reason    string                     `json:"reason"` // for the tolerance
}

// File is a golden file. Its methods end the test where the file does not have what they are asked for.
type File struct {
	// Tolerance is how far float64 arithmetic may be from the file, as a share of the largest element.
	Tolerance float64

	t        testing.TB
	file     *safetensors.File
	settings map[string]json.RawMessage
}

// Open opens the file of a name in Dir for the length of the test.
func Open(t testing.TB, name string) *File {
	t.Helper()
	m := read(t)
	e, ok := m.Files[name]
	if !ok {
		t.Fatalf("golden: %s is not in %s/MANIFEST.json", name, Dir)
	}
	file, err := safetensors.Open(filepath.Join(Dir, name+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() }) // it was only read
	return &File{Tolerance: e.Tolerance, t: t, file: file, settings: e.Settings}
}

// Names lists the files of the manifest in alphabetical order, so that a test can hold that each is used.
func Names(t testing.TB) []string {
	t.Helper()
	return slices.Sorted(maps.Keys(read(t).Files))
}

func read(t testing.TB) manifest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Dir, "MANIFEST.json"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// parse reads a manifest. An unknown key, a tolerance that is no share, or one without a reason is an error.
func parse(text []byte) (manifest, error) {
	var m manifest
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, fmt.Errorf("golden: reading MANIFEST.json: %w", err)
	}
	for name, e := range m.Files {
		if !(e.Tolerance >= 0 && e.Tolerance < 1) || e.Reason == "" || e.Source == "" {
			return m, fmt.Errorf("golden: %s has the tolerance %g, the reason %q and the source %q; expected a share from 0 to 1, and both texts",
				name, e.Tolerance, e.Reason, e.Source)
		}
	}
	return m, nil
}

// Mat reads a tensor into an F32 matrix: bf16 widens exactly, and float64 is rounded.
func (f *File) Mat(name string) tensor.Mat {
	f.t.Helper()
	e, ok := f.file.Lookup(name)
	if !ok {
		f.t.Fatalf("golden: no tensor %q among %v", name, f.file.Entries())
	}
	rows, cols := e.Matrix()
	m := tensor.New(tensor.F32, rows, cols)
	if err := f.file.ReadMat(m, name); err != nil {
		f.t.Fatal(err)
	}
	return m
}

// Int64s reads an I64 tensor.
func (f *File) Int64s(name string) []int64 {
	f.t.Helper()
	x, err := f.file.Ints(name)
	if err != nil {
		f.t.Fatal(err)
	}
	return x
}

// Float is a setting that is a number.
func (f *File) Float(setting string) (x float64) {
	f.t.Helper()
	f.decode(setting, &x)
	return x
}

// Int is a setting that is an integer.
func (f *File) Int(setting string) (x int) {
	f.t.Helper()
	f.decode(setting, &x)
	return x
}

// Ints is a setting that is a list of integers.
func (f *File) Ints(setting string) (x []int) {
	f.t.Helper()
	f.decode(setting, &x)
	return x
}

func (f *File) decode(setting string, to any) {
	f.t.Helper()
	text, ok := f.settings[setting]
	if !ok {
		f.t.Fatalf("golden: the file has no setting %q", setting)
	}
	if err := json.Unmarshal(text, to); err != nil {
		f.t.Fatalf("golden: setting %q: %v", setting, err)
	}
}

// Near fails the test where an element of got is further from want than tolerance times the largest element of want.
func Near(t testing.TB, what string, got, want []float64, tolerance float64) {
	t.Helper()
	largest := 0.0
	for _, x := range want {
		largest = max(largest, math.Abs(x))
	}
	if e := kerneltest.Measure(got, want); !(e.Max <= tolerance*largest) {
		t.Errorf("%s differs by %.3g of its largest element, at most %.3g was expected: %v", what, e.Max/largest, tolerance, e)
	}
}

// Wide returns the elements of an F32 matrix, row by row, in float64.
func Wide(m tensor.Mat) []float64 {
	x := make([]float64, 0, m.Rows*m.Cols)
	for i := range m.Rows {
		for _, v := range m.Row(i) {
			x = append(x, float64(v))
		}
	}
	return x
}
