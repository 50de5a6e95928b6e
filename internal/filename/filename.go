// Package filename names the files of a model folder and of a training run, which packages model and train both know.
package filename

// The files.
const (
	Config    = "config.yaml"       // the recipe of a run, with its defaults
	Log       = "log.jsonl"         // the log of a run
	Weights   = "model.safetensors" // the trained weights
	Model     = "model.json"        // what the weights are of: the configuration, and the names of answers
	Tokenizer = "tokenizer.json"    // text to ids, in Hugging Face's format
)

// AveragePrefix begins the names of moving averages in a checkpoint: AveragePrefix + "head.weight".
const AveragePrefix = "average/"
