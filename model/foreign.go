package model

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/gguf"
	"github.com/longspan/longspan/hf"
	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// foreign reports whether a folder is in Hugging Face's form, and not in that of this program.
func foreign(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, filename.Model))
	return errors.Is(err, os.ErrNotExist) && hf.Is(dir)
}

// openForeign opens a folder in Hugging Face's form.
func openForeign(dir string, o OpenOptions) (*Model, error) {
	if o.Weights != "" || o.Verify {
		return nil, fmt.Errorf("model: %s: found a file of weights or a checksum to verify for a folder in Hugging Face's form, expected neither",
			dir)
	}
	c, err := hf.Open(dir, hf.Options{Attention: o.Attention, Global: o.Global, BodyOnly: o.BodyOnly, MaskToken: -1})
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	m, err := withTokenizer(c, o)
	if err != nil {
		return nil, errors.Join(err, c.Weights.Close())
	}
	m.settings = readSettings(c.Body)
	m.readTarget(c.Body)
	return m, nil
}

// readTarget reads what the folder of an encoder-decoder says about its targets. What it cannot read is an error of generation.
func (m *Model) readTarget(dir string) {
	if m.spec.Kind != EncoderDecoder {
		return
	}
	var problem error
	m.answers.Target, problem = readTarget(dir, m.spec.Vocab)
	m.generation.err = errors.Join(m.generation.err, problem)
}

// withTokenizer makes the model of a checkpoint in a folder with the tokenizer of the folder.
func withTokenizer(c *hf.Checkpoint, o OpenOptions) (*Model, error) {
	t, err := openFolderTokenizer(c.Body)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if t == nil {
		without := wordsNotRead(c)
		m, err := buildForeign(c, o)
		if err == nil {
			m.roles, m.noTokenizer = noRoles(), without
		}
		return m, err
	}
	nameMask(c, t.Roles)
	if t.Vocab() > c.Spec.Vocab {
		c.Notes = append(c.Notes, beyondNote(t.Vocab(), c.Spec.Vocab))
	}
	m, err := buildForeign(c, o)
	if err != nil {
		return nil, err
	}
	m.tokenizer, m.roles = t.Tokenizer, t.Roles
	for _, ignored := range t.Ignored() {
		m.notes = append(m.notes, "the tokenizer's files say, and this program does not follow: "+ignored)
	}
	m.generation = readGeneration(c.Body, t.Tokenizer)
	return m, nil
}

// nameMask tells a masked language model which token of its tokenizer hides others.
func nameMask(c *hf.Checkpoint, roles tokenizer.Roles) {
	if mask := c.Spec.Head.MaskToken; mask != nil && roles.Mask != tokenizer.None && int(roles.Mask) < c.Spec.Vocab {
		*mask = roles.Mask
	}
}

// wordsNotRead says why a Transformer-XL without a file that can be read has no tokenizer, and notes it; nil of other families.
func wordsNotRead(c *hf.Checkpoint) error {
	if c.Family != "transfo-xl" {
		return nil
	}
	_, err := tokenizer.OpenFolder(c.Body)
	if err == nil {
		return nil
	}
	c.Notes = append(c.Notes, "the model takes tokens as ids alone: "+err.Error())
	return fmt.Errorf("model: found a model without a tokenizer, which reads no text: %w", err)
}

// isGGUF reports whether a path is that of a GGUF file.
func isGGUF(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && strings.EqualFold(filepath.Ext(path), ".gguf")
}

// openGGUF opens a GGUF file.
func openGGUF(path string, o OpenOptions) (*Model, error) {
	if o.Weights != "" || o.Verify {
		return nil, fmt.Errorf("model: %s: found a file of weights or a checksum to verify for a GGUF file, expected neither", path)
	}
	c, f, err := hf.OpenGGUF(path, hf.Options{Attention: o.Attention, Global: o.Global, BodyOnly: o.BodyOnly, MaskToken: -1})
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	like, err := likeGGUF(path, f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("model: %s: %w", path, err), c.Weights.Close())
	}
	m, err := buildForeign(c, o)
	if err != nil {
		return nil, errors.Join(err, c.Weights.Close())
	}
	m.tokenizer, m.generation, m.roles = like.tokenizer, like.generation, like.roles
	m.origin.Form = "gguf"
	return m, nil
}

// likeGGUF is what a GGUF file says beside the model.
func likeGGUF(path string, f *gguf.File) (*Model, error) {
	like := &Model{roles: noRoles()}
	var err error
	like.tokenizer, err = tokenizerOf(f)
	if err != nil {
		return nil, err
	}
	like.generation = ggufGeneration(path, f, like.tokenizer)
	if like.tokenizer != nil {
		like.roles, err = rolesOfGGUF(f)
	}
	return like, err
}

// tokenizerOf is the tokenizer inside a GGUF file; nil: it has none.
func tokenizerOf(f *gguf.File) (*tokenizer.Tokenizer, error) {
	if !f.Has("tokenizer.ggml.model") {
		return nil, nil
	}
	text, err := f.TokenizerJSON()
	if err != nil {
		return nil, err
	}
	t, err := tokenizer.Read(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	roles, err := f.SpecialTokens()
	if err != nil {
		return nil, err
	}
	return t.WithSpecials(tokenizer.Specials{Begin: int32(roles.BOS), End: int32(roles.EOS), Unknown: int32(roles.Unknown)})
}

// buildForeign makes the model of a checkpoint.
func buildForeign(c *hf.Checkpoint, o OpenOptions) (*Model, error) {
	s := c.Spec
	if o.Precision != "" {
		s.Precision = o.Precision
	}
	policy, err := s.Policy()
	if err != nil {
		return nil, err
	}
	if !o.Pool.Dry() {
		if err := checkCopies(c, s, policy.Products, o.MaxMemory); err != nil {
			return nil, err
		}
	}
	m, err := build(s, nn.ParamsOptions{Load: c.Weights.Loader(policy.Products, o.Pool)})
	if err != nil {
		return nil, err
	}
	if name, ok := c.Weights.Unused(); ok {
		return nil, fmt.Errorf("model: the weights have the tensor %q, which a %s of the family %s does not have: they are of another model",
			name, c.Class, c.Family)
	}
	m.file, m.notes, m.checkpoint = c.Weights, c.Notes, c
	m.origin = Origin{Form: "huggingface", Family: c.Family, Class: c.Class, Stored: c.Weights.Stored()}
	m.answers = data.Answers{Classes: c.Labels, Tokens: c.Context, Prompts: c.Prompts, Prompt: c.Prompt, LowerCase: c.LowerCase}
	return m, nil
}

// checkCopies refuses weights whose copies take more than limit bytes; 0: more than the machine has.
func checkCopies(c *hf.Checkpoint, s Spec, products tensor.Type, limit int64) error {
	dry := tensor.NewDryPool()
	if _, err := build(s, nn.ParamsOptions{Load: c.Weights.Loader(products, dry)}); err != nil {
		return err
	}
	need := dry.InUse()
	c.Weights.Forget()
	const what = "opening the model, whose weights are copied in part,"
	if limit > 0 && need > limit {
		return &memory.Error{What: what, Need: need, Available: limit, Advice: "use a smaller model, or --precision bf16"}
	}
	return memory.Check(what, need)
}

// Notes are facts about an opened model, for people: settings without effect, tensors that are not used, a changed mechanism.
func (m *Model) Notes() []string { return m.notes }
