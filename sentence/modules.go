package sentence

import (
	"encoding/json"
	"fmt"
)

// kind is the class of a module.
type kind int

const (
	kindTransformer kind = iota
	kindPooling
	kindDense
	kindNormalize
)

// kinds are the classes by their full names: those of sentence-transformers before 5.4, and those since. Normalize moved again in 6.0.
var kinds = map[string]kind{
	"sentence_transformers.models.Transformer":                               kindTransformer,
	"sentence_transformers.base.modules.transformer.Transformer":             kindTransformer,
	"sentence_transformers.models.Pooling":                                   kindPooling,
	"sentence_transformers.sentence_transformer.modules.pooling.Pooling":     kindPooling,
	"sentence_transformers.models.Dense":                                     kindDense,
	"sentence_transformers.base.modules.dense.Dense":                         kindDense,
	"sentence_transformers.models.Normalize":                                 kindNormalize,
	"sentence_transformers.sentence_transformer.modules.normalize.Normalize": kindNormalize,
	"sentence_transformers.base.modules.normalize.Normalize":                 kindNormalize,
}

// step is an entry of modules.json.
type step struct {
	kind kind
	path string // below the folder, with slashes; "" is the folder itself
}

// maxModules is the largest number of modules. Pipelines have two to five.
const maxModules = 64

// parseModules reads the text of modules.json.
func parseModules(text []byte) ([]step, error) {
	var entries []json.RawMessage
	if err := json.Unmarshal(text, &entries); err != nil {
		return nil, err
	}
	if len(entries) > maxModules {
		return nil, fmt.Errorf("found %d modules, expected at most %d", len(entries), maxModules)
	}
	steps := make([]step, len(entries))
	for i, entry := range entries {
		var err error
		if steps[i], err = parseStep(entry, i); err != nil {
			return nil, fmt.Errorf("module %d: %w", i, err)
		}
	}
	return steps, nil
}

// parseStep reads entry i of modules.json.
func parseStep(text []byte, i int) (s step, err error) {
	index, class, arguments := i, "", []string(nil)
	err = object(text, map[string]any{"idx": &index, "name": nil, "path": &s.path, "type": &class, "kwargs": &arguments})
	if err != nil {
		return s, err
	}
	known := false
	if s.kind, known = kinds[class]; !known {
		return s, fmt.Errorf("found the type %q, expected one of %s", class, list(kinds))
	}
	if index != i {
		return s, fmt.Errorf("found idx %d, expected %d: modules stand in their order", index, i)
	}
	if len(arguments) > 0 {
		return s, fmt.Errorf("found kwargs %q, expected none: the module takes something beside the text", arguments)
	}
	if !isLocal(s.path) {
		return s, fmt.Errorf("found the path %q, expected one inside the model folder; the file would read others: do not use it", s.path)
	}
	if s.path == "" && (s.kind == kindPooling || s.kind == kindDense) {
		return s, fmt.Errorf(`found no path for %s, expected a folder such as "1_Pooling"`, class)
	}
	return s, nil
}
