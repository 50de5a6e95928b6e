package document

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// endings are the endings of the files that List takes from a folder, with or without .gz.
var endings = map[string]bool{
	".txt": true, ".text": true, ".rst": true, ".md": true, ".markdown": true, ".tex": true, ".ltx": true, ".html": true, ".htm": true,
	".xhtml": true, ".jsonl": true, ".ndjson": true,
}

// List expands a path. A file stays. A folder stands for the files below it, sorted by path, whose endings are those of a format; others,
// and links, are left out with a note. Names that begin with a dot are left out without one.
func List(path string) (files, notes []string, err error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, nil, err
	}
	left := 0
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != path && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
		case d.IsDir():
		case d.Type().IsRegular() && endings[filepath.Ext(strings.TrimSuffix(strings.ToLower(name), ".gz"))]:
			files = append(files, name)
		default:
			left++
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("found no documents below %s, expected files that end in .txt, .md, .rst, .tex, .html or .jsonl", path)
	}
	if left > 0 {
		notes = append(notes, fmt.Sprintf("%s: left out %d files that are no documents by their endings, or links", path, left))
	}
	return files, notes, err
}
