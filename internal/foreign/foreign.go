// Package foreign recognises files that are often given in place of weights: a Git LFS pointer, a web page, another format.
package foreign

import (
	"bytes"
	"strings"
)

// HeadBytes is the number of bytes that Identify looks at.
const HeadBytes = 64

// formats are known by their first bytes.
var formats = []struct{ magic, is, remedy string }{
	{"version https://git-lfs.github.com/", "a Git LFS pointer, not the weights",
		"fetch them with 'git lfs pull', or download the file itself"},
	{"\x1f\x8b\x08", "a gzip file", "decompress it with 'gunzip'"},
	{"PK\x03\x04", "a zip archive, as torch.save writes", "convert it with safetensors.torch.save_file in Python"},
	{"\x80\x02\x8a\n", "a Python pickle, as old versions of torch.save wrote", "convert it with safetensors.torch.save_file in Python"},
	{"\x89HDF\r\n", "an HDF5 file", "convert it with safetensors.numpy.save_file in Python"},
	{"GGUF", "a GGUF file of llama.cpp", "use the safetensors file of the same model"},
}

// Identify names the format of a file with this head, its first HeadBytes bytes or the whole of a shorter file, and what to do. is is
// empty if the head is of no format that is known here.
func Identify(head []byte) (is, remedy string) {
	for _, f := range formats {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f.is, f.remedy
		}
	}
	text := strings.ToLower(string(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")))
	if strings.HasPrefix(text, "<!doctype") || strings.HasPrefix(text, "<html") || strings.HasPrefix(text, "<?xml") {
		return "a web page, not the weights", "download the file itself, such as from the page's link to the raw file"
	}
	return "", ""
}
