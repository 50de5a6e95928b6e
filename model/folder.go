package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/longspan/longspan/internal/smallfile"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/durable"
	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// A model folder is complete: it needs no other file, and may be moved.
//
//	model.json         the Spec and the Answers
//	tokenizer.json     text to ids, in the format of Hugging Face's library tokenizers; absent if the model has no tokenizer
//	model.safetensors  the weights
//
// A model that was opened with tokens of certain roles, with chat templates, or with several tokens that end a text, has them in
// tokenizer_config.json and generation_config.json, in the form of transformers. So has one with settings of a search.
//
// The folder of a training run is a model folder. A checkpoint of the run can replace its weights.

// formatVersion is the version of model.json. It rises when an older program would misread the file.
const formatVersion = 1

// card is model.json.
type card struct {
	Longspan int          `json:"longspan"` // formatVersion
	Spec     Spec         `json:"spec"`
	Answers  data.Answers `json:"answers,omitzero"`

	// Tokens that the tokenizer has more than the model, such as <mask> of bart-large-cnn. A text that has one is refused.
	Beyond int `json:"tokens_beyond,omitempty"`
}

// OpenOptions select the weights of a folder, and how they are read. The zero value opens the final weights.
type OpenOptions struct {
	Weights   string       // the file of the weights, such as a checkpoint of the run; default: model.safetensors of the folder
	Precision string       // f32, bf16 or fp16 to compute in; default: the model's
	Pool      *tensor.Pool // of weights that cannot be used in place in the file
	Verify    bool         // compare the file with its checksum, which reads all of it, at about 2 GB/s

	// Of folders in Hugging Face's form and of GGUF files alone. MaxMemory is the most bytes that copies of weights may take: those that do
	// not lie in the file as they are used. 0: what the machine has. More is a *memory.Error, before anything is copied.
	MaxMemory int64
	Attention []string // the mechanism of layer i is element i mod n; nil: the model's
	Global    []int    // positions of global tokens, of models that have projections for them; nil: the model's
	BodyOnly  bool     // without the head: the model gives vectors
}

// ErrForeignOption is the error of options that folders of this program do not take.
var ErrForeignOption = errors.New("expected none: they are options of folders in Hugging Face's form and of GGUF files")

// refuseForeign refuses options that a folder of this program does not take.
func (o OpenOptions) refuseForeign() error {
	if o.Attention != nil || o.Global != nil || o.BodyOnly {
		return fmt.Errorf("model: found another mechanism, global tokens or a body without head for a folder of this program, %w",
			ErrForeignOption)
	}
	return nil
}

// Open opens a model folder. Weights of an f32 or bf16 file are used in place: the system reads each page at its first use. The file stays
// open until Close.
//
// It returns an error if a file is missing, damaged or of a newer version, or if its weights are not those of the configuration.
func Open(dir string) (*Model, error) { return OpenWith(dir, OpenOptions{}) }

// OpenWith is Open with options.
func OpenWith(dir string, o OpenOptions) (*Model, error) {
	switch {
	case isGGUF(dir):
		return openGGUF(dir, o)
	case foreign(dir):
		return openForeign(dir, o)
	}
	if err := o.refuseForeign(); err != nil {
		return nil, err
	}
	c, err := readCard(dir)
	if err != nil {
		return nil, err
	}
	t, err := openTokenizer(dir)
	if err != nil {
		return nil, err
	}
	if err := c.suits(t); err != nil {
		return nil, fmt.Errorf("model: %s: %w", dir, err)
	}
	if o.Weights == "" {
		o.Weights = filepath.Join(dir, filename.Weights)
		if _, err := os.Stat(o.Weights); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("model: %s has no %s: %w; a run writes it when it ends. Resume the run, or name a checkpoint as the weights",
				dir, filename.Weights, err)
		}
	}
	m, err := Load(c.Spec, o)
	if err != nil {
		return nil, err
	}
	m.generation = readGeneration(dir, t)
	m.tokenizer, m.roles, m.answers = t, named(rolesOf(t), t, m.generation.chat.Tokens), c.Answers
	m.settings = readSettings(dir)
	if m.tokensBeyond() > 0 {
		m.notes = append(m.notes, beyondNote(t.Vocab(), c.Spec.Vocab))
	}
	return m, nil
}

// suits refuses a tokenizer of more tokens than the card knows of; nil is none.
func (c *card) suits(t *tokenizer.Tokenizer) error {
	if t == nil || t.Vocab()-c.Beyond <= c.Spec.Vocab {
		return nil
	}
	return fmt.Errorf("found a tokenizer of %d tokens for a model of %d; the files are of two models", t.Vocab(), c.Spec.Vocab)
}

// tokensBeyond is the number of tokens that the tokenizer has more than the model.
func (m *Model) tokensBeyond() int {
	if m.tokenizer == nil {
		return 0
	}
	return max(0, m.tokenizer.Vocab()-m.spec.Vocab)
}

// beyondNote is the note about a tokenizer of more tokens than the model has.
func beyondNote(tokenizer, model int) string {
	return fmt.Sprintf("the tokenizer has %d tokens, the model %d: the last ones are refused in a text", tokenizer, model)
}

// checkRegular refuses what is there and no regular file, such as a pipe that nobody writes to.
func checkRegular(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("model: found %s of type %s, expected a regular file", path, info.Mode().Type())
	}
	return nil
}

// readCard reads model.json.
func readCard(dir string) (c card, err error) {
	path := filepath.Join(dir, filename.Model)
	if err := checkRegular(path); err != nil {
		return c, err
	}
	text, err := readSmall(path)
	if errors.Is(err, os.ErrNotExist) {
		if _, old := os.Stat(filepath.Join(dir, filename.Config)); old == nil {
			return c, fmt.Errorf("model: %s is a run of an older version, without %s; start a new run from its weights by its %s, "+
				"whose old keys are errors that name the new ones: longspan train %s --set train.init=%s", dir, filename.Model, filename.Config,
				filepath.Join(dir, filename.Config), dir)
		}
		return c, notAFolder(dir, err)
	}
	if err != nil {
		return c, fmt.Errorf("model: %w", err)
	}
	if err := parseCard(text, &c); err != nil {
		return c, fmt.Errorf("model: %s: %w", path, err)
	}
	return c, nil
}

// notAFolder is the error of a folder without model.json and without the files of Hugging Face's form.
func notAFolder(dir string, err error) error {
	entries, _ := os.ReadDir(dir)
	for _, known := range []struct{ pattern, what string }{
		{"config.json", "config.json is a link whose target is missing; fetch the model again"},
		{"adapter_config.json", "it has an adapter (LoRA), not a model; merge it into its model with PEFT's merge_and_unload in Python"},
		{"*.gguf", "it has a GGUF file; name the file in place of the folder"},
	} {
		for _, e := range entries {
			if ok, _ := filepath.Match(known.pattern, e.Name()); ok {
				return fmt.Errorf("model: %s is no model folder: %s", dir, known.what)
			}
		}
	}
	return fmt.Errorf("model: %s is no model folder: found neither %s nor config.json, expected one of them: %w", dir, filename.Model, err)
}

// maxCard is the largest number of bytes of model.json: some 4 KiB for each of the most layers.
const maxCard = 16 << 20

// readSmall reads a file of at most maxCard bytes.
func readSmall(path string) ([]byte, error) { return smallfile.Read(path, maxCard) }

// parseCard reads the text of model.json. An unknown key is an error, as it may change the meaning of the weights.
func parseCard(text []byte, c *card) error {
	var version struct {
		Longspan int `json:"longspan"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return err
	}
	if version.Longspan < 1 || version.Longspan > formatVersion {
		return fmt.Errorf("found format %d, expected 1 to %d; use the version of the program that wrote it, or a newer one",
			version.Longspan, formatVersion)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		return err
	}
	if d.More() {
		return errors.New("found text after the end of the document")
	}
	if err := c.Spec.Check(); err != nil {
		return err
	}
	if err := checkTarget(c.Answers.Target, c.Spec.Vocab); err != nil {
		return err
	}
	if c.Beyond < 0 {
		return fmt.Errorf("found %d tokens_beyond, expected 0 or more", c.Beyond)
	}
	if n := len(c.Answers.Classes); n > c.Spec.Head.Classes {
		return fmt.Errorf("found names of %d classes for a head of %d", n, c.Spec.Head.Classes)
	}
	return nil
}

// openTokenizer opens the tokenizer of a folder. It is nil if the folder has none.
func openTokenizer(dir string) (*tokenizer.Tokenizer, error) {
	path := filepath.Join(dir, filename.Tokenizer)
	if err := checkRegular(path); err != nil {
		return nil, err
	}
	t, err := tokenizer.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return t, nil
}

// Load makes the model of s with the weights of the file o.Weights, without a tokenizer. Errors are those of [Open].
func Load(s Spec, o OpenOptions) (m *Model, err error) {
	if err := checkRegular(o.Weights); err != nil {
		return nil, err
	}
	f, err := safetensors.OpenMapped(o.Weights)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return load(s, f, o)
}

// load makes the model of s with the weights of f, which it closes where there is an error. o.Weights is its name.
func load(s Spec, f *safetensors.File, o OpenOptions) (m *Model, err error) {
	if o.Precision != "" {
		s.Precision = o.Precision
	}
	s.Recompute = "" // nothing is trained
	w := &weightsFile{f: f, path: o.Weights, pool: o.Pool, used: map[string]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Close())
		}
	}()
	if o.Verify {
		if err := f.Verify(); err != nil {
			return nil, fmt.Errorf("model: %s: %w", o.Weights, err)
		}
	}
	policy, err := s.Policy()
	if err != nil {
		return nil, err
	}
	w.table = policy.Products
	if m, err = build(s, nn.ParamsOptions{Load: w.load}); err != nil {
		return nil, err
	}
	m.file, m.origin = w, w.origin()
	if name, ok := w.unused(); ok {
		return nil, fmt.Errorf("model: %s has the weight %q, which the model does not have: the file is of another model", o.Weights, name)
	}
	return m, nil
}

// OpenFiles is OpenWith for a folder of this program that is in memory: its files by name. Weights are used where they lie, so they must
// not be changed until Close.
func OpenFiles(files map[string][]byte, o OpenOptions) (*Model, error) {
	if err := o.refuseForeign(); err != nil {
		return nil, err
	}
	if o.Weights != "" {
		return nil, fmt.Errorf("model: found the weights %s for a model in memory, expected none: it has its own", o.Weights)
	}
	var c card
	if err := parseCard(files[filename.Model], &c); err != nil {
		return nil, fmt.Errorf("model: %s: %w", filename.Model, err)
	}
	var t *tokenizer.Tokenizer
	if text, ok := files[filename.Tokenizer]; ok {
		var err error
		if t, err = tokenizer.Read(bytes.NewReader(text)); err != nil {
			return nil, fmt.Errorf("model: %s: %w", filename.Tokenizer, err)
		}
		if err := c.suits(t); err != nil {
			return nil, fmt.Errorf("model: %w", err)
		}
	}
	f, err := safetensors.OpenBytes(files[filename.Weights])
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", filename.Weights, err)
	}
	o.Weights = filename.Weights
	m, err := load(c.Spec, f, o)
	if err != nil {
		return nil, err
	}
	m.tokenizer, m.roles, m.answers = t, rolesOf(t), c.Answers
	return m, nil
}

// Files returns the contents of a model folder's files by name, without the weights.
func (m *Model) Files() (map[string][]byte, error) {
	c := card{Longspan: formatVersion, Spec: m.spec, Answers: m.answers, Beyond: m.tokensBeyond()}
	c.Spec.Recompute = ""
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	files := map[string][]byte{filename.Model: append(text, '\n')}
	if m.tokenizer != nil {
		if files[filename.Tokenizer], err = m.tokenizer.MarshalJSON(); err != nil {
			return nil, fmt.Errorf("model: %w", err)
		}
	}
	n := m.generation
	if m.spec.Kind != Decoder {
		n = generationFiles{}
	}
	if err := n.files(files, m.roleTokens()); err != nil || m.spec.Head.Kind != LM {
		return files, err
	}
	return files, m.settings.files(files)
}

// Save writes the model folder dir, which Open reads. It makes the folder, and writes each file whole or not at all. Tables are stored as
// t, rounded if needed, and every other weight as F32.
func (m *Model) Save(dir string, t tensor.Type) error {
	if err := m.acquire(); err != nil {
		return err
	}
	defer m.release()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	files, err := m.Files()
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := durable.Write(filepath.Join(dir, name), func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
			return fmt.Errorf("model: %w", err)
		}
	}
	var tensors []safetensors.Tensor
	weights, err := m.params.As(t)
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	for _, w := range weights {
		tensors = append(tensors, safetensors.Matrix(w.Name, w.Value))
	}
	if err := safetensors.Save(filepath.Join(dir, filename.Weights), tensors, map[string]string{"format": "pt"}); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return nil
}
