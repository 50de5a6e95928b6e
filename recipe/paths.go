package recipe

import (
	"fmt"
	"os"
	"path/filepath"
)

// AbsolutePaths makes every path of r absolute, from the current directory. The config of a run is then valid in any directory. A
// train.init that is no file and no folder here stays as it is.
func (r *Recipe) AbsolutePaths() error {
	d := &r.Data
	var lists [][]string
	if d.Genome != nil {
		lists = append(lists, d.Genome.Paths)
	}
	if d.Genes != nil {
		lists = append(lists, d.Genes.Paths)
	}
	if d.Text != nil {
		lists = append(lists, d.Text.Train, d.Text.Validation, d.Text.Test)
	}
	if d.Labelled != nil {
		lists = append(lists, d.Labelled.Train, d.Labelled.Validation, d.Labelled.Test)
	}
	if d.Pairs != nil {
		lists = append(lists, d.Pairs.Train, d.Pairs.Validation, d.Pairs.Test)
	}
	if d.Splice != nil {
		for _, path := range []*string{&d.Splice.Reference, &d.Splice.Genes} {
			if err := makeAbsolute(path); err != nil {
				return err
			}
		}
	}
	for _, list := range lists {
		for i := range list {
			if err := makeAbsolute(&list[i]); err != nil {
				return err
			}
		}
	}
	if _, err := os.Stat(r.Train.Init); err != nil {
		return nil // a name, in the program or of the hub; what it is not, Open says in the words of the recipe
	}
	return makeAbsolute(&r.Train.Init)
}

// makeAbsolute leaves an empty path as it is.
func makeAbsolute(path *string) error {
	if *path == "" {
		return nil
	}
	absolute, err := filepath.Abs(*path)
	if err != nil {
		return fmt.Errorf("finding %s: %w", *path, err)
	}
	*path = absolute
	return nil
}
