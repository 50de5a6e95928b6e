package hf

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/longspan/longspan/model/spec"
	"github.com/longspan/longspan/tensor"
)

// SaveOptions say how a checkpoint is written. The zero value writes it as it came.
type SaveOptions struct {
	Type  string // f32, bf16 or fp16 of every tensor of numbers; empty: each as it came, and new ones as the embedding
	Shard int64  // bytes of a file of weights, which a larger tensor exceeds; 0: 5·10⁹, as transformers 4 has

	// MaxTokens is written where the tokenizer's files and those of sentence-transformers bound a text; 0: their bounds stay.
	MaxTokens int
	// Settings are keys of config.json with other values, such as max_position_embeddings; nil takes a key away. With them the file must
	// describe the model that is saved.
	Settings map[string]any
}

// shard is the default of SaveOptions.Shard.
const shard = 5e9

// Saved is what was written.
type Saved struct {
	Files   []string // relative to the folder
	Tensors int
	Bytes   int64    // of the tensors
	LeftOut []string // for people: what the source has and the folder does not
}

// ErrForm is wrapped by the error of a model that Hugging Face's form cannot say. Saved in the form of this program it loses nothing.
var ErrForm = errors.New("this model cannot be written in Hugging Face's form")

// Save writes the folder dir in Hugging Face's form, in which the checkpoint came: config.json with what has changed, the weights s
// describes under the names, in the shapes and the types of the source, tensors that the model does not use, and the files of the
// tokenizer, of generation and of sentence-transformers. The weights are those of a model of s, which may have been trained, or changed
// where config.json can say so; else the error wraps [ErrForm]. The folder must not exist, or be empty. It is there whole or not at all.
// The weights of the checkpoint must be open. The cost is two readings of the weights and a writing.
func (k *Checkpoint) Save(dir string, s spec.Spec, weights []*tensor.Param, o SaveOptions) (Saved, error) {
	saved, err := k.save(dir, s, weights, o)
	if err != nil {
		err = fmt.Errorf("hf: saving %s: %w", dir, err)
	}
	return saved, err
}

// CheckSave returns the error that Save would return before it writes. Of the weights the names and shapes are enough.
func (k *Checkpoint) CheckSave(s spec.Spec, weights []*tensor.Param, o SaveOptions) error {
	_, _, err := k.prepare(s, weights, o)
	if err != nil {
		return fmt.Errorf("hf: saving in Hugging Face's form: %w", err)
	}
	return nil
}

// prepare makes the tensors and the text of config.json.
func (k *Checkpoint) prepare(s spec.Spec, weights []*tensor.Param, o SaveOptions) (v *inverse, config []byte, err error) {
	if k.top == "" {
		return nil, nil, fmt.Errorf("%w: it came as a GGUF file", ErrForm)
	}
	force, err := o.force()
	if err != nil {
		return nil, nil, err
	}
	if v, err = k.Weights.inverse(weights, force); err != nil {
		return nil, nil, err
	}
	if config, err = edit(k.config.raw, k.settings(s, o)); err != nil {
		return nil, nil, err
	}
	return v, config, k.describes(config, s, v)
}

func (k *Checkpoint) save(dir string, s spec.Spec, weights []*tensor.Param, o SaveOptions) (saved Saved, err error) {
	inverse, text, err := k.prepare(s, weights, o)
	if err != nil {
		return saved, err
	}
	err = wholeFolder(dir, func(partial string) error {
		out := output{k: k, o: o, dir: partial, saved: &saved}
		return errors.Join(out.config(text), out.weights(inverse), out.companions(), out.modules(s))
	})
	saved.LeftOut = append(saved.LeftOut, k.leftOut(inverse)...)
	slices.Sort(saved.Files)
	return saved, err
}

// force parses the type.
func (o SaveOptions) force() (*tensor.Type, error) {
	switch o.Type {
	case "":
		return nil, nil
	case "f32", "bf16", "fp16":
		t, err := tensor.ParseType(strings.Replace(o.Type, "fp16", "f16", 1))
		return &t, err
	}
	return nil, fmt.Errorf("found the type %q, expected f32, bf16 or fp16", o.Type)
}

// settings are the changes of config.json.
func (k *Checkpoint) settings(s spec.Spec, o SaveOptions) []setting {
	var all []setting
	if k.bodyClass != "" {
		all = append(all, setting{"architectures", []string{k.bodyClass}})
	}
	if o.Type != "" {
		key := "torch_dtype"
		if k.config.has("dtype") {
			key = "dtype"
		}
		all = append(all, setting{key, map[string]string{"f32": "float32", "bf16": "bfloat16", "fp16": "float16"}[o.Type]})
	}
	if n := s.Embed.Positions; n != k.Spec.Embed.Positions && n > 0 {
		key := "max_position_embeddings"
		if k.Family == "gpt2" {
			key = "n_positions"
		}
		all = append(all, setting{key, n})
	}
	for _, key := range slices.Sorted(maps.Keys(o.Settings)) {
		all = append(all, setting{key, o.Settings[key]})
	}
	return all
}

// describes refuses a config.json that does not describe the model that is saved.
func (k *Checkpoint) describes(text []byte, s spec.Spec, v *inverse) error {
	c, err := parseConfig(k.config.path, text)
	if err != nil {
		return err
	}
	again, err := c.describe("the saved folder", v, Options{BodyOnly: k.options.BodyOnly, Pooled: true, MaskToken: -1,
		Global: k.options.Global})
	if err != nil {
		return err
	}
	switch {
	case k.pipeline != nil:
		again.Spec.Head = k.pipeline.head
	case pooled(s):
		again.Spec.Head = spec.Head{Kind: spec.Embed, Pooling: s.Head.Pooling, Normalise: s.Head.Normalise} // modules.json says so
	}
	where, found, want, err := difference(again.Spec, s)
	if err != nil || where == "" {
		return err
	}
	return fmt.Errorf("%w: config.json would say %s of %s, expected %s; transformers has no setting for it in this family, or none that this "+
		"program writes. Save it in the form of this program", ErrForm, found, where, want)
}

// difference compares two specifications in what a checkpoint says of a model: the first key that differs, and its values.
func difference(a, b spec.Spec) (where, found, want string, err error) {
	var trees [2]any
	for i, s := range []spec.Spec{a, b} {
		s.Precision, s.Recompute, s.Dropout, s.LabelSmoothing, s.Seed = "", "", 0, 0, 0
		s.Head.Contrast = nil
		if s.Head.MaskToken, s.Head.NeverMasked = nil, nil; s.Head.Kind == spec.MaskedLM {
			s.Head.MaskToken = new(int32) // which the tokenizer knows
		}
		text, err := json.Marshal(s)
		if err != nil {
			return "", "", "", err
		}
		if err := json.Unmarshal(text, &trees[i]); err != nil {
			return "", "", "", err
		}
	}
	where, found, want = differs("", trees[0], trees[1])
	return where, found, want, nil
}

// differs finds the first place in which two trees of JSON differ.
func differs(at string, a, b any) (where, found, want string) {
	x, okX := a.(map[string]any)
	y, okY := b.(map[string]any)
	if okX && okY {
		all := maps.Clone(x)
		maps.Copy(all, y)
		for _, key := range slices.Sorted(maps.Keys(all)) {
			if where, found, want = differs(strings.TrimPrefix(at+"."+key, "."), x[key], y[key]); where != "" {
				return where, found, want
			}
		}
		return "", "", ""
	}
	listX, okX := a.([]any)
	listY, okY := b.([]any)
	if okX && okY && len(listX) == len(listY) {
		for i := range listX {
			if where, found, want = differs(fmt.Sprintf("%s.%d", at, i), listX[i], listY[i]); where != "" {
				return where, found, want
			}
		}
		return "", "", ""
	}
	texts := [2]string{}
	for i, v := range []any{a, b} {
		text, err := json.Marshal(v)
		if err != nil {
			return at, "", ""
		}
		texts[i] = shorten(strings.Replace(string(text), "null", "nothing", 1))
	}
	if texts[0] == texts[1] {
		return "", "", ""
	}
	return at, texts[0], texts[1]
}

// Names, Shape, View, ReadMat and Close make the tensors of a saved folder [Tensors] that have shapes alone.
func (v *inverse) Names() []string {
	names := make([]string, len(v.out))
	for i, t := range v.out {
		names[i] = t.Name
	}
	return names
}

// Shape is the shape of a tensor.
func (v *inverse) Shape(name string) ([]int, bool) {
	i, ok := v.made[name]
	if !ok {
		return nil, false
	}
	return v.out[i].Shape, true
}

// View has nothing to show.
func (v *inverse) View(string) (tensor.Mat, bool) { return tensor.Mat{}, false }

// ReadMat has nothing to read.
func (v *inverse) ReadMat(tensor.Mat, string) error {
	return errors.New("hf: the tensor is not written yet")
}

// Close has nothing to close.
func (v *inverse) Close() error { return nil }

// wholeFolder makes the folder dir of what fill writes into another: whole, or not at all.
func wholeFolder(dir string, fill func(partial string) error) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("found a folder with %d files, expected none; choose another", len(entries))
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	partial := filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".partial")
	if err := errors.Join(os.RemoveAll(partial), os.Mkdir(partial, 0o755)); err != nil {
		return err
	}
	err := fill(partial)
	if err == nil {
		if err = os.Remove(dir); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
	}
	if err == nil {
		err = os.Rename(partial, dir)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(partial))
	}
	return nil
}

// leftOut says which tensors of the source were not written.
func (k *Checkpoint) leftOut(v *inverse) (all []string) {
	counts := map[string]int{}
	for _, name := range k.Weights.tensors.Names() {
		if _, ok := v.made[name]; !ok {
			counts[k.Weights.idle(name)]++
		}
	}
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, fmt.Sprintf("%d tensors: %s", counts[what], what))
	}
	return all
}

var _ Tensors = (*inverse)(nil)
var _ entries = (*files)(nil)
