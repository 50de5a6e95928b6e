package train

import (
	"math"

	"github.com/longspan/longspan/internal/strict"
	"github.com/longspan/longspan/train/optim"
)

// Config says how to train. Start from DefaultConfig.
type Config struct {
	Seed       uint64           `yaml:"seed"`           // of the first weights, of dropout and of the order of the data
	Init       string           `yaml:"init,omitempty"` // a run's folder or a safetensors file whose weights to begin with, but for a head of another task; none draws them
	Steps      int64            `yaml:"steps"`          // updates of the weights
	Accumulate int              `yaml:"accumulate"`     // batches whose gradients make one update
	Precision  string           `yaml:"-"`              // f32, bf16 or fp16, as the model has it; fp16 scales the loss
	Optimizer  OptimizerConfig  `yaml:"optimizer"`
	Average    float64          `yaml:"average"` // decay of the moving average of the weights, such as 0.999; 0 keeps none
	Log        LogConfig        `yaml:"log"`
	Eval       EvalConfig       `yaml:"eval"`
	Checkpoint CheckpointConfig `yaml:"checkpoint"`
}

// OptimizerConfig chooses the optimiser and its learning rate.
type OptimizerConfig struct {
	Name     string      `yaml:"name"`     // adamw, or adafactor, which keeps almost no state
	Rate     float64     `yaml:"rate"`     // highest learning rate; of adafactor relative to the size of the weights
	Warmup   int64       `yaml:"warmup"`   // steps until it is reached
	Schedule optim.Shape `yaml:"schedule"` // cosine, linear or constant
	Floor    float64     `yaml:"floor"`    // where the rate ends, as a share of the highest
	Decay    float64     `yaml:"decay"`    // weight decay of matrices
	Beta1    float64     `yaml:"beta1"`    // adamw only
	Beta2    float64     `yaml:"beta2"`    // adamw only
	Clip     float64     `yaml:"clip"`     // largest norm of the gradient; 0 does not clip
}

// LogConfig says how often a line is written.
type LogConfig struct {
	Every int64 `yaml:"every"` // steps
}

// EvalConfig says when to look at the validation data.
type EvalConfig struct {
	Every   int64 `yaml:"every"`   // steps; 0 only at the end
	Batches int   `yaml:"batches"` // how many; 0 takes all
}

// CheckpointConfig says when to save, and what to keep.
type CheckpointConfig struct {
	Every int64 `yaml:"every"` // steps; 0 only at the end, when interrupted, and at a new best evaluation
	Keep  int   `yaml:"keep"`  // newest to keep; the best is kept beside them
}

// DefaultConfig is what a config that says nothing else means.
func DefaultConfig() Config {
	return Config{
		Seed: 1, Steps: 1000, Accumulate: 1, Precision: "f32",
		Optimizer: OptimizerConfig{Name: "adamw", Rate: 3e-4, Warmup: 100, Schedule: optim.Cosine, Floor: 0.1,
			Decay: 0.1, Beta1: 0.9, Beta2: 0.95, Clip: 1},
		Log: LogConfig{Every: 10}, Eval: EvalConfig{Every: 200, Batches: 16}, Checkpoint: CheckpointConfig{Every: 200, Keep: 2},
	}
}

// maxAccumulate bounds what a step holds: its batches are read before the first is run.
const maxAccumulate = 1 << 16

// Check says what in c is out of range or contradicts itself, by the names of the config.
func (c Config) Check() error {
	switch {
	case c.Steps <= 0:
		return strict.Wrong("steps", "is %d; it must be positive", c.Steps)
	case c.Accumulate <= 0 || c.Accumulate > maxAccumulate:
		return strict.Wrong("accumulate", "is %d; it must lie between 1 and %d", c.Accumulate, maxAccumulate)
	case c.Precision != "f32" && c.Precision != "bf16" && c.Precision != "fp16":
		return strict.Wrong("precision", "is %q; use f32, bf16 or fp16", c.Precision)
	case !(c.Average >= 0 && c.Average < 1):
		return strict.Wrong("average", "is %g; it must be at least 0 and below 1", c.Average)
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
	return optim.Schedule{Peak: c.Rate, Warmup: c.Warmup, Total: steps, Shape: c.Schedule, Floor: c.Floor}
}
