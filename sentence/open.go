package sentence

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/longspan/longspan/checkpoint"
	"github.com/longspan/longspan/safetensors"
)

// ModulesFile is the file that makes a folder one of sentence-transformers.
const ModulesFile = "modules.json"

// ErrNoModules says that a folder is not one of sentence-transformers.
var ErrNoModules = errors.New("found no " + ModulesFile + " in the folder; its model gives no vectors of texts by itself")

// transformerFiles may hold the settings of the Transformer; the first that is there counts.
var transformerFiles = []string{"sentence_bert_config.json", "sentence_roberta_config.json", "sentence_distilbert_config.json",
	"sentence_camembert_config.json", "sentence_albert_config.json", "sentence_xlm-roberta_config.json", "sentence_xlnet_config.json"}

// Open reads the pipeline of a folder. The Transformer itself is not opened, and of the Dense modules only the headers of their weights
// are read. Close the pipeline when done.
//
// The error wraps [ErrNoModules] if the folder has no modules.json. A Transformer without one is no pipeline: that sentence-transformers
// then takes the mean is a guess, which is the caller's to make.
func Open(dir string) (*Pipeline, error) {
	p := &Pipeline{}
	if err := p.open(dir); err != nil {
		return nil, fmt.Errorf("sentence: %w", errors.Join(err, p.Close()))
	}
	return p, nil
}

func (p *Pipeline) open(dir string) error {
	steps, err := readFile(filepath.Join(dir, ModulesFile), parseModules)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", dir, ErrNoModules)
	}
	if err != nil {
		return err
	}
	for _, s := range steps {
		m, err := s.open(filepath.Join(dir, filepath.FromSlash(s.path)))
		if err != nil {
			return err
		}
		p.Modules, p.Folders = append(p.Modules, m), append(p.Folders, s.path)
	}
	c, err := readFile(filepath.Join(dir, "config_sentence_transformers.json"), parseConfig)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	p.Prompts, p.DefaultPrompt, p.Similarity, p.Truncate = c.prompts, c.defaultPrompt, c.similarity, c.truncate
	if err := p.check(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, ModulesFile), err)
	}
	return nil
}

// open reads the files of a module, which lie in dir.
func (s step) open(dir string) (Module, error) {
	config := filepath.Join(dir, "config.json")
	switch s.kind {
	case kindTransformer:
		return openTransformer(dir)
	case kindPooling:
		return readFile(config, parsePooling)
	case kindDense:
		return openDense(dir, config)
	}
	if s.path == "" { // the folder's config.json is the Transformer's
		return Normalize{}, nil
	}
	n, err := readFile(config, parseNormalize)
	if errors.Is(err, fs.ErrNotExist) { // as before 6.0
		return Normalize{}, nil
	}
	return n, err
}

func openTransformer(dir string) (Module, error) {
	for _, name := range transformerFiles {
		t, err := readFile(filepath.Join(dir, name), parseTransformer)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		t.Dir = dir
		return t, err
	}
	return Transformer{Dir: dir}, nil
}

// openDense opens the weights of a linear layer, and checks them.
func openDense(dir, config string) (Module, error) {
	d, err := readFile(config, parseDense)
	if err != nil {
		return nil, err
	}
	w, err := checkpoint.Open(dir)
	if err != nil {
		return nil, err
	}
	d.Weights = w
	shapes := map[string][]int{"linear.weight": {d.Out, d.In}}
	if d.Bias {
		shapes["linear.bias"] = []int{d.Out}
	}
	if err := checkTensors(w, shapes); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, errors.Join(err, w.Close()))
	}
	return d, nil
}

// checkTensors holds the tensors of a file against the names and shapes that it must have.
func checkTensors(w *checkpoint.Weights, shapes map[string][]int) error {
	for _, e := range w.Entries() {
		shape, known := shapes[e.Name]
		if !known {
			return fmt.Errorf("found tensor %q, which a Dense of this config does not have", e.Name)
		}
		if !slices.Equal(e.Shape, shape) {
			return fmt.Errorf("found tensor %q of shape %v, expected %v", e.Name, e.Shape, shape)
		}
		if !slices.Contains([]safetensors.DType{safetensors.F32, safetensors.F16, safetensors.BF16, safetensors.F64}, e.DType) {
			return fmt.Errorf("found tensor %q of type %s, expected F64, F32, F16 or BF16", e.Name, e.DType)
		}
	}
	for name := range shapes {
		if _, ok := w.Lookup(name); !ok {
			return fmt.Errorf("found no tensor %q, expected one of shape %v", name, shapes[name])
		}
	}
	return nil
}

// maxFile is the largest number of bytes of a file of settings. Prompts are some lines of text.
const maxFile = 1 << 20

// readFile reads a small file through parse. Errors name the file.
func readFile[T any](path string, parse func(text []byte) (T, error)) (v T, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return v, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return v, fmt.Errorf("found %s of type %v and %d bytes, expected a regular file of at most %d", path, info.Mode().Type(),
			info.Size(), maxFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return v, err
	}
	if v, err = parse(text); err != nil {
		return v, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}

// isLocal reports whether a path of modules.json, which has slashes on every system, stays in the folder.
func isLocal(path string) bool {
	return path == "" || filepath.IsLocal(filepath.FromSlash(path)) && !strings.ContainsAny(path, "\\\x00")
}
