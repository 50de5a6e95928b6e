package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/hf"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// Start is an opened model with whose weights another begins, to be trained: everything about it but its weights in memory. Those stay in
// their files, or in the model, until Fill reads them.
type Start struct {
	spec  Spec
	like  *Model // tokenizer, roles, answers, notes, files of generation and settings of a search, origin and checkpoint
	model *Model // of this program; nil: a checkpoint
	drawn []string
	read  func(dst *tensor.Param) error
	close func() error
}

// StartOptions change what is made of a checkpoint. The zero value changes nothing.
type StartOptions struct {
	Head      string   // the kind of head; empty: the checkpoint's
	Classes   []string // of classify and tag: their names
	Attention []string // the mechanism of layer i is element i mod n; nil: the checkpoint's
	Global    []int    // positions of global tokens; nil: the checkpoint's
}

// OpenStart opens a folder in Hugging Face's form or a GGUF file. Another head is that of transformers' class for the task; see [hf.Head].
// It reads no weight. Errors are those of [Open].
func OpenStart(path string, o StartOptions) (*Start, error) {
	options := hf.Options{Attention: o.Attention, Global: o.Global, MaskToken: -1}
	if o.Head != "" {
		options.Head = &hf.Head{Kind: o.Head, Labels: o.Classes}
	}
	open := startForeign
	if isGGUF(path) {
		open = startGGUF
	} else if !foreign(path) {
		return nil, fmt.Errorf("model: found %s, expected a folder in Hugging Face's form or a GGUF file", path)
	}
	s, err := open(path, options)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return s, nil
}

func startForeign(dir string, o hf.Options) (*Start, error) {
	c, err := hf.Open(dir, o)
	if err != nil {
		return nil, err
	}
	like := &Model{roles: noRoles(), settings: readSettings(c.Body)}
	t, err := openFolderTokenizer(c.Body)
	if err != nil {
		return nil, errors.Join(err, c.Weights.Close())
	}
	if t != nil {
		nameMask(c, t.Roles)
		like.tokenizer, like.roles, like.generation = t.Tokenizer, t.Roles, readGeneration(c.Body, t.Tokenizer)
	}
	s, err := startOf(c, like)
	if err == nil {
		like.readTarget(c.Body)
	}
	return s, err
}

func startGGUF(path string, o hf.Options) (*Start, error) {
	c, f, err := hf.OpenGGUF(path, o)
	if err != nil {
		return nil, err
	}
	like, err := likeGGUF(path, f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), c.Weights.Close())
	}
	s, err := startOf(c, like)
	if err == nil {
		like.origin.Form = "gguf"
	}
	return s, err
}

// startOf holds the weights of a checkpoint against the model that they must make. It closes them where there is an error.
func startOf(c *hf.Checkpoint, like *Model) (*Start, error) {
	s := &Start{spec: c.Spec, like: like, close: c.Weights.Close}
	s.read = func(p *tensor.Param) error { return c.Weights.Read(p.Value, p.Name) }
	shapes, err := build(c.Spec, nn.ParamsOptions{Pool: tensor.NewDryPool()})
	if err != nil {
		return nil, errors.Join(err, c.Weights.Close())
	}
	for _, p := range shapes.Params() {
		has, err := c.Has(p.Name, p.Value.Rows, p.Value.Cols)
		if err != nil {
			return nil, errors.Join(err, c.Weights.Close())
		}
		if !has {
			s.drawn = append(s.drawn, p.Name)
		}
	}
	if name, ok := c.Weights.Unused(); ok {
		return nil, errors.Join(fmt.Errorf("the weights have the tensor %q, which a %s of the family %s does not have: they are of another model",
			name, c.Class, c.Family), c.Weights.Close())
	}
	like.spec, like.notes, like.checkpoint = c.Spec, c.Notes, c
	like.origin = Origin{Form: HuggingFaceForm, Family: c.Family, Class: c.Class, Stored: c.Weights.Stored()}
	like.answers = data.Answers{Classes: c.Labels, Tokens: c.Context, Prompts: c.Prompts, Prompt: c.Prompt, LowerCase: c.LowerCase}
	return s, nil
}

// StartOf begins with an opened model of this program, which Close closes. Another head, or one of other classes, is the plain one of its
// kind, with mean pooling. Errors are those of [Spec.Check].
func StartOf(m *Model, o StartOptions) (*Start, error) {
	if o.Global != nil {
		return nil, errors.New("model: found global tokens for a model of this program, expected them in its mechanism")
	}
	s := &Start{spec: m.spec, like: m, model: m, close: m.Close}
	s.spec.Layers = slices.Clone(m.spec.Layers)
	for i := range s.spec.Layers {
		if n := len(o.Attention); n > 0 {
			s.spec.Layers[i].Attention.Mechanism = o.Attention[i%n]
		}
	}
	own := m.spec.Head
	named := o.Head == Classify || o.Head == Tag
	replaced := o.Head != "" && (o.Head != own.Kind || named && !slices.Equal(o.Classes, m.answers.Classes))
	if replaced {
		s.spec.Head = Head{Kind: o.Head, Normalise: o.Head == Embed}
		if mask := m.roles.Mask; o.Head == MaskedLM && mask != tokenizer.None && int(mask) < m.spec.Vocab {
			s.spec.Head = tiedHead(mask)
		}
		if named {
			s.spec.Head.Classes = len(o.Classes)
		}
		if s.spec.Head.OfSequences() {
			s.spec.Head.Pooling = "mean"
		}
	}
	shapes, err := build(s.spec, nn.ParamsOptions{Pool: tensor.NewDryPool()})
	if err != nil {
		return nil, err
	}
	isDrawn := func(name string) bool { return replaced && strings.HasPrefix(name, HeadPrefix) }
	for _, p := range shapes.Params() {
		if isDrawn(p.Name) {
			s.drawn = append(s.drawn, p.Name)
		} else if m.params.Named(p.Name) == nil {
			return nil, fmt.Errorf("model: found no weight %q in the model to begin with, expected one; take its mechanism as it is", p.Name)
		}
	}
	s.read = func(p *tensor.Param) error {
		from := m.params.Named(p.Name).Value
		rows := min(from.Rows, p.Value.Rows) // mlm adds a row to the embedding
		return tensor.Convert(tensor.Exec{}, p.Value.SliceRows(0, rows), from.SliceRows(0, rows))
	}
	return s, nil
}

// tiedHead is BERT's head of masked tokens: a transform, the embedding's table, and a token of the vocabulary that hides others.
func tiedHead(mask int32) Head {
	return Head{Kind: MaskedLM, Tied: true, TiedBias: true, MaskToken: &mask,
		Transform: &Transform{Activation: "gelu", Bias: true, Norm: &Norm{Kind: "layer"}}}
}

// WithHead is StartOf of the same model with other options. Of a checkpoint open another Start.
func (s *Start) WithHead(o StartOptions) (*Start, error) {
	if s.model == nil {
		return nil, errors.New("model: found a checkpoint, expected a model of this program; open it again with another head")
	}
	return StartOf(s.model, o)
}

// Spec is the model, layer by layer. The caller may change its copy in Precision, Recompute, Dropout, LabelSmoothing, Seed and NeverMasked.
func (s *Start) Spec() Spec { return s.spec }

// Drawn lists the weights that the checkpoint does not have: those of a new head.
func (s *Start) Drawn() []string { return s.drawn }

// Notes are those of [Model.Notes].
func (s *Start) Notes() []string { return s.like.notes }

// Tokenizer is the checkpoint's tokenizer; nil: it has none.
func (s *Start) Tokenizer() *tokenizer.Tokenizer { return s.like.tokenizer }

// Roles are the tokens with a role.
func (s *Start) Roles() tokenizer.Roles { return s.like.roles }

// Answers are the names of the classes, and what texts are read with.
func (s *Start) Answers() data.Answers { return s.like.answers }

// Encoder is how data turns texts into the tokens of the model. It returns an error for a model without a tokenizer, and for an
// encoder-decoder whose files do not say what a target begins or ends with.
func (s *Start) Encoder() (*data.Encoder, error) {
	l := s.like
	if l.tokenizer == nil {
		return nil, errNoTokenizer
	}
	e := &data.Encoder{Tokenizer: l.tokenizer, Vocab: s.spec.Vocab, LowerCase: l.answers.LowerCase, Causal: s.spec.Kind == Decoder,
		End: l.roles.End}
	if s.spec.Kind != EncoderDecoder {
		return e, nil
	}
	var err error
	e.Target, err = l.targetAround()
	return e, err
}

// Prefix is the text that the files put before the sources of a task, such as "summarize: " of T5 before those of summarization; empty:
// none.
func (s *Start) Prefix(task string) string { return s.like.settings.tasks[task].prefix }

// Origin is where the checkpoint comes from.
func (s *Start) Origin() Origin { return s.like.origin }

// New makes the model of spec, which is that of Spec but for the settings of training. Its weights are drawn until Fill reads them. It is
// saved as the checkpoint is, while s is open. Of o the answers count, and the tokenizer is the checkpoint's.
func (s *Start) New(spec Spec, o Options) (*Model, error) {
	m, err := NewOf(spec, o)
	if err != nil {
		return nil, err
	}
	l := s.like
	m.tokenizer, m.roles, m.notes, m.generation, m.origin, m.checkpoint = l.tokenizer, l.roles, l.notes, l.generation, l.origin, l.checkpoint
	m.settings = l.settings
	if spec.Kind == EncoderDecoder && l.origin.Form == HuggingFaceForm {
		m.answers.Target = l.startedTarget()
	}
	return m, nil
}

// Fill reads the weights into a model of New. Those of Drawn stay as they are.
func (s *Start) Fill(m *Model) error {
	for _, p := range m.Params() {
		if slices.Contains(s.drawn, p.Name) {
			continue
		}
		if err := s.read(p); err != nil {
			return fmt.Errorf("model: %w", err)
		}
	}
	return nil
}

// Close lets go of the files. Models of New stay, but can no longer be saved in the form of the checkpoint.
func (s *Start) Close() error { return s.close() }
