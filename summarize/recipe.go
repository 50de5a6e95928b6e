package summarize

import (
	"errors"
	"fmt"
	"os"

	"go.yaml.in/yaml/v4"

	"github.com/longspan/longspan/internal/strictyaml"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tokenizer"
)

// Recipe states how a Hierarchical scorer is trained. LoadRecipe reads it from a YAML file.
type Recipe struct {
	Words     int             `yaml:"words"`   // most of a summary
	Vocab     int             `yaml:"vocab"`   // tokens of the byte-level BPE that is learned from the documents
	Encoder   model.Config    `yaml:"encoder"` // of the tokens; its kind, head, vocabulary and seed are set
	Sentences SentencesConfig `yaml:"sentences"`
	Tokens    int             `yaml:"tokens"` // of a document, from its beginning, that are learned from; 0: all. Summaries always read all
	Loss      LossWeights     `yaml:"loss"`
	Alone     bool            `yaml:"alone,omitempty"` // the encoder gets no features, and corrects mean odds: to measure it by itself
	Pretrain  FitConfig       `yaml:"pretrain"`        // of the encoder, as a masked language model of the documents; 0 epochs: none
	Train     FitConfig       `yaml:"train"`
	Seed      uint64          `yaml:"seed"`
}

// LossWeights are the weights of the parts of the loss, 0 to 100.
type LossWeights struct {
	Sentences float64 `yaml:"sentences"` // which the oracle chose
	Terms     float64 `yaml:"terms"`     // which the summary has, and how often
	Pairs     float64 `yaml:"pairs"`     // of neighbouring terms
}

func (w LossWeights) check() error {
	for _, v := range []float64{w.Sentences, w.Terms, w.Pairs} {
		if !(v >= 0 && v <= 100) {
			return fmt.Errorf("found a weight of %g, expected 0 to 100", v)
		}
	}
	return nil
}

// SentencesConfig are the layers over the sentences of a Hierarchical scorer.
type SentencesConfig struct {
	Layers int `yaml:"layers" json:"layers"`                   // of attention over the sentences
	Heads  int `yaml:"heads,omitempty" json:"heads,omitempty"` // 0: one for each 32 features of the encoder's width
	Hidden int `yaml:"hidden" json:"hidden"`                   // units of the perceptrons after them, and of that of the features
}

// FitConfig states a training by AdamW, 8 documents a step, with a learning rate that falls linearly to 0.
type FitConfig struct {
	Epochs  int     `yaml:"epochs"`            // at most; of train, the best on the validation documents is kept
	LR      float64 `yaml:"lr"`                // peak
	Warmup  int64   `yaml:"warmup"`            // steps
	Decay   float64 `yaml:"decay"`             // of the weights, decoupled
	Average float64 `yaml:"average,omitempty"` // decay of the moving average of the weights that is evaluated and kept; 0: no average
}

// DefaultRecipe is the recipe of an empty file, and that of examples/summaries/attention.yaml.
func DefaultRecipe() *Recipe {
	return &Recipe{
		Words: DefaultWords, Vocab: 6144,
		Encoder:   model.Config{Width: 128, Layers: 3, Heads: 2, Attention: []string{"window(128)"}, Precision: "bf16", Dropout: 0.2},
		Sentences: SentencesConfig{Layers: 1, Hidden: 64}, Tokens: 8192, Loss: LossWeights{Sentences: 0.3, Terms: 4, Pairs: 8},
		Pretrain: FitConfig{LR: 2e-3, Warmup: 50, Decay: 0.01}, Train: FitConfig{Epochs: 1, LR: 1e-3, Warmup: 20, Decay: 0.05, Average: 0.98},
	}
}

// DefaultRecipeName names DefaultRecipe in place of a file.
const DefaultRecipeName = "attention"

// LoadRecipe reads the recipe at path, or takes DefaultRecipe by its name, and applies overrides of the form train.lr=1e-3, later ones
// last. Every key must be known.
func LoadRecipe(path string, overrides []string) (*Recipe, error) {
	r, text := DefaultRecipe(), []byte(nil)
	if path != DefaultRecipeName {
		var err error
		if text, err = os.ReadFile(path); err != nil {
			return nil, err
		}
		if err := strictyaml.Load(text, path, r); err != nil {
			return nil, err
		}
	}
	for _, o := range overrides {
		if err := strictyaml.Set(o, r); err != nil {
			return nil, err
		}
	}
	if err := r.Check(); err != nil {
		return nil, strictyaml.Locate(err, text, path, overrides)
	}
	return r, nil
}

// YAML is the recipe with every default written out.
func (r *Recipe) YAML() ([]byte, error) { return yaml.Dump(r) }

// Check refuses values out of range.
func (r *Recipe) Check() error {
	switch {
	case r.Words < FewestWords || r.Words > mostBudget:
		return fmt.Errorf("found words: %d, expected %d to %d", r.Words, FewestWords, mostBudget)
	case r.Vocab < 256+len(Marks()) || r.Vocab > tokenizer.MaxVocab:
		return fmt.Errorf("found vocab: %d, expected %d to %d", r.Vocab, 256+len(Marks()), tokenizer.MaxVocab)
	case r.Tokens < 0:
		return fmt.Errorf("found tokens: %d, expected a positive number, or 0 for all", r.Tokens)
	case r.Encoder.Kind != "" && r.Encoder.Kind != model.Encoder || r.Encoder.Head != "" || r.Encoder.Vocab != 0 || r.Encoder.Seed != 0:
		return errors.New("found a kind, head, vocab or seed of the encoder, expected none: they are set by the recipe")
	case r.Train.Epochs < 1:
		return fmt.Errorf("found train: epochs: %d, expected at least 1", r.Train.Epochs)
	}
	if err := r.Sentences.check(); err != nil {
		return err
	}
	if err := r.Loss.check(); err != nil {
		return fmt.Errorf("loss: %w", err)
	}
	if err := r.Pretrain.check(); err != nil {
		return fmt.Errorf("pretrain: %w", err)
	}
	if err := r.Train.check(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	s, err := r.spec(0)
	if err != nil {
		return err
	}
	if err := checkEncoder(&s); err != nil {
		return fmt.Errorf("encoder: position: %w", err)
	}
	return nil
}

func (s SentencesConfig) check() error {
	if s.Layers < 0 || s.Layers > mostLayers || s.Hidden < 1 || s.Hidden > mostWidth || s.Heads < 0 || s.Heads > mostWidth {
		return fmt.Errorf("found %d layers over the sentences, %d hidden units and %d heads, expected 0 to %d, 1 to %d, and 0 to %d",
			s.Layers, s.Hidden, s.Heads, mostLayers, mostWidth, mostWidth)
	}
	return nil
}

func (f FitConfig) check() error {
	switch {
	case f.Epochs < 0 || f.Epochs > mostEpochs:
		return fmt.Errorf("found epochs: %d, expected 0 to %d", f.Epochs, mostEpochs)
	case !(f.LR > 0 && f.LR <= 1):
		return fmt.Errorf("found lr: %g, expected a number above 0, up to 1", f.LR)
	case f.Warmup < 0:
		return fmt.Errorf("found warmup: %d, expected a number of steps", f.Warmup)
	case !(f.Decay >= 0 && f.Decay < 1):
		return fmt.Errorf("found decay: %g, expected 0 up to 1", f.Decay)
	case !(f.Average >= 0 && f.Average < 1):
		return fmt.Errorf("found average: %g, expected 0 up to 1", f.Average)
	}
	return nil
}

// spec is the encoder, whose result is its hidden states.
func (r *Recipe) spec(vocab int) (model.Spec, error) {
	c := r.Encoder
	c.Kind, c.Vocab, c.Seed = model.Encoder, max(vocab, 1), r.Seed
	s, err := c.Spec()
	s.Head = model.Head{Kind: model.Embed, Pooling: "mean"}
	return s, err
}
