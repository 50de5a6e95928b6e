package safetensors

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zipped(t *testing.T, name, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A file of another format is named, with what to do.
func TestForeignFilesAreNamed(t *testing.T) {
	const header = `{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`
	for _, c := range []struct{ name, text, want string }{
		{"Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345678\n",
			"it is a Git LFS pointer, not the weights; fetch them with 'git lfs pull'"},
		{"page", "<!DOCTYPE html>\n<html><head><title>Not found</title>", "it is a web page, not the weights; download the file itself"},
		{"page after spaces", "\n  <HTML lang=en>", "it is a web page"},
		{"XML error", "\ufeff<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "it is a web page"},
		{"empty", "", "the file is empty"},
		{"gzip", gzipped(t, "\x35\x00\x00\x00\x00\x00\x00\x00"+header), "it is a gzip file; decompress it with 'gunzip'"},
		{"zip", zipped(t, "archive/data.pkl", "x"), "it is a zip archive, as torch.save writes; convert it"},
		{"pickle", "\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "it is a Python pickle"},
		{"GGUF", "GGUF\x03\x00\x00\x00\x02\x00\x00\x00", "it is a GGUF file"},
		{"HDF5", "\x89HDF\r\n\x1a\n\x00\x00\x00", "it is an HDF5 file"},
		{"short", "GG", "2 bytes are too few for a header"},
		{"unknown", "\x35\x00\x00\x00\x00\x00\x00\x00" + strings.Replace(header, "{", "[", 1), "the header does not begin with '{'"},
	} {
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: found the error %v, expected one with the path and %q", c.name, err, c.want)
		}
	}
	// A header whose length begins as gzip's or pickle's first bytes do is none of them.
	for _, prefix := range []string{"\x1f\x8b\x08\x00\x00\x00\x00\x00", "\x80\x02\x8a\x0a\x00\x00\x00\x00"} {
		if err := identify([]byte(prefix + header)); err != nil {
			t.Errorf("a header after %q was taken for another format: %v", prefix, err)
		}
	}
}
