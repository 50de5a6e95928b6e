package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// checkFile checks that a file can be written at path, and that it would replace none of the files that are read, under any name. given is
// what the user gave, such as "--out scores.tsv".
func checkFile(given, path string, inputs ...string) error {
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fmt.Errorf("found %s, but no folder %s; make it", given, filepath.Dir(path))
	}
	old, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !old.Mode().IsRegular() {
		return fmt.Errorf("found %s, but %s is no regular file; give the name of a file", given, path)
	}
	for _, name := range inputs {
		for _, input := range []string{name, name + ".fai", name + ".gzi"} {
			if info, err := os.Stat(input); err == nil && os.SameFile(old, info) {
				return fmt.Errorf("found %s, but %s is %s, which is read; give another name", given, path, input)
			}
		}
	}
	return nil
}
