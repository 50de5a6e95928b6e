// Package pretrained holds the models in the program. Each has a card, README.md of its folder: the data, their licence, what was measured,
// what it is not for, and the command that makes it again.
package pretrained

import (
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

//go:embed */README.md */model.json */tokenizer.json */model.safetensors.gz
var folders embed.FS

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

// Has reports whether a model of that name is in the program.
func Has(name string) bool { return slices.Contains(Names(), name) }

// Open opens a model by its name. Its weights take their memory, 2 to 6 MB, for each call.
func Open(name string, o model.OpenOptions) (*model.Model, error) {
	if err := check(name); err != nil {
		return nil, err
	}
	m, err := open(name, o)
	if err != nil {
		return nil, fmt.Errorf("pretrained: %s: %w", name, err)
	}
	return m, nil
}

func open(name string, o model.OpenOptions) (*model.Model, error) {
	files := map[string][]byte{}
	for _, file := range []string{filename.Model, filename.Tokenizer} {
		text, err := folders.ReadFile(path.Join(name, file))
		if err != nil {
			return nil, err
		}
		files[file] = text
	}
	packed, err := folders.Open(path.Join(name, filename.Weights+".gz"))
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(packed)
	if err != nil {
		return nil, err
	}
	if files[filename.Weights], err = io.ReadAll(z); err != nil {
		return nil, err
	}
	return model.OpenFiles(files, o)
}

// Card is the card of a model, in Markdown.
func Card(name string) (string, error) {
	if err := check(name); err != nil {
		return "", err
	}
	text, err := folders.ReadFile(path.Join(name, "README.md"))
	return string(text), err
}

func check(name string) error {
	if !Has(name) {
		return fmt.Errorf("pretrained: found the name %q, expected %s", name, strings.Join(Names(), " or "))
	}
	return nil
}
