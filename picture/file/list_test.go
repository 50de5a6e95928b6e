package file_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/picture/file"
)

func TestList(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.JPG", "a.png", "notes.txt", "in/c.tiff", "empty/readme"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	got, err := file.List(dir, at("a.png"), at("notes.txt"))
	if want := []string{at("a.png"), at("b.JPG"), at("in/c.tiff"), at("notes.txt")}; err != nil || !slices.Equal(got, want) {
		t.Errorf("found %v, %v, want %v", got, err, want)
	}
	for path, want := range map[string]string{at("empty"): "has no pictures, expected files that end in .jpg", at("absent"): "no such file"} {
		if _, err := file.List(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: found %v, want %s", path, err, want)
		}
	}
}

// A link to a folder is followed where it is named, and refused inside of a folder.
func TestListLinks(t *testing.T) {
	dir := t.TempDir()
	real := filepath.Join(dir, "real")
	if err := os.Mkdir(real, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(real, "a.png"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(real, link); err != nil {
		t.Skip(err) // systems without links
	}
	if got, err := file.List(link); err != nil || !slices.Equal(got, []string{filepath.Join(link, "a.png")}) {
		t.Errorf("found %v, %v", got, err)
	}
	if _, err := file.List(dir); err == nil || !strings.Contains(err.Error(), "is a link to a folder") {
		t.Errorf("found %v", err)
	}
}
