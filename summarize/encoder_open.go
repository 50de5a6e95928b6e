package summarize

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/longspan/longspan/hub"
	"github.com/longspan/longspan/model"
)

// IsEncoder reports whether the name of a model is not that of a scorer's file, but of a folder, of a GGUF file, or of a repo of the hub.
func IsEncoder(name string) bool {
	if name == "" {
		return false
	}
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir(), strings.EqualFold(filepath.Ext(name), ".gguf"):
		return true
	case err == nil:
		return false
	}
	return !strings.EqualFold(filepath.Ext(name), ".safetensors")
}

// openEncoder opens an encoder and makes a Summarizer of it.
func openEncoder(name string, o EncoderOptions) (*Summarizer, error) {
	path, err := hub.Resolve(name)
	if err != nil {
		return nil, fmt.Errorf("no such file of a scorer, and %w", err)
	}
	m, err := model.Open(path)
	if err != nil {
		return nil, err
	}
	features, err := Default()
	if err != nil {
		return nil, closed(m, err)
	}
	e, err := NewEncoder(m, features, o)
	if err != nil {
		return nil, closed(m, fmt.Errorf("%s: %w", path, err))
	}
	return &Summarizer{openedEncoder{e}, features.frequencies}, nil
}

// closed closes a model that is of no use, and returns why.
func closed(m *model.Model, err error) error {
	if closing := m.Close(); closing != nil {
		return fmt.Errorf("%w; %w", err, closing)
	}
	return err
}

// Close closes the encoder that Open has opened. Other scorers need no Close.
func (s *Summarizer) Close() error {
	if c, ok := s.scorer.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// OpenWith is [Open] with options, which count if path names an encoder.
func OpenWith(path string, o EncoderOptions) (*Summarizer, error) {
	if IsEncoder(path) {
		return openEncoder(path, o)
	}
	return Open(path)
}

// Systems are the summarizer's own scorer by a name, and the parts of an encoder's scores by themselves.
func (s *Summarizer) Systems(name string) []System {
	all := []System{s.System(name)}
	if p, ok := s.scorer.(interface{ systems() []System }); ok {
		all = append(p.systems(), all...)
	}
	return all
}
