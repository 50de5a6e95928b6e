// Package train runs the training loop. It takes batches from a data source and gradients from a model, updates the weights,
// evaluates, and writes everything to a folder from which the run can be resumed.
//
// A run's folder:
//
//	config.yaml                    the whole config, with all defaults
//	log.jsonl                      a line of JSON for each report, evaluation and note
//	events.out.tfevents.…          the same curves for TensorBoard, one file for each process
//	checkpoints/step-….safetensors weights, optimiser, loss scale, positions: everything that resuming needs
//	model.safetensors              the trained weights, once the run has ended
//	model.json, tokenizer.json     the model's configuration and tokenizer (package model)
//	model                          the model in another form, of a job that exports it
//
// A file is written under a partial name, synced and renamed. A checkpoint has a checksum. A run that was killed at any time and
// resumed gives the same bits as an uninterrupted one: log, checkpoints and model are equal, but for the times in the log.
package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// Model is what a run trains; *model.Model is one. One goroutine uses it.
type Model interface {
	// Params lists the weights and their gradients: always the same matrices in the same order.
	Params() []*tensor.Param

	// Targets counts the targets of b, over which its mean loss is taken: tokens to predict, or labels.
	Targets(b *data.Batch) int64

	// Train runs b forward and backward. It adds p.Weight times the gradient of the mean loss of b to the gradients, and returns the
	// mean loss. A batch without targets has no gradient, and its loss is ignored.
	Train(x tensor.Exec, b *data.Batch, p data.Pass) (loss float64, err error)

	// Eval predicts b without dropout. The batches of an evaluation come in order: place is 0, 1, …. The state that training
	// carries from batch to batch must not change.
	Eval(x tensor.Exec, b *data.Batch, place int) (data.Outcome, error)

	// State is what training carries from batch to batch beside the weights, such as the memory of a Transformer-XL; nil: nothing.
	// Restore restores it.
	State() []byte
	Restore(state []byte) error

	// Files are the files beside the weights that opening the run's folder as a model needs, by name.
	Files() (map[string][]byte, error)
}

// Job is a run: a model, its data and how to train. Model and Train are required.
type Job struct {
	Config Config // zero: DefaultConfig()
	Model  Model
	Train  data.Source                 // must not end
	Valid  func() (data.Source, error) // opens the validation data at its first batch; nil: no evaluations
	Exec   tensor.Exec                 // threads and pool; zero: all processors, and no pool
	Ranks  parallel.Engine             // of the processes that run the job together; nil: this one alone
	Meta   Meta                        // describes the run to checkpoints; recipe.Job fills it

	// Begin fills the first weights of a run, in place of Config.Init, and returns notes for the user; nil: Config.Init. Rank 0 calls it,
	// where there is no checkpoint.
	Begin func() (notes []string, err error)

	// Export writes the model at the end of the run into a new folder dir of the run's folder, in another form, and returns notes for the
	// user; nil: nothing. It is called after model.safetensors is written, with the weights that that has.
	Export func(dir string) (notes []string, err error)

	// RestartData resumes even if the training data has changed: it then restarts from its first batch, with a note. By default
	// changed data is an error.
	RestartData bool

	// These are called after every step, after every evaluation, and for every note to the user. They may be nil.
	Report func(Report)
	Scored func(step int64, s Score, improved bool)
	Note   func(step int64, text string)
}

// Report describes a step.
type Report struct {
	Step, Steps     int64
	Loss            float64 // mean of this step, in nats a target
	LR              float64 // learning rate
	Norm            float64 // of the gradient, before clipping
	Scale           float64 // loss scale; 0: none
	Skipped         bool    // the gradients overflowed, and the weights did not change
	Tokens          int64   // of this step
	TokensPerSecond float64 // smoothed over recent steps
	SecondsLeft     float64 // until Steps, at the current speed
}

// Result describes the end of a run.
type Result struct {
	Step        int64
	Loss        float64 // mean since the last line of the log, or of that line; 0 if no step was done
	Valid       Score   // the last evaluation; zero if there was none
	BestStep    int64   // step of the lowest validation loss; 0 if there was no evaluation
	Checkpoint  string  // path of the newest checkpoint
	Interrupted bool    // the context ended the run before its last step
}

// ErrDiverged is wrapped by the error of a run whose loss or gradients became NaN or infinite.
var ErrDiverged = errors.New("training diverged")

// ErrInput matches errors that the user can mend: a config out of range, unreadable data, a checkpoint of another run, first weights
// that do not fit.
var ErrInput = errors.New("bad input")

// inputError is an ErrInput with the text of its cause.
type inputError struct{ error }

func (e inputError) Unwrap() error     { return e.error }
func (e inputError) Is(err error) bool { return err == ErrInput }

// ErrExists is the error of Run for a folder that has a run already.
var ErrExists = errors.New("the folder holds a run already; resume it, or choose another")

// Run trains in the folder dir, which it makes. It returns ErrExists if the folder has a run already, and an ErrInput if it has other
// files. Nothing is written then.
//
// When ctx is done, Run finishes the current step, saves a checkpoint, and returns without error and with Interrupted set.
//
// With Job.Ranks every rank calls Run with an equal job. Rank 0 alone uses the folder, and its checkpoint is that of all ranks. Where ctx
// is done on one rank, all of them stop after the same step, and an evaluation is finished first. The caller calls Abort on an error.
func Run(ctx context.Context, dir string, job Job) (Result, error) {
	return run(ctx, dir, job, false)
}

// Resume continues the run in dir from its newest undamaged checkpoint, or from the start if it has none yet. It returns an error if
// job differs from the run in a setting that may not change (Meta.Frozen), the task, the seed, the precision, the optimiser, the
// weights, or the data. Other changes, and damaged checkpoints, are noted.
func Resume(ctx context.Context, dir string, job Job) (Result, error) {
	return run(ctx, dir, job, true)
}

func run(ctx context.Context, dir string, job Job, resume bool) (result Result, err error) {
	if job.Config == (Config{}) {
		job.Config = DefaultConfig()
	}
	if job.Model == nil || job.Train == nil {
		return result, inputError{errors.New("the job has no model or no training data; set Job.Model and Job.Train")}
	}
	if err := job.Config.Check(); err != nil {
		return result, inputError{err}
	}
	if err := probe(job); err != nil {
		return result, inputError{err}
	}
	var f *folder // of rank 0
	if job.root() {
		if f, err = openFolder(dir, resume); err != nil {
			return result, err
		}
		defer func() { err = errors.Join(err, f.close()) }()
	}
	l, err := newLoop(job, f)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	if err := l.begin(); err != nil {
		return result, err
	}
	if err := l.equalise(); err != nil {
		return result, err
	}
	result, err = l.run(ctx)
	if err != nil && l.saved != "" {
		err = fmt.Errorf("%w; the newest checkpoint is %s", err, l.saved)
	}
	return result, err
}
