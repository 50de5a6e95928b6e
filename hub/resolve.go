package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Resolve returns the path of a model that a user names. The argument is, in this order:
//
//   - a folder or a file .gguf of this machine, which is returned as it is;
//   - a repo of the cache, as org/name, name, or either with @ and a branch, a tag, a commit or the first digits of one. Its snapshot is
//     returned, or its file if the snapshot is one .gguf without other weights.
//
// The cache is that of [DefaultCache]. No network is used. The error says where the model was looked for and how to get it.
func Resolve(argument string) (path string, err error) {
	c, err := DefaultCache()
	if err != nil {
		return "", err
	}
	return c.ResolveModel(argument)
}

// ResolveModel is [Resolve] with this cache.
func (c Cache) ResolveModel(argument string) (path string, err error) {
	if argument == "" {
		return "", errors.New("the model is empty; expected a folder, a .gguf file, or a repo of the hub such as org/name")
	}
	info, err := os.Stat(argument)
	switch {
	case err == nil && (info.IsDir() || isGGUF(argument)):
		return argument, nil
	case err == nil:
		return "", fmt.Errorf("%s is a file; expected a folder with a model, or a .gguf file", argument)
	case !errors.Is(err, fs.ErrNotExist) && isPath(argument):
		return "", err
	}
	ref, err := ParseRef(argument)
	if err != nil || isPath(argument) {
		return "", c.noModel(argument, err)
	}
	folder, err := c.Resolve(ref)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is no folder and no file here, and %w; download it with: longspan pull %s", argument, err, ref)
	}
	if err != nil {
		return "", err
	}
	return modelOf(folder)
}

// noModel is the error for an argument that cannot be a repo.
func (c Cache) noModel(argument string, notRepo error) error {
	text := fmt.Sprintf("found no folder and no .gguf file %s", quoted(argument))
	if notRepo == nil || isPath(argument) {
		return missing{text + "; give the path of one, or a repo of the hub as org/name"}
	}
	return missing{fmt.Sprintf("%s, and it is no repo of the hub: %v", text, notRepo)}
}

// isPath reports whether an argument must be a path: a repo never begins or ends like this.
func isPath(argument string) bool {
	for _, prefix := range []string{".", "/", "~"} {
		if strings.HasPrefix(argument, prefix) {
			return true
		}
	}
	return filepath.IsAbs(argument) || strings.Contains(argument, `\`) || strings.HasSuffix(argument, "/") ||
		isGGUF(argument) && strings.Count(argument, "/") != 1
}

func isGGUF(name string) bool { return strings.EqualFold(filepath.Ext(name), ".gguf") }

// modelOf is the model of a snapshot: the folder, or its one .gguf where there are no other weights.
func modelOf(folder string) (string, error) {
	var files []string
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(files, isWeights) {
		return folder, nil
	}
	quantised := slices.DeleteFunc(files, func(path string) bool { return !isGGUF(path) })
	switch len(quantised) {
	case 0:
		return folder, nil // whoever opens it says what it lacks
	case 1:
		return quantised[0], nil
	}
	return "", fmt.Errorf("the snapshot has %d .gguf files; give the path of one:\n  %s", len(quantised), strings.Join(quantised, "\n  "))
}

// isWeights reports whether a file has weights that are not GGUF.
func isWeights(name string) bool {
	ext := filepath.Ext(name)
	return ext == ".safetensors" || ext == ".bin"
}
