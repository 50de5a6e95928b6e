package patchflow

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/longspan/longspan/internal/durable"
	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// Save writes the files of the model to a folder, which it makes. Factors of products are stored as t: in bf16 a model that computes in
// bf16 loses nothing.
func (s *Pictures) Save(dir string, t tensor.Type) error {
	if err := s.Base.Check(); err != nil {
		return err
	}
	m := s.Model
	if m.files == nil {
		return errors.New("patchflow: the model has no base to save; Keep gives it one")
	}
	files, err := m.files()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("patchflow: %w", err)
	}
	for name, text := range files {
		if err := durable.Write(filepath.Join(dir, name), func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
			return fmt.Errorf("patchflow: %w", err)
		}
	}
	var tensors []safetensors.Tensor
	weights, err := m.params.As(t)
	if err != nil {
		return fmt.Errorf("patchflow: %w", err)
	}
	for _, w := range weights {
		tensors = append(tensors, safetensors.Matrix(w.Name, w.Value))
	}
	return safetensors.Save(filepath.Join(dir, filename.Weights), tensors, nil)
}
