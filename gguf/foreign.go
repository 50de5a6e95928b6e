package gguf

import (
	"fmt"
	"io"
	"strings"
)

const magic = "GGUF"

// A file of another kind is often given in place of a GGUF file. It is known by its first bytes.
var foreign = []struct{ head, is, remedy string }{
	{"", "empty", "the download or copy was perhaps interrupted: get it again"},
	{"version https://git-lfs.github.com/", "a Git LFS pointer, not the weights",
		"fetch them with 'git lfs pull', or download the file itself"},
	{"<", "a web page, not the weights", "download the file itself, such as from the page's link to the raw file"},
	{"PK\x03\x04", "a zip archive", "unpack it"},
	{"\x1f\x8b", "a gzip file", "decompress it with 'gunzip'"},
	{"lmgg", "a ggml file from before GGUF", "convert the model anew with llama.cpp"},
	{"fmgg", "a ggmf file from before GGUF", "convert the model anew with llama.cpp"},
	{"tjgg", "a ggjt file from before GGUF", "convert the model anew with llama.cpp"},
}

// identify returns an error that says what the file is, if it is no GGUF file, and what to do.
func identify(r io.ReaderAt, size int64) error {
	head := make([]byte, min(max(size, 0), 64))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return fmt.Errorf("reading the file's first bytes: %w", err)
	}
	text := string(head)
	if strings.HasPrefix(text, magic) {
		return nil
	}
	for _, f := range foreign {
		if text == f.head || f.head != "" && strings.HasPrefix(text, f.head) {
			return malformed("it is %s; %s", f.is, f.remedy)
		}
	}
	if len(text) > 8 && text[8] == '{' {
		return malformed("it is a safetensors file; open it with package safetensors")
	}
	return malformed("it begins with %q; %q was expected", text[:min(len(text), len(magic))], magic)
}
