package patchflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/picture/filters"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// The files of a model's folder beside its weights.
const (
	ConfigName  = filename.Picture
	FiltersName = "filters.safetensors"
)

// description is picture.json.
type description struct {
	Config Config    `json:"model"`
	Rho    []float32 `json:"rho"` // Base.Rho
}

// Keep makes the files of b part of those of a model that is trained on it.
func (m *Model) Keep(b *Base) {
	m.files = func() (map[string][]byte, error) {
		text, err := json.MarshalIndent(description{m.config, b.Rho[:]}, "", "  ")
		if err != nil {
			return nil, err
		}
		var banks bytes.Buffer
		if err := safetensors.Write(&banks, b.tensors(), nil); err != nil {
			return nil, err
		}
		return map[string][]byte{ConfigName: append(text, '\n'), FiltersName: banks.Bytes()}, nil
	}
}

// tensors are the numbers of the filters: bounds as they are, weights in 16 bits.
func (b *Base) tensors() []safetensors.Tensor {
	var all []safetensors.Tensor
	for _, bank := range []*filters.Bank{b.By2, b.By4} {
		weights := tensor.New(tensor.F16, filters.Clusters, len(bank.Weights)/filters.Clusters)
		for i := range weights.Rows {
			weights.WriteRow(i, bank.Weights[i*weights.Cols:(i+1)*weights.Cols])
		}
		bounds := tensor.FromF32(bank.Bounds, 1, len(bank.Bounds))
		all = append(all, safetensors.Matrix(fmt.Sprintf("by%d.bounds", bank.Scale), bounds),
			safetensors.Matrix(fmt.Sprintf("by%d.weights", bank.Scale), weights))
	}
	return all
}

// readBanks reads what tensors wrote.
func (b *Base) readBanks(data []byte) error {
	f, err := safetensors.OpenBytes(data)
	if err != nil {
		return err
	}
	defer f.Close()
	read := func(name string, most int) ([]float32, error) {
		e, ok := f.Lookup(name)
		if !ok {
			return nil, fmt.Errorf("it has no %q", name)
		}
		rows, cols := e.Matrix()
		if rows < 1 || cols < 1 || rows > most/cols {
			return nil, fmt.Errorf("%q has %d×%d numbers, expected at most %d", name, rows, cols, most)
		}
		m := tensor.New(tensor.F32, rows, cols)
		return m.F32, f.ReadMat(m, name)
	}
	for i, bank := range []**filters.Bank{&b.By2, &b.By4} {
		scale := 2 << i
		n := &filters.Bank{Scale: scale}
		if n.Bounds, err = read(fmt.Sprintf("by%d.bounds", scale), 1<<10); err != nil {
			return err
		}
		if n.Weights, err = read(fmt.Sprintf("by%d.weights", scale), 1<<24); err != nil {
			return err
		}
		*bank = n
	}
	return nil
}

// Open opens the folder of a run, or a folder with the files of a model. The weights of a run that has not ended are those of its newest
// checkpoint.
func Open(dir string, x tensor.Exec) (*Pictures, error) {
	files := map[string][]byte{}
	for _, name := range []string{ConfigName, FiltersName} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("patchflow: %s has no %s, expected the folder of a model of pictures, which longspan image train makes", dir,
				name)
		}
		if err != nil {
			return nil, err
		}
		files[name] = text
	}
	path, _, err := train.Find(dir, "")
	if err != nil {
		return nil, err
	}
	if files[filename.Weights], err = os.ReadFile(path); err != nil {
		return nil, err
	}
	s, err := OpenFiles(files, x)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return s, nil
}

// OpenFiles opens a model whose files are in memory, by their names.
func OpenFiles(files map[string][]byte, x tensor.Exec) (*Pictures, error) {
	var d description
	text := json.NewDecoder(bytes.NewReader(files[ConfigName]))
	text.DisallowUnknownFields()
	if err := text.Decode(&d); err != nil {
		return nil, fmt.Errorf("%s: %w", ConfigName, err)
	}
	if _, err := text.Token(); err != io.EOF {
		return nil, fmt.Errorf("%s: more than one document, expected one", ConfigName)
	}
	if len(d.Rho) != len(Base{}.Rho) {
		return nil, fmt.Errorf("%s: found %d numbers in rho, expected %d", ConfigName, len(d.Rho), len(Base{}.Rho))
	}
	base := &Base{Rho: [3]float32(d.Rho)}
	if err := base.readBanks(files[FiltersName]); err != nil {
		return nil, fmt.Errorf("%s: %w", FiltersName, err)
	}
	if err := base.Check(); err != nil {
		return nil, err
	}
	f, err := safetensors.OpenBytes(files[filename.Weights])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filename.Weights, err)
	}
	m, err := New(d.Config, Options{Pool: x.Pool, Load: loader(f)})
	if err != nil {
		return nil, err
	}
	m.Keep(base)
	return &Pictures{Base: base, Model: m, Exec: x}, nil
}

// loader reads the weights of a file, of a checkpoint their moving average. Products round tables themselves.
func loader(f *safetensors.File) nn.Loader {
	has := func(name string) bool { _, ok := f.Lookup(name); return ok }
	return func(name string, rows, cols int, _ nn.Kind) (tensor.Mat, error) {
		saved, _ := filename.Weight(has, name)
		e, ok := f.Lookup(saved)
		if !ok {
			return tensor.Mat{}, fmt.Errorf("%s has no weight %q: the file is of another model", filename.Weights, name)
		}
		if r, c := e.Matrix(); r != rows || c != cols {
			return tensor.Mat{}, fmt.Errorf("%s: the weight %q has the shape %v, expected %d×%d", filename.Weights, saved, e.Shape, rows, cols)
		}
		m := tensor.New(tensor.F32, rows, cols)
		return m, f.ReadMat(m, saved)
	}
}
