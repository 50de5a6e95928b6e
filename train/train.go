// Package train runs the training loop: it asks a data source for batches and a model for gradients, updates the
// weights, evaluates, and keeps everything in a folder from which a run goes on as if it had never stopped.
//
// A run's folder:
//
//	config.yaml                    the whole config, defaults written out
//	log.jsonl                      a line of JSON for each report, evaluation and note
//	events.out.tfevents.…          the same curves for TensorBoard, one file a session
//	checkpoints/step-….safetensors weights, optimiser, loss scale, positions: all that resuming needs
//	model.safetensors              the trained weights alone, once the run has ended
//	model.json, tokenizer.json     what else a use of the weights needs (package model)
//
// Checkpoints are written to a partial name, synced and renamed, and carry a checksum. A run that is killed at
// any instant and resumed gives the same bits as one that never was: the log, the checkpoints and the model are
// equal but for the times in the log.
package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
)

// Model is what the loop trains. It is used by one goroutine.
type Model interface {
	// Params lists the weights and their gradients, always the same matrices in the same order.
	Params() []*tensor.Param

	// Targets is what the mean loss of b is a mean over: the tokens of b to predict, or its labels.
	Targets(b *data.Batch) int64

	// Train runs b forward and backward: it adds p.Weight times the gradient of b's mean loss to the gradients
	// and returns the mean, without the weight. Where b has no targets there is no gradient, and the loss is not looked at.
	Train(x tensor.Exec, b *data.Batch, p data.Pass) (loss float64, err error)

	// Eval predicts b, with nothing dropped out. The batches of one evaluation come in order, and first says
	// where one begins; what training carries from batch to batch must not change.
	Eval(x tensor.Exec, b *data.Batch, first bool) (data.Outcome, error)

	// State is what training carries from batch to batch beside the weights, such as the memory of a
	// Transformer-XL; nil where there is nothing. Restore takes it back.
	State() []byte
	Restore(state []byte) error

	// Files are the files that the model's folder holds beside the weights, by their names: with them the folder of the run can be
	// opened without the data.
	Files() (map[string][]byte, error)
}

// Job is one run.
type Job struct {
	Config Config
	Model  Model
	Train  data.Source                              // without end
	Valid  func() (data.Source, error)              // opens the validation data at its beginning; nil where there is none
	Exec   tensor.Exec                              // what to compute with
	Text   []byte                                   // the config of the run as YAML, kept in its folder
	Task   func(config []byte) (t Task, ok bool)    // what a run with such a Text learns; nil: weights to begin with must fit, all of them
	Fixed  func(key string) bool                    // whether a key of Text, such as model.width, must be as it was for a run to go on; nil: none must
	Report func(Report)                             // told of every step; may be nil
	Scored func(step int64, s Score, improved bool) // told of every evaluation; may be nil
	Note   func(step int64, text string)            // told of what a user should know; may be nil
}

// Report is how one step went.
type Report struct {
	Step, Steps     int64
	Loss            float64 // mean of this step, in nats a target
	Rate            float64 // learning rate
	Norm            float64 // of the gradient, before clipping
	Scale           float64 // loss scale; 0 without
	Skipped         bool    // the gradients overflowed, and the weights are as they were
	Tokens          int64   // of this step
	TokensPerSecond float64 // lately
	SecondsLeft     float64 // until Steps, at that pace
}

// Result is how a run ended.
type Result struct {
	Step        int64
	Loss        float64 // mean over the steps since the last line of the log, or of that line; 0 where no step was done
	Valid       Score   // the last evaluation; without targets if there was none
	BestStep    int64   // of the lowest validation loss; 0 if there was none
	Checkpoint  string  // path of the newest checkpoint
	Interrupted bool    // ended by the context, before the last step
}

// ErrDiverged is wrapped by the error of a run whose loss or gradients became NaN or infinite.
var ErrDiverged = errors.New("training diverged")

// ErrInput is what an error is whose cause the user gave: data that cannot be read, a checkpoint of another run, first
// weights that do not fit. A config that Check refuses is one too.
var ErrInput = errors.New("bad input")

// inputError is an ErrInput whose text is its cause's.
type inputError struct{ error }

func (e inputError) Unwrap() error     { return e.error }
func (e inputError) Is(err error) bool { return err == ErrInput }

// ErrExists says that a folder holds a run already.
var ErrExists = errors.New("the folder holds a run already; resume it, or choose another")

// Run trains in the folder dir, which it makes. It returns ErrExists if there is a run already.
//
// When ctx is done it finishes the step it is at, saves a checkpoint and returns with Interrupted set and no error.
func Run(ctx context.Context, dir string, job Job) (Result, error) {
	return run(ctx, dir, job, false)
}

// Resume goes on with the run in dir from its newest checkpoint that is whole, or from the beginning where it had
// none yet. Damaged checkpoints that were passed over are reported as notes.
func Resume(ctx context.Context, dir string, job Job) (Result, error) {
	return run(ctx, dir, job, true)
}

func run(ctx context.Context, dir string, job Job, resume bool) (result Result, err error) {
	if err := job.Config.Check(); err != nil {
		return result, inputError{err}
	}
	if err := probe(job); err != nil {
		return result, inputError{err}
	}
	f, err := openFolder(dir, resume)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	l, err := newLoop(job, f)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	if err := l.begin(); err != nil {
		return result, err
	}
	result, err = l.run(ctx)
	if err != nil && l.saved != "" {
		err = fmt.Errorf("%w; the newest checkpoint is %s", err, l.saved)
	}
	return result, err
}
