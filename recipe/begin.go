package recipe

import (
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
	"github.com/longspan/longspan/train"
)

// beginning is the model that train.init names, where the recipe's model is that one.
type beginning struct {
	start *model.Start // with the head of the checkpoint until fit
	path  string       // of a folder in Hugging Face's form or a GGUF file; empty: a model of this program
	spec  model.Spec   // with the settings of the recipe, once it is fitted
	isRun bool         // it is the model of the run itself, which has the mechanisms of the recipe
	notes []string     // on how it is trained, and on the form in which it is saved
}

// note adds a note.
func (b *beginning) note(text string) { b.notes = append(b.notes, text) }

// Open opens the model that train.init names, where the recipe has no layers of its own, and the data, in the order that the seed chooses.
// budget is the largest number of bytes of the readers; 0 is no limit. Close lets go of the model.
func (r *Recipe) Open(budget int64) (*data.Bundle, error) {
	if err := r.begin(nil); err != nil {
		return nil, err
	}
	return r.openData(budget)
}

// openData opens the data, with the tokenizer of the model that train.init names.
func (r *Recipe) openData(budget int64) (*data.Bundle, error) {
	if r.beginning == nil {
		return r.Data.OpenWithin(r.Train.Seed, budget)
	}
	if err := r.checkKinds(); err != nil {
		return nil, err
	}
	encoder, err := r.beginning.start.Encoder()
	if err != nil {
		return nil, fmt.Errorf("train: init: %w", err)
	}
	return r.Data.openWith(data.OpenOptions{Batch: r.Data.Batch, Seed: r.Train.Seed, Memory: budget, Encoder: encoder})
}

// checkKinds refuses data that the model of train.init does not read.
func (r *Recipe) checkKinds() error {
	for name := range r.Data.kinds() {
		switch pairs := name == "pairs"; {
		case r.beginning.start.Spec().Kind == model.EncoderDecoder && !pairs:
			return fmt.Errorf("data: found %s with the encoder-decoder of train.init, expected pairs: it reads a source and writes a target", name)
		case r.beginning.start.Spec().Kind != model.EncoderDecoder && pairs:
			return errors.New("data: found pairs with the model of train.init, expected text, labelled or contrastive: " +
				"only an encoder-decoder reads a source and writes a target")
		case !slices.Contains([]string{"text", "labelled", "contrastive", "pairs"}, name):
			return fmt.Errorf("data: found %s with the model of train.init, expected text, labelled or contrastive: its tokenizer reads texts",
				name)
		}
	}
	return nil
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
// weights. Where it cannot be opened, instead opens another; nil: none.
func (r *Recipe) begin(instead func(cause error) (*beginning, error)) error {
	if r.Train.Init == "" || r.beginning != nil {
		return nil
	}
	given := layersOf(r.Model)
	b, err := openBeginning(r.Train.Init, r.Model.Attention, len(given) > 0)
	if err != nil && instead != nil {
		b, err = instead(err)
	}
	if err != nil || b == nil {
		return err
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
	return slices.Concat(b.start.Notes(), []string{note}, b.notes), nil
}
