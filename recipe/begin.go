package recipe

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/hub"
	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/internal/strict"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/pretrained"
	"github.com/longspan/longspan/tokenizer"
	"github.com/longspan/longspan/train"
)

// beginning is the model that train.init names, where the recipe's model is that one.
type beginning struct {
	start *model.Start // with the head of the checkpoint until fit
	path  string       // of a folder in Hugging Face's form or a GGUF file; empty: a model of this program
	spec  model.Spec   // with the settings of the recipe, once it is fitted
	note  string       // on the form in which the model is saved
}

// Open opens the model that train.init names, where the recipe has no layers of its own, and the data, in the order that the seed chooses.
// budget is the largest number of bytes of the readers; 0 is no limit. Close lets go of the model.
func (r *Recipe) Open(budget int64) (*data.Bundle, error) {
	if err := r.begin(); err != nil {
		return nil, err
	}
	if r.beginning == nil {
		return r.Data.OpenWithin(r.Train.Seed, budget)
	}
	for name := range r.Data.kinds() {
		if !slices.Contains([]string{"text", "labelled", "contrastive"}, name) {
			return nil, fmt.Errorf("data: found %s with the model of train.init, expected text, labelled or contrastive: its tokenizer reads texts",
				name)
		}
	}
	return r.Data.openWith(data.OpenOptions{Batch: r.Data.Batch, Seed: r.Train.Seed, Memory: budget, Encoder: r.encoder()})
}

// OpenAvailable is Open with the available memory.
func (r *Recipe) OpenAvailable() (*data.Bundle, error) { return r.Open(memory.Read().Available) }

// Close lets go of the model that train.init names. A model of Build can then no longer be saved in its form.
func (r *Recipe) Close() error {
	if r.beginning == nil {
		return nil
	}
	err := r.beginning.start.Close()
	r.beginning = nil
	return err
}

// trained are the keys of a model that a checkpoint leaves open. All others are its own.
var trained = []string{"head", "pooling", "temperature", "symmetric", "attention", "never_masked",
	"dropout", "label_smoothing", "precision", "recompute", "seed"}

// layersOf lists the keys of a model that are given and that a checkpoint has.
func layersOf(c model.Config) (keys []string) {
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if !slices.Contains(trained, name) && !v.Field(i).IsZero() {
			keys = append(keys, name)
		}
	}
	return keys
}

// begin opens the model that train.init names, unless the recipe has layers of its own and it is a run of this program, or a file of
// weights.
func (r *Recipe) begin() error {
	if r.Train.Init == "" || r.beginning != nil {
		return nil
	}
	given := layersOf(r.Model)
	b, err := openBeginning(r.Train.Init, r.Model.Attention, len(given) > 0)
	if err != nil || b == nil {
		return err
	}
	if b.start.Spec().Kind == model.EncoderDecoder {
		return errors.Join(fmt.Errorf("train: init: found an encoder-decoder in %s; encoder-decoders cannot be fine-tuned yet; "+
			"expected an encoder or a decoder", r.Train.Init), b.start.Close())
	}
	if len(given) > 0 {
		return errors.Join(strict.Under("model", strict.Wrong(given[0], "is given with train.init of a checkpoint, which has its own layers; "+
			"leave all of model out but %s", strings.Join(trained, ", "))), b.start.Close())
	}
	if b.start.Tokenizer() == nil {
		return errors.Join(fmt.Errorf("train: init: found no tokenizer in %s, expected one: it makes tokens of the data", r.Train.Init),
			b.start.Close())
	}
	r.beginning = b
	return nil
}

// openBeginning opens a model. It is nil where layers are given and they can be those of the model: that of a run of this program, or of a
// file of weights.
func openBeginning(name string, attention []string, layers bool) (*beginning, error) {
	o := model.StartOptions{Attention: attention}
	path := name
	if _, err := os.Stat(name); err != nil {
		if pretrained.Has(name) {
			m, err := pretrained.Open(name, model.OpenOptions{})
			return startOf(m, o, err)
		}
		if path, err = hub.Resolve(name); err != nil {
			if !strings.ContainsAny(name, `/\`) {
				err = fmt.Errorf("%w; models in the program: %s", err, strings.Join(pretrained.NamesOf(pretrained.Sequences), ", "))
			}
			return nil, fmt.Errorf("train: init: %w", err)
		}
	}
	switch own := isOwn(path); {
	case own && layers:
		return nil, nil
	case own:
		weights, _, err := train.Find(path, "")
		if err != nil {
			return nil, fmt.Errorf("train: init: %w", err)
		}
		m, err := model.OpenWith(path, model.OpenOptions{Weights: weights})
		return startOf(m, o, err)
	}
	s, err := model.OpenStart(path, o)
	if err != nil {
		return nil, fmt.Errorf("train: init: %w", err)
	}
	return &beginning{start: s, path: path}, nil
}

// startOf begins with a model of this program.
func startOf(m *model.Model, o model.StartOptions, err error) (*beginning, error) {
	if err != nil {
		return nil, fmt.Errorf("train: init: %w", err)
	}
	s, err := model.StartOf(m, o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("train: init: %w", err), m.Close())
	}
	return &beginning{start: s}, nil
}

// isOwn reports whether a path is a folder or a file of weights of this program.
func isOwn(path string) bool {
	if strings.EqualFold(filepath.Ext(path), ".safetensors") {
		return true
	}
	for _, name := range []string{filename.Model, filename.Config} {
		if _, err := os.Stat(filepath.Join(path, name)); err == nil {
			return true
		}
	}
	return false
}

// encoder is how the checkpoint reads texts.
func (r *Recipe) encoder() *data.Encoder {
	s := r.beginning.start
	spec := s.Spec()
	return &data.Encoder{Tokenizer: s.Tokenizer(), LowerCase: s.Answers().LowerCase, Causal: spec.Kind == model.Decoder, End: s.Roles().End}
}

// fitBeginning chooses the head for the data, and writes the settings of the recipe into the specification of the checkpoint.
func (r *Recipe) fitBeginning(s *data.Bundle) error {
	b := r.beginning
	head, err := r.headFor(s)
	if err != nil {
		return err
	}
	if err := b.rehead(head, s.Answers.Classes, r.Model.Attention); err != nil {
		return err
	}
	spec := b.start.Spec()
	if n := spec.MaxTokens(); n > 0 && s.Tokens > n {
		return fmt.Errorf("data: found sequences of %d tokens for a model of %d learned positions, expected at most that many; set tokens to %d, "+
			"or make the model longer with longspan lengthen", s.Tokens, n, n)
	}
	if m := spec.Head.MaskToken; m != nil && *m < 0 {
		return errors.New("model: found no mask token in the tokenizer of train.init, which the head mlm needs; choose another head")
	}
	c := &r.Model
	c.Head = head
	if c.Seed == 0 {
		c.Seed = r.Train.Seed
	}
	spec.Dropout, spec.LabelSmoothing, spec.Recompute, spec.Seed = c.Dropout, c.LabelSmoothing, c.Recompute, c.Seed
	if c.Precision != "" {
		spec.Precision = c.Precision
	}
	if head == model.Embed {
		spec.Head.Pooling = cmp.Or(c.Pooling, spec.Head.Pooling)
		c.Temperature = cmp.Or(c.Temperature, model.DefaultTemperature)
		spec.Head.Normalise, spec.Head.Contrast = true, &model.Contrast{Temperature: c.Temperature, Symmetric: c.Symmetric}
	} else if c.Pooling != "" || c.Temperature != 0 || c.Symmetric {
		return fmt.Errorf("model: found pooling, temperature or symmetric with the head %s, expected them with the head embed", head)
	}
	if head == model.MaskedLM {
		if spec.Head.NeverMasked = c.NeverMasked; len(c.NeverMasked) == 0 {
			spec.Head.NeverMasked = specialTokens(b.start, spec.Vocab)
		}
	}
	r.Train.Precision = spec.Precision
	b.spec = spec
	return spec.Check()
}

// specialTokens are the tokens with a role, which are neither hidden nor predicted, as in transformers.
func specialTokens(s *model.Start, vocab int) (ids []int) {
	roles, specials, around := s.Roles(), s.Tokenizer().Specials(), s.Tokenizer().Template()
	all := append(slices.Concat(around.Before, around.After), roles.Begin, roles.End, roles.Unknown, roles.Separator, roles.Pad, roles.Class,
		roles.Mask, specials.Begin, specials.End, specials.Unknown)
	for _, id := range all {
		if id != tokenizer.None && int(id) < vocab {
			ids = append(ids, int(id))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// headFor is the head of the recipe, or that of the data: the checkpoint's where that learns from them.
func (r *Recipe) headFor(s *data.Bundle) (string, error) {
	spec := r.beginning.start.Spec()
	head := r.Model.Head
	if head == "" {
		switch {
		case s.Pairs:
			head = model.Embed
		case s.Numbers:
			head = model.Regress
		case s.Classes > 0:
			head = model.Classify
		case s.Tags > 0:
			head = model.Tag
		case spec.Kind == model.Encoder:
			head = model.MaskedLM
		default:
			head = model.LM
		}
	}
	wrong := (head == model.Embed) != s.Pairs || (head == model.LM || head == model.MaskedLM) && !s.TokenTargets ||
		head == model.Classify && s.Classes == 0 || head == model.Regress && !s.Numbers || head == model.Tag && s.Tags == 0
	if wrong {
		return "", fmt.Errorf("model: found the head %s, and %s", head, heads(s))
	}
	return head, nil
}

// rehead opens the checkpoint again, with another head where it has not the one.
func (b *beginning) rehead(head string, classes, attention []string) (err error) {
	o := model.StartOptions{Head: head, Classes: classes, Attention: attention}
	if head != model.Classify && head != model.Tag {
		o.Classes = nil
	}
	var s *model.Start
	if b.path == "" {
		s, err = b.start.WithHead(o)
	} else if s, err = model.OpenStart(b.path, o); err == nil {
		err = b.start.Close()
	}
	if err != nil {
		return fmt.Errorf("train: init: %w", err)
	}
	b.start = s
	return nil
}

// Spec is the model of a fitted recipe, layer by layer.
func (r *Recipe) Spec() (model.Spec, error) {
	if r.beginning == nil {
		return r.Model.Spec()
	}
	s := r.beginning.spec
	s.Recompute = r.Model.Recompute
	return s, s.Check()
}

// identity tells whether a run resumes with the checkpoint that it began with: a hash of its layers.
func (b *beginning) identity() (string, error) {
	s := b.spec
	s.Recompute, s.Dropout, s.LabelSmoothing, s.Seed, s.Head.NeverMasked = "", 0, 0, 0, nil
	s.Head.Contrast = nil
	text, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%.12x", sha256.Sum256(text)), nil
}

// fill reads the weights of the checkpoint into a model, and says which are new.
func (b *beginning) fill(m *model.Model, name string) ([]string, error) {
	if err := b.start.Fill(m); err != nil {
		return nil, err
	}
	note := "started from the weights of " + name
	if drawn := b.start.Drawn(); len(drawn) > 0 {
		note += "; new for this task: " + strings.Join(drawn, ", ")
	}
	notes := append(slices.Clone(b.start.Notes()), note)
	if b.note != "" {
		notes = append(notes, b.note)
	}
	return notes, nil
}
