package hub

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/longspan/longspan/internal/memory"
)

// Want says which files of a repo are wanted, and where. Patterns are those of a shell: "*" is any text, "/" included, "?" one character,
// "[a-z]" and "[!a-z]" one of a set. A pattern that ends in "/" is all below a folder. Case matters.
type Want struct {
	Include []string // empty: what a model needs, see [Client.Plan]
	Exclude []string // taken away from either
	Folder  string   // of the user's; empty: the cache
}

// needed are the patterns of the files that a model needs beside .bin weights.
var needed = []string{"*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"}

// moduleFolder matches the folders of a model: those of the modules of sentence-transformers, such as 1_Pooling and query_0_Transformer,
// and those of more chat templates. Others have the same weights for other libraries, or states of the training.
var moduleFolder = regexp.MustCompile(`^((query_|document_)?[0-9]+_[A-Za-z0-9_]+|additional_chat_templates)$`)

// choose returns the names of the wanted files and of the others, each in the order of the list.
func (w Want) choose(files []listed) (wanted, others []string, err error) {
	include, err := globs("--include", w.Include)
	if err != nil {
		return nil, nil, err
	}
	exclude, err := globs("--exclude", w.Exclude)
	if err != nil {
		return nil, nil, err
	}
	take := include.match
	if len(w.Include) == 0 {
		take = neededBy(files)
	}
	for _, f := range files {
		if take(f.name) && !exclude.match(f.name) {
			wanted = append(wanted, f.name)
		} else {
			others = append(others, f.name)
		}
	}
	if len(wanted) == 0 && len(w.Include) > 0 {
		return nil, nil, fmt.Errorf("no file of the repo matches --include %s and stays after --exclude; the repo has\n%s",
			strings.Join(w.Include, " "), table(files))
	}
	if len(w.Include) == 0 {
		wanted, others, err = withGGUF(files, wanted, others)
	}
	return wanted, others, err
}

// neededBy returns whether a model needs a file: it has a pattern of [needed] in the repo's folder or in one of a module. Weights as .bin
// are needed in a folder without .safetensors. The weights consolidated….safetensors of Mistral are a second copy of model….safetensors.
func neededBy(files []listed) func(name string) bool {
	patterns, err := globs("", needed)
	if err != nil {
		panic(err) // the patterns are constants, which tests use
	}
	tensors, models := map[string]bool{}, map[string]bool{} // folders that have them
	for _, f := range files {
		dir, base := path.Split(f.name)
		if path.Ext(base) == ".safetensors" {
			tensors[dir] = true
			models[dir] = models[dir] || strings.HasPrefix(base, "model")
		}
	}
	return func(name string) bool {
		dir, base := path.Split(name)
		folder, isBin := strings.TrimSuffix(dir, "/"), strings.HasPrefix(base, "pytorch_model") && path.Ext(base) == ".bin"
		switch {
		case folder != "" && !moduleFolder.MatchString(folder):
			return false
		case isBin || base == "pytorch_model.bin.index.json":
			return !tensors[dir]
		case strings.HasPrefix(base, "consolidated") && path.Ext(base) == ".safetensors":
			return !models[dir]
		}
		return patterns.match(base)
	}
}

// withGGUF adds the .gguf of a repo without other weights. Of several the user has to choose one: they are the same model at other
// precisions.
func withGGUF(files []listed, wanted, others []string) (_, _ []string, err error) {
	if slices.ContainsFunc(wanted, isWeights) {
		return wanted, others, nil
	}
	var found []listed
	for _, f := range files {
		if isGGUF(f.name) && slices.Contains(others, f.name) {
			found = append(found, f)
		}
	}
	switch len(found) {
	case 0:
		if len(wanted) == 0 {
			return nil, nil, fmt.Errorf("the repo has no file that a model needs; choose some with --include; it has\n%s", table(files))
		}
		return wanted, others, nil
	case 1:
		name := found[0].name
		return append(wanted, name), slices.DeleteFunc(others, func(o string) bool { return o == name }), nil
	}
	return nil, nil, fmt.Errorf("the repo has %d .gguf files and no other weights; choose one with --include, "+
		"such as --include '*Q4_K_M.gguf':\n%s", len(found), table(found))
}

// table lists files for an error, one a line.
func table(files []listed) string {
	const most = 50
	var b strings.Builder
	for i, f := range files {
		if i == most {
			fmt.Fprintf(&b, "  and %d more\n", len(files)-most)
			break
		}
		size := "?"
		if f.size >= 0 {
			size = memory.Format(f.size)
		}
		fmt.Fprintf(&b, "  %12s  %s\n", size, strings.Trim(quoted(f.name), `"`))
	}
	return strings.TrimSuffix(b.String(), "\n")
}
