// Package filename names the files of a model folder and of a training run, which packages model and train both know.
package filename

import "strings"

// The files.
const (
	Config    = "config.yaml"       // the recipe of a run, with its defaults
	Log       = "log.jsonl"         // the log of a run
	Weights   = "model.safetensors" // the trained weights
	Model     = "model.json"        // what the weights are of: the configuration, and the names of answers
	Picture   = "picture.json"      // in place of Model, of a model of pictures
	Tokenizer = "tokenizer.json"    // text to ids, in Hugging Face's format

	Generation      = "generation_config.json" // the tokens that end a text, in the format of transformers
	TokenizerConfig = "tokenizer_config.json"  // the roles of a tokenizer's special tokens, in the format of transformers
)

// AveragePrefix begins the names of moving averages in a checkpoint: AveragePrefix + "head.weight".
const AveragePrefix = "average/"

// Weight finds a weight in a file: its moving average, if the file has one. has reports whether the file has a tensor. saved is the
// name of the tensor to read, and base that of the weight itself: older versions called the weight and bias of a norm gamma and beta.
func Weight(has func(name string) bool, name string) (saved, base string) {
	base = name
	for now, old := range map[string]string{"norm.weight": "norm.gamma", "norm.bias": "norm.beta"} {
		if stem, ok := strings.CutSuffix(name, now); ok && !has(name) && has(stem+old) {
			base = stem + old
		}
	}
	if has(AveragePrefix + base) {
		return AveragePrefix + base, base
	}
	return base, base
}
