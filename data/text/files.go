package text

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/longspan/longspan/data/internal/gunzip"
)

// Files is a list of files to read, in order. A file whose name ends in .jsonl or .ndjson holds one document per line. So does a .json file
// whose first line is a JSON object. Any other file is one document. Each may be compressed by gzip, under any name, and its name may
// then end in .gz. Case does not matter in these endings.
type Files struct {
	FS    fs.FS // where the names are looked up; nil is the operating system's files
	Names []string
}

// extensions are the endings of the files that are read from a folder.
var extensions = []string{".txt", ".text", ".md", ".rst", ".jsonl", ".ndjson"}

// List expands paths. A file stays. A folder stands for all files below it, sorted by path, whose names end in .txt, .text, .md, .rst,
// .jsonl or .ndjson, with or without .gz. The notes name what was left out of a folder: other files and links to folders. Files and folders
// whose names begin with a dot are left out without a note.
func List(paths ...string) (files Files, notes []string, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return Files{}, nil, fmt.Errorf("text: %w", err)
		}
		if !info.IsDir() {
			files.Names = append(files.Names, path)
			continue
		}
		f, err := walk(path)
		if err != nil {
			return Files{}, nil, fmt.Errorf("text: %w", err)
		}
		if len(f.taken) == 0 {
			return Files{}, nil, fmt.Errorf("text: the folder %s holds no text: found %d other files; "+
				"expected names that end in %s (or these with .gz)", path, len(f.other), strings.Join(extensions, ", "))
		}
		files.Names = append(files.Names, f.taken...)
		notes = append(notes, f.notes(path)...)
	}
	return files, notes, nil
}

// folder is the files below a folder.
type folder struct {
	taken, other []string
	links        []string // to folders, or to nothing
}

func walk(path string) (f folder, err error) {
	err = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && name != path
		isLink := entry.Type()&fs.ModeSymlink != 0
		switch {
		case entry.IsDir() && hidden:
			return fs.SkipDir
		case hidden || entry.IsDir():
		case isLink && !isFile(name):
			f.links = append(f.links, name)
		case slices.Contains(extensions, extension(name)):
			f.taken = append(f.taken, name)
		default:
			f.other = append(f.other, name)
		}
		return nil
	})
	return f, err
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && !info.IsDir()
}

func (f folder) notes(path string) (notes []string) {
	if len(f.other) > 0 {
		notes = append(notes, fmt.Sprintf("%s: left out %s; files of text end in %s (or these with .gz)",
			path, counted(f.other, "file"), strings.Join(extensions, ", ")))
	}
	if len(f.links) > 0 {
		notes = append(notes, fmt.Sprintf("%s: left out %s; name the folders that they point to", path, counted(f.links, "link")))
	}
	return notes
}

// counted is a number of names and the first of them.
func counted(names []string, noun string) string {
	const shown = 5
	if len(names) == 1 {
		return fmt.Sprintf("1 %s, %s", noun, names[0])
	}
	text := fmt.Sprintf("%d %ss, %s", len(names), noun, strings.Join(names[:min(shown, len(names))], ", "))
	if len(names) > shown {
		text += ", …"
	}
	return text
}

// extension is the ending of a name in lower case, without .gz.
func extension(name string) string {
	return filepath.Ext(strings.TrimSuffix(strings.ToLower(name), ".gz"))
}

// file is an open file.
type file struct {
	fs.File
	in     *bufio.Reader // its unpacked bytes
	packed bool
	lines  bool // it holds a document per line
}

func (f Files) open(name string) (*file, error) {
	opened, err := f.openRaw(name)
	if err != nil {
		return nil, fmt.Errorf("text: %w", err)
	}
	raw := bufio.NewReaderSize(opened, 1<<16)
	magic, _ := raw.Peek(2) // an error comes again
	in, err := gunzip.NewReader(raw)
	if err != nil {
		opened.Close()
		return nil, fmt.Errorf("text: %s: %w", name, err)
	}
	o := &file{File: opened, in: bufio.NewReaderSize(in, 1<<16), packed: string(magic) == "\x1f\x8b"}
	o.lines = isLines(name, o.in)
	return o, nil
}

func (f Files) openRaw(name string) (fs.File, error) {
	if f.FS != nil {
		return f.FS.Open(name)
	}
	return os.Open(name)
}

// isLines reports whether a file holds a document per line, by its name and its first bytes.
func isLines(name string, in *bufio.Reader) bool {
	switch extension(name) {
	case ".jsonl", ".ndjson":
		return true
	case ".json":
		begin, _ := in.Peek(in.Size()) // an error comes again
		line, _, ended := bytes.Cut(bytes.TrimLeft(begin, " \t\r\n"), []byte("\n"))
		return bytes.HasPrefix(line, []byte("{")) && (json.Valid(line) || !ended && len(begin) == in.Size())
	}
	return false
}
