package safetensors

import (
	"bytes"
	"strings"
)

// A foreign file is often given in place of a safetensors file. It is known by its first bytes.
var foreign = []struct{ magic, is, remedy string }{
	{"version https://git-lfs.github.com/", "a Git LFS pointer, not the weights",
		"fetch them with 'git lfs pull', or download the file itself"},
	{"\x1f\x8b\x08", "a gzip file", "decompress it with 'gunzip'"},
	{"PK\x03\x04", "a zip archive, as torch.save writes", "convert it with safetensors.torch.save_file in Python"},
	{"\x80\x02\x8a\n", "a Python pickle, as old versions of torch.save wrote", "convert it with safetensors.torch.save_file in Python"},
	{"\x89HDF\r\n", "an HDF5 file", "convert it with safetensors.numpy.save_file in Python"},
	{"GGUF", "a GGUF file of llama.cpp", "use the safetensors file of the same model"},
}

// headBytes is the number of bytes that identify looks at.
const headBytes = 64

// identify returns an error that names the format of a file with this head, its first headBytes bytes, and a remedy; nil if the head
// may belong to a safetensors file or is not known.
func identify(head []byte) error {
	if len(head) == 0 {
		return malformed("the file is empty; the download or copy was perhaps interrupted: get it again")
	}
	if len(head) > 8 && head[8] == '{' {
		return nil
	}
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return malformed("it is %s; %s", f.is, f.remedy)
		}
	}
	text := strings.ToLower(string(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")))
	if strings.HasPrefix(text, "<!doctype") || strings.HasPrefix(text, "<html") || strings.HasPrefix(text, "<?xml") {
		return malformed("it is a web page, not the weights; download the file itself, such as from the page's link to the raw file")
	}
	return nil
}
