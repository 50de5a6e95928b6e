package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/longspan/longspan/checkpoint/torch"
	"github.com/longspan/longspan/safetensors"
)

// indexSuffix ends the name of a file that says which tensor is in which file.
const indexSuffix = ".index.json"

// forms are the files that a folder may have, the preferred first.
var forms = []string{"model.safetensors", "model.safetensors" + indexSuffix, "pytorch_model.bin", "pytorch_model.bin" + indexSuffix}

// others are files that a folder may have in place of them, by patterns of their names.
var others = []struct{ pattern, is, remedy string }{
	{"model-*-of-*.safetensors", "a part of the weights", "download model.safetensors.index.json too"},
	{"pytorch_model-*-of-*.bin", "a part of the weights", "download pytorch_model.bin.index.json too"},
	{"adapter_model.*", "an adapter (LoRA), not a model", "merge it into its model with PEFT's merge_and_unload in Python"},
	{"*.safetensors", "weights under another name", "rename it to model.safetensors if it is the model"},
	{"*.gguf", "a GGUF file of llama.cpp", "name the file itself in place of the folder"},
	{"*.h5", "weights of TensorFlow", "convert them with from_pretrained(…, from_tf=True) and save_pretrained in Python"},
	{"*.msgpack", "weights of Flax", "convert them with from_pretrained(…, from_flax=True) and save_pretrained in Python"},
	{"*.onnx", "a graph of ONNX", "use the safetensors file of the same model"},
	{"*.pth", "a file of torch.save", "rename it to pytorch_model.bin if it is the model"},
}

// Open opens the weights of a folder: the first of model.safetensors, model.safetensors.index.json, pytorch_model.bin and
// pytorch_model.bin.index.json that it has. Elements are not read; the cost is that of the headers. Close the weights when done.
//
// It returns an error if the folder has none of them, if a file is missing, damaged or in place of another (such as a Git LFS pointer),
// or if the files do not have exactly the tensors of the index.
func Open(dir string) (*Weights, error) {
	found, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w; expected a model folder", err)
	}
	for _, name := range forms {
		// A link without a target is there, and opening it is an error. Its weights are not to be replaced by those of another form.
		if slices.ContainsFunc(found, func(e fs.DirEntry) bool { return e.Name() == name }) {
			return OpenFiles(filepath.Join(dir, name))
		}
	}
	missing := fmt.Errorf("checkpoint: found none of %s in %s", strings.Join(forms, ", "), dir)
	for _, o := range others {
		for _, e := range found {
			if ok, err := filepath.Match(o.pattern, e.Name()); ok && err == nil {
				return nil, fmt.Errorf("%w; %s seems %s: %s", missing, e.Name(), o.is, o.remedy)
			}
		}
	}
	return nil, fmt.Errorf("%w; download the model with its weights", missing)
}

// OpenFiles opens the tensors of the named files together. A file whose name ends in .index.json stands for the files that it lists,
// which lie beside it. Any other is a safetensors file or a file of torch.save, which its first bytes say. No two may have a tensor of
// the same name.
func OpenFiles(paths ...string) (*Weights, error) {
	w := &Weights{in: map[string]int{}}
	for _, path := range paths {
		if err := w.open(path); err != nil {
			return nil, fmt.Errorf("checkpoint: %w", errors.Join(err, w.Close()))
		}
	}
	return w, nil
}

// open adds the tensors of a file or of an index.
func (w *Weights) open(path string) error {
	if strings.HasSuffix(path, indexSuffix) {
		return w.openIndex(path)
	}
	source, err := openSource(path)
	if err != nil {
		return err
	}
	return w.add(file{source, path})
}

// openSource opens one file. Its first bytes say of which format it is.
func openSource(path string) (Source, error) {
	if err := checkRegular(path); err != nil {
		return nil, err
	}
	isTorch, err := recogniseTorch(path)
	if err != nil {
		return nil, err
	}
	// A nil *File in an interface would not be nil.
	if isTorch {
		f, err := torch.OpenMapped(path)
		if err != nil {
			return nil, err
		}
		return f, nil
	}
	f, err := safetensors.OpenMapped(path)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// checkRegular refuses what is no regular file, such as a folder or a pipe that nobody writes to. A symbolic link stands for its target,
// as in the cache of Hugging Face's hub.
func checkRegular(path string) error {
	info, err := os.Stat(path)
	if _, link := os.Readlink(path); errors.Is(err, fs.ErrNotExist) && link == nil {
		return fmt.Errorf("%w: it is a link whose target is missing; download the model again", err)
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("found %s of type %s, expected a regular file", path, info.Mode().Type())
	}
	return nil
}

// recogniseTorch reports whether a file begins as torch.save's do, or else is named so and does not begin as a safetensors file: then the
// reader of torch's files says what it is.
func recogniseTorch(path string) (is bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	head := make([]byte, 16)
	n, err := f.ReadAt(head, 0)
	if n == len(head) || errors.Is(err, io.EOF) { // a shorter file is for the reader of its format to refuse
		err = nil
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return false, fmt.Errorf("reading the first bytes of %s: %w", path, err)
	}
	head = head[:n]
	if len(head) > 8 && head[8] == '{' {
		return false, nil
	}
	return torch.Recognise(head) || strings.HasSuffix(path, ".bin"), nil
}
