package bench

import (
	"fmt"
	"strings"

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
