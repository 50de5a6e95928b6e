package hf

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/longspan/longspan/internal/durable"
	"github.com/longspan/longspan/internal/smallfile"
	"github.com/longspan/longspan/model/spec"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/sentence"
)

// companionFiles are the files beside the weights that transformers, tokenizers and sentence-transformers read. A saved folder has those
// that its source has.
var companionFiles = []string{
	"generation_config.json", "chat_template.jinja", "chat_template.json",
	"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt",
	"spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "vocab.pkl", "vocab.bin",
	"LICENSE", "LICENSE.txt", "NOTICE",
}

// moduleFiles are those of sentence-transformers, beside modules.json and in the folders that it names.
var moduleFiles = []string{
	"modules.json", "config_sentence_transformers.json",
	"sentence_bert_config.json", "sentence_roberta_config.json", "sentence_distilbert_config.json", "sentence_camembert_config.json",
	"sentence_albert_config.json", "sentence_xlm-roberta_config.json", "sentence_xlnet_config.json",
}

// output writes a folder.
type output struct {
	k     *Checkpoint
	o     SaveOptions
	dir   string
	saved *Saved
}

// body is the folder of config.json, relative to the whole.
func (out *output) body() string {
	rel, err := filepath.Rel(out.k.top, out.k.Body)
	if err != nil {
		return "."
	}
	return rel
}

// file writes a file of the folder.
func (out *output) file(name string, fill func(w io.Writer) error) error {
	path := filepath.Join(out.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	out.saved.Files = append(out.saved.Files, filepath.ToSlash(name))
	return durable.Write(path, fill)
}

func (out *output) text(name string, text []byte) error {
	return out.file(name, func(w io.Writer) error { _, err := w.Write(text); return err })
}

// config writes config.json.
func (out *output) config(text []byte) error {
	return out.text(filepath.Join(out.body(), "config.json"), text)
}

// weights writes the tensors: those of the body in shards, and those of each projection into its folder.
func (out *output) weights(v *inverse) error {
	var body []safetensors.Tensor
	var dense [][]safetensors.Tensor
	if p := out.k.pipeline; p != nil {
		dense = make([][]safetensors.Tensor, len(p.dense))
	}
next:
	for _, t := range v.out {
		out.saved.Tensors++
		out.saved.Bytes += t.Bytes()
		for i := range dense {
			if name, ok := strings.CutPrefix(t.Name, densePrefix(i)); ok {
				t.Name = name
				dense[i] = append(dense[i], t)
				continue next
			}
		}
		body = append(body, t)
	}
	for i, tensors := range dense {
		if err := out.tensors(filepath.Join(filepath.FromSlash(out.k.pipeline.denseDirs[i]), "model.safetensors"), tensors); err != nil {
			return err
		}
	}
	return out.shards(body)
}

func (out *output) tensors(name string, tensors []safetensors.Tensor) error {
	return out.file(name, func(w io.Writer) error {
		return safetensors.Write(w, tensors, map[string]string{"format": "pt"}) // without which transformers refuses a file
	})
}

// shards writes one file, or several and their index, as transformers names them.
func (out *output) shards(tensors []safetensors.Tensor) error {
	limit := out.o.Shard
	if limit <= 0 {
		limit = shard
	}
	var files [][]safetensors.Tensor
	var size, total int64
	for _, t := range tensors {
		if n := t.Bytes(); len(files) == 0 || size+n > limit {
			files, size = append(files, nil), 0
		}
		last := len(files) - 1
		files[last] = append(files[last], t)
		size += t.Bytes()
		total += t.Bytes()
	}
	if len(files) == 1 {
		return out.tensors(filepath.Join(out.body(), "model.safetensors"), files[0])
	}
	in := map[string]string{}
	for i, tensors := range files {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(files))
		if err := out.tensors(filepath.Join(out.body(), name), tensors); err != nil {
			return err
		}
		for _, t := range tensors {
			in[t.Name] = name
		}
	}
	index, err := json.MarshalIndent(map[string]any{"metadata": map[string]int64{"total_size": total}, "weight_map": in}, "", "  ")
	if err != nil {
		return err
	}
	return out.text(filepath.Join(out.body(), "model.safetensors.index.json"), append(index, '\n'))
}

// companions copies the files beside the weights.
func (out *output) companions() error {
	folders := []string{out.body()}
	if p := out.k.pipeline; p != nil {
		folders = append(folders, ".")
		for _, f := range p.Folders {
			folders = append(folders, filepath.FromSlash(f))
		}
	}
	var done []string
	for _, folder := range folders {
		if folder = filepath.Clean(folder); slices.Contains(done, folder) {
			continue
		}
		done = append(done, folder)
		names := companionFiles
		if out.k.pipeline != nil {
			names = slices.Concat(names, moduleFiles)
		}
		if folder != "." && folder != out.body() {
			names = append(slices.Clone(names), "config.json") // of a module
		}
		for _, name := range names {
			if err := out.companion(filepath.Join(folder, name)); err != nil {
				return err
			}
		}
	}
	out.notCopied(done)
	return nil
}

// companion copies a file, if the source has it. It may be a link, as in the cache of the hub.
func (out *output) companion(name string) error {
	path := filepath.Join(out.k.top, name)
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("found %s of type %s, expected a regular file", path, info.Mode().Type())
	}
	if settings := out.bounds(filepath.Base(name)); len(settings) > 0 {
		text, err := smallfile.Read(path, maxConfig)
		if err != nil {
			return err
		}
		if text, err = edit(text, settings); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return out.text(name, text)
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	err = out.file(name, func(w io.Writer) error { _, err := io.Copy(w, from); return err })
	return errors.Join(err, from.Close())
}

// bounds are the keys of a file that bound the tokens of a text.
func (out *output) bounds(name string) []setting {
	n := out.o.MaxTokens
	switch {
	case n <= 0:
		return nil
	case name == "tokenizer_config.json":
		return []setting{{"model_max_length", n}}
	case strings.HasPrefix(name, "sentence_") && strings.HasSuffix(name, "_config.json"):
		return []setting{{"max_seq_length", n}}
	}
	return nil
}

// notCopied lists what else the folders of the source have, but for weights in whatever form.
func (out *output) notCopied(folders []string) {
	var names []string
	for _, folder := range folders {
		entries, err := os.ReadDir(filepath.Join(out.k.top, folder))
		if err != nil {
			continue // of a module without files, such as Normalize
		}
		for _, e := range entries {
			name := filepath.ToSlash(filepath.Join(folder, e.Name()))
			weights := slices.Contains([]string{".safetensors", ".bin", ".h5", ".msgpack", ".onnx", ".ot"}, filepath.Ext(name)) ||
				strings.HasSuffix(name, ".index.json")
			if e.IsDir() || weights || slices.Contains(out.saved.Files, name) {
				continue
			}
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		out.saved.LeftOut = append(out.saved.LeftOut, "files: "+strings.Join(names, ", "))
	}
}

// pooled reports whether a model without modules gives vectors that need some: others than means.
func pooled(s spec.Spec) bool {
	return s.Head.Kind == spec.Embed && len(s.Head.Project) == 0 && (s.Head.Normalise || s.Head.Pooling != "mean")
}

// modules writes the files by which sentence-transformers pools and normalises, for a model that came without them.
func (out *output) modules(s spec.Spec) error {
	if out.k.pipeline != nil || !pooled(s) {
		return nil
	}
	type module struct {
		Index int    `json:"idx"`
		Name  string `json:"name"`
		Path  string `json:"path"`
		Type  string `json:"type"`
	}
	const models = "sentence_transformers.models."
	list := []module{{0, "0", "", models + "Transformer"}, {1, "1", "1_Pooling", models + "Pooling"}}
	if s.Head.Normalise {
		list = append(list, module{2, "2", "2_Normalize", models + "Normalize"})
	}
	all, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	flags := map[string]any{"word_embedding_dimension": s.Width}
	for mode, ours := range pooling {
		flags[poolingFlag[mode]] = ours == s.Head.Pooling
	}
	one, err := json.MarshalIndent(flags, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(out.text("modules.json", append(all, '\n')), out.text(filepath.Join("1_Pooling", "config.json"), append(one, '\n')))
}

// poolingFlag are the keys of sentence-transformers' Pooling.
var poolingFlag = map[sentence.Mode]string{sentence.Mean: "pooling_mode_mean_tokens", sentence.First: "pooling_mode_cls_token",
	sentence.Last: "pooling_mode_lasttoken"}
