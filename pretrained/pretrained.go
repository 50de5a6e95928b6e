// Package pretrained holds the models in the program. Each has a card, README.md of its folder: the data, their licence, what was measured,
// what it is not for, and the command that makes it again.
package pretrained

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/model"
)

//go:embed */README.md */model.json */tokenizer.json */picture.json */filters.safetensors */model.safetensors.gz
var folders embed.FS

// The kinds of models: what opens them.
const (
	Sequences = "sequences" // Open
	Pictures  = "pictures"  // package picture
)

// Kind is the kind of a model: Sequences or Pictures.
func Kind(name string) (string, error) {
	if err := check(name); err != nil {
		return "", err
	}
	if _, err := fs.Stat(folders, path.Join(name, filename.Picture)); err == nil {
		return Pictures, nil
	}
	return Sequences, nil
}

// Names are the names of the models.
func Names() []string {
	entries, err := fs.ReadDir(folders, ".")
	if err != nil {
		panic("pretrained: " + err.Error()) // the program has it
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// NamesOf are the names of the models of a kind.
func NamesOf(kind string) []string {
	return slices.DeleteFunc(Names(), func(name string) bool {
		k, err := Kind(name)
		return err != nil || k != kind
	})
}

// Has reports whether a model of that name is in the program.
func Has(name string) bool { return slices.Contains(Names(), name) }

// Open opens a model of sequences by its name. Its weights take their memory, 2 to 6 MB, for each call.
func Open(name string, o model.OpenOptions) (*model.Model, error) {
	kind, err := Kind(name)
	if err != nil {
		return nil, err
	}
	if kind != Sequences {
		return nil, fmt.Errorf("pretrained: %s is a model of %s, expected one of sequences; longspan image uses it", name, kind)
	}
	files, err := Files(name)
	if err != nil {
		return nil, err
	}
	m, err := model.OpenFiles(files, o)
	if err != nil {
		return nil, fmt.Errorf("pretrained: %s: %w", name, err)
	}
	return m, nil
}

// Files are the files of a model's folder but its card, by their names, the weights unpacked.
func Files(name string) (map[string][]byte, error) {
	if err := check(name); err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(folders, name)
	if err != nil {
		return nil, fmt.Errorf("pretrained: %s: %w", name, err)
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if e.Name() == card {
			continue
		}
		text, err := folders.ReadFile(path.Join(name, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("pretrained: %s: %w", name, err)
		}
		base, packed := strings.CutSuffix(e.Name(), ".gz")
		if packed {
			if text, err = unpack(text); err != nil {
				return nil, fmt.Errorf("pretrained: %s: %w", name, err)
			}
		}
		files[base] = text
	}
	return files, nil
}

func unpack(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

const card = "README.md"

// Card is the card of a model, in Markdown.
func Card(name string) (string, error) {
	if err := check(name); err != nil {
		return "", err
	}
	text, err := folders.ReadFile(path.Join(name, card))
	return string(text), err
}

func check(name string) error {
	if !Has(name) {
		return fmt.Errorf("pretrained: found the name %q, expected %s", name, strings.Join(Names(), " or "))
	}
	return nil
}
