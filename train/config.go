package train

import (
	"math"

	"github.com/longspan/longspan/internal/strict"
	"github.com/longspan/longspan/train/optim"
)

// Config says how to train. Start from DefaultConfig; the zero value means it.
type Config struct {
	// Seed draws the first weights, dropout and the order of the data.
	Seed uint64 `yaml:"seed"`
	// Init is a run's folder or a .safetensors file whose weights the run starts from. A head of another task is drawn anew. In a recipe it is
	// any model, whose layers the run has where the recipe has none.
	Init string `yaml:"init,omitempty"`
	// Save says in which form a model that began with a checkpoint is left: native, or huggingface too; empty: as it came. SaveType is the
	// type of the tensors in the latter: f32, bf16 or fp16; empty: those of the checkpoint.
	Save       string `yaml:"save,omitempty"`
	SaveType   string `yaml:"save_type,omitempty"`
	Steps      int64  `yaml:"steps"`      // updates of the weights
	Accumulate int    `yaml:"accumulate"` // batches per update
	// Shards cut the work of a step. Its bits depend on them, and not on the ranks that hold them: 1, 2, 4 … Shards. 0 is the
	// product of the next two.
	Shards int `yaml:"shards,omitempty"`
	// SequenceShards of the shards have each a part of every sequence; the others have batches of their own. 0: as few as Accumulate allows.
	SequenceShards int `yaml:"sequence_shards,omitempty"`
	// TensorShards of the shards have the same rows, and each a part of the features of every layer. 0 is 1.
	TensorShards int              `yaml:"tensor_shards,omitempty"`
	Precision    string           `yaml:"-"` // of the model: f32, bf16 or fp16; fp16 scales the loss
	Optimizer    OptimizerConfig  `yaml:"optimizer"`
	EMA          float64          `yaml:"ema" was:"average"` // decay of the moving average of the weights, such as 0.999; 0: no average
	Log          LogConfig        `yaml:"log"`
	Eval         EvalConfig       `yaml:"eval"`
	Checkpoint   CheckpointConfig `yaml:"checkpoint"`
}

// OptimizerConfig chooses the optimiser and its learning rate.
type OptimizerConfig struct {
	Name       string      `yaml:"name"`                     // adamw, or adafactor, whose state is small: n + m numbers for n × m weights
	LR         float64     `yaml:"lr" was:"rate"`            // peak learning rate; of adafactor relative to the size of the weights
	Warmup     int64       `yaml:"warmup"`                   // steps of linear rise to lr
	Schedule   optim.Shape `yaml:"schedule"`                 // cosine, linear or constant
	MinLRRatio float64     `yaml:"min_lr_ratio" was:"floor"` // last learning rate as a fraction of lr: 0 … 1
	Decay      float64     `yaml:"decay"`                    // weight decay of matrices
	Beta1      float64     `yaml:"beta1"`                    // adamw only
	Beta2      float64     `yaml:"beta2"`                    // adamw only
	Clip       float64     `yaml:"clip"`                     // largest norm of the gradient; 0: no clipping
}

// LogConfig says when to log.
type LogConfig struct {
	Every int64 `yaml:"every"` // steps
}

// EvalConfig says when to evaluate on the validation data.
type EvalConfig struct {
	Every   int64 `yaml:"every"`   // steps; 0: only at the end
	Batches int   `yaml:"batches"` // batches per evaluation; 0: all
}

// CheckpointConfig says when to write checkpoint files, and how many to keep.
type CheckpointConfig struct {
	Every int64 `yaml:"every"` // steps; 0: only at the end, on interruption and at a new best evaluation
	Keep  int   `yaml:"keep"`  // newest files to keep, at least 2; the best is kept as well
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{
		Seed: 1, Steps: 1000, Accumulate: 1, Precision: "f32",
		Optimizer: OptimizerConfig{Name: "adamw", LR: 3e-4, Warmup: 100, Schedule: optim.Cosine, MinLRRatio: 0.1,
			Decay: 0.1, Beta1: 0.9, Beta2: 0.95, Clip: 1},
		Log: LogConfig{Every: 10}, Eval: EvalConfig{Every: 200, Batches: 16}, Checkpoint: CheckpointConfig{Every: 200, Keep: 2},
	}
}

// The values of Config.Save.
const (
	SaveNative      = "native"
	SaveHuggingFace = "huggingface"
)

// maxAccumulate bounds the batches of a step, which are all in memory at once.
const maxAccumulate = 1 << 16

// maxShards bounds the shards of a step.
const maxShards = 1 << 14

// Check returns an error that names the first key out of range, such as optimizer.beta1.
func (c Config) Check() error {
	switch {
	case c.Steps <= 0:
		return strict.Wrong("steps", "is %d; it must be positive", c.Steps)
	case c.Accumulate <= 0 || c.Accumulate > maxAccumulate:
		return strict.Wrong("accumulate", "is %d; it must lie between 1 and %d", c.Accumulate, maxAccumulate)
	case c.Shards < 0 || c.Shards > maxShards:
		return strict.Wrong("shards", "is %d; it must lie between 1 and %d", c.Shards, maxShards)
	case c.TensorShards < 0 || c.AllShards()%max(1, c.TensorShards) != 0:
		return strict.Wrong("tensor_shards", "is %d; it must divide the %d shards", c.TensorShards, c.AllShards())
	case c.SequenceShards < 0 || c.AllShards()/max(1, c.TensorShards)%max(1, c.SequenceShards) != 0:
		return strict.Wrong("sequence_shards", "is %d; it must divide the %d shards (over tensor_shards)", c.SequenceShards, c.AllShards())
	case c.Accumulate%c.Split().Data != 0:
		return strict.Wrong("accumulate", "is %d; it must be a multiple of the %d shards that have batches of their own, "+
			"which are shards/sequence_shards/tensor_shards", c.Accumulate, c.Split().Data)
	case c.Precision != "f32" && c.Precision != "bf16" && c.Precision != "fp16":
		return strict.Wrong("precision", "is %q; use f32, bf16 or fp16", c.Precision)
	case c.Save != "" && c.Save != SaveNative && c.Save != SaveHuggingFace:
		return strict.Wrong("save", "is %q; use native or huggingface", c.Save)
	case c.SaveType != "" && c.SaveType != "f32" && c.SaveType != "bf16" && c.SaveType != "fp16":
		return strict.Wrong("save_type", "is %q; use f32, bf16 or fp16", c.SaveType)
	case c.SaveType != "" && c.Save == SaveNative:
		return strict.Wrong("save_type", "is given with save: native, which has one type; leave it out")
	case c.Save == SaveHuggingFace && c.Init == "":
		return strict.Wrong("save", "is huggingface without init; the form is that of the model in init")
	case !(c.EMA >= 0 && c.EMA < 1):
		return strict.Wrong("ema", "is %g; it must be at least 0 and below 1", c.EMA)
	case c.Log.Every <= 0:
		return strict.Wrong("log.every", "is %d; it must be positive", c.Log.Every)
	case c.Eval.Every < 0:
		return strict.Wrong("eval.every", "is %d; it cannot be negative", c.Eval.Every)
	case c.Eval.Batches < 0:
		return strict.Wrong("eval.batches", "is %d; it cannot be negative", c.Eval.Batches)
	case c.Checkpoint.Every < 0:
		return strict.Wrong("checkpoint.every", "is %d; it cannot be negative", c.Checkpoint.Every)
	case c.Checkpoint.Keep < 2:
		return strict.Wrong("checkpoint.keep", "is %d; keep at least 2, so that one is left if the newest is damaged", c.Checkpoint.Keep)
	}
	return c.Optimizer.check(c.Steps)
}

func (c OptimizerConfig) check(steps int64) error {
	switch {
	case c.Name != "adamw" && c.Name != "adafactor":
		return strict.Wrong("optimizer.name", "is %q; use adamw or adafactor", c.Name)
	case !(c.Clip >= 0) || math.IsInf(c.Clip, 0):
		return strict.Wrong("optimizer.clip", "is %g; it must be positive, or 0 not to clip", c.Clip)
	case !(c.Decay >= 0) || math.IsInf(c.Decay, 0):
		return strict.Wrong("optimizer.decay", "is %g; it must be positive, or 0 for none", c.Decay)
	case c.Name == "adamw" && !(c.Beta1 > 0 && c.Beta1 < 1):
		return strict.Wrong("optimizer.beta1", "is %g; it must lie between 0 and 1", c.Beta1)
	case c.Name == "adamw" && !(c.Beta2 > 0 && c.Beta2 < 1):
		return strict.Wrong("optimizer.beta2", "is %g; it must lie between 0 and 1", c.Beta2)
	}
	if err := c.schedule(steps).Check(); err != nil {
		return strict.Under("optimizer", err)
	}
	return nil
}

func (c OptimizerConfig) schedule(steps int64) optim.Schedule {
	return optim.Schedule{Peak: c.LR, Warmup: c.Warmup, Total: steps, Shape: c.Schedule, MinRatio: c.MinLRRatio}
}
