package bench

import (
	"fmt"
	"strings"

	"github.com/longspan/longspan/internal/strictyaml"
	"github.com/longspan/longspan/model"
)

// trainModel is a model whose training step is measured.
type trainModel struct {
	name, about string
	config      model.Config
}

// trainModels are of the sizes that are known by these names.
var trainModels = []trainModel{
	{"gpt2", "GPT-2 small's sizes, 124 million weights: a decoder of 12 layers, 12 heads, width 768 and 50,257 tokens, whose head is tied",
		model.Config{Kind: model.Decoder, Vocab: 50257, Width: 768, Layers: 12, Heads: 12, Activation: "gelu_tanh", Bias: true, Tied: true,
			Position: "learned", MaxTokens: 2048}},
	{"encoder", "an encoder of 4 layers, 4 heads, width 256 and 8,192 tokens, 128 keys on each side, that tags each token with 2 classes",
		model.Config{Kind: model.Encoder, Head: model.Tag, Classes: 2, Vocab: 8192, Width: 256, Layers: 4, Heads: 4,
			Attention: []string{"window(128)"}}},
	{"longformer", "Longformer-base's, with a classifier: an encoder of 12 layers, 12 heads, width 768 and 50,265 tokens, " +
		"256 keys on each side and token 0 global",
		model.Config{Kind: model.Encoder, Head: model.Classify, Classes: 2, Pooling: "first", Vocab: 50265, Width: 768,
			Layers: 12, Heads: 12, Bias: true,
			NormPlace: "post", Attention: []string{"window(256) | global(0)"}, Position: "learned", MaxTokens: 4096}},
}

// TrainModels lists the names.
func TrainModels() []string {
	var names []string
	for _, m := range trainModels {
		names = append(names, m.name)
	}
	return names
}

// AboutTrainModels has a line for each model.
func AboutTrainModels() string {
	var b strings.Builder
	for _, m := range trainModels {
		fmt.Fprintf(&b, "  %-12s%s\n", m.name, m.about)
	}
	return b.String()
}

func findTrainModel(name string) (trainModel, error) {
	for _, m := range trainModels {
		if m.name == name {
			return m, nil
		}
	}
	return trainModel{}, fmt.Errorf("bench: found model %q, use one of %s", name, strings.Join(TrainModels(), ", "))
}

// maxSequences is what above is a slip of the hand.
const maxSequences = 1 << 12

// config checks t and returns the configuration of its model.
func (t Train) config() (model.Config, error) {
	if err := checkRuns(t.Threads, t.Runs); err != nil {
		return model.Config{}, err
	}
	if t.Sequences < 1 || t.Sequences > maxSequences {
		return model.Config{}, fmt.Errorf("bench: found %d sequences, expected 1 to %d", t.Sequences, maxSequences)
	}
	if t.Pass != Step && t.Pass != Forward {
		return model.Config{}, fmt.Errorf("bench: found pass %q, expected %s or %s", t.Pass, Step, Forward)
	}
	c, err := t.set()
	if err != nil {
		return c, err
	}
	if t.Tokens < 1 || c.MaxTokens > 0 && t.Tokens > c.MaxTokens {
		return c, fmt.Errorf("bench: found %d tokens, expected %s", t.Tokens, tokenRange(t.Model, c.MaxTokens))
	}
	if t.Layers < 0 || t.Layers > max(c.Layers, 0) {
		return c, fmt.Errorf("bench: found %d layers, expected 1 to %d, or 0 for all of them", t.Layers, c.Layers)
	}
	if t.Layers > 0 {
		c.Layers = t.Layers
	}
	c.Precision = t.Type.String()
	return c, nil
}

// tokenRange says how many tokens a model takes; most is 0 where it has no last position.
func tokenRange(name string, most int) string {
	if most == 0 {
		return "1 or more"
	}
	return fmt.Sprintf("1 to %d: %s has no more positions", most, name)
}

// set is the configuration of the model with the settings that differ, every default written out.
func (t Train) set() (model.Config, error) {
	m, err := findTrainModel(t.Model)
	if err != nil {
		return model.Config{}, err
	}
	c := m.config
	for _, assignment := range t.Set {
		if err := strictyaml.Set(assignment, &c); err != nil {
			return c, fmt.Errorf("bench: %w", err)
		}
	}
	if c.Precision != "" {
		return c, fmt.Errorf("bench: found the precision %s among the settings, expected none; --dtype %s sets it", c.Precision, c.Precision)
	}
	c = c.WithDefaults()
	if c.Kind == model.EncoderDecoder || c.Head == model.Regress {
		return c, fmt.Errorf("bench: found a model of kind %s with the head %s, expected one that reads one text and predicts tokens or classes",
			c.Kind, c.Head)
	}
	return c, nil
}
