package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/durable"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/train/internal/events"
	"github.com/longspan/longspan/train/optim"
)

// loop is a run in progress.
type loop struct {
	job       Job
	folder    *folder
	log       *logFile
	board     *events.Writer
	boardFile *os.File

	weights   *optim.Weights
	optimizer optim.Optimizer
	average   *optim.EMA // nil if Config.EMA is 0
	schedule  optim.Schedule
	batches   []data.Batch // of one step
	pace      pace
	shards    *shards // nil: one

	from    string    // path of the checkpoint to resume from; empty: none
	damaged []Damaged // newer checkpoints
	first   []string  // notes on the first weights

	state     state
	saved     string // path of the newest checkpoint
	savedStep int64
	valid     Score // of the last evaluation
}

func newLoop(job Job, f *folder) (*loop, error) {
	c := job.Config
	l := &loop{job: job, folder: f, batches: make([]data.Batch, c.Accumulate)}
	l.schedule = c.Optimizer.schedule(c.Steps)
	l.state.Seed = c.Seed
	if c.Precision == "fp16" {
		l.state.Scaler = optim.NewScaler()
	}
	var err error
	if l.weights, err = optim.NewWeights(job.Model.Params()); err != nil {
		return nil, err
	}
	if l.shards, err = newShards(c, job.Ranks, job.Model); err != nil {
		return nil, err
	}
	if err := l.findCheckpoint(); err != nil {
		return nil, err
	}
	if l.first, err = l.firstWeights(); err != nil {
		return nil, inputError{fmt.Errorf("init: %w", err)}
	}
	if l.optimizer, err = NewOptimizer(c, job.Exec, l.weights); err != nil {
		return nil, err
	}
	if c.EMA > 0 {
		l.average, err = optim.NewEMA(job.Exec.Pool, l.weights, c.EMA)
	}
	return l, err
}

// firstWeights fills the weights of a run without a checkpoint, where they are not those that were drawn, and returns notes for the user.
func (l *loop) firstWeights() (notes []string, err error) {
	switch {
	case l.from != "" || !l.job.root():
		return nil, nil
	case l.job.Begin != nil:
		if notes, err = l.job.Begin(); err != nil {
			return nil, err
		}
		if name := notFinite(l.job.Model.Params()); name != "" {
			return nil, fmt.Errorf("the weights %q are not finite; start from others", name)
		}
		return notes, nil
	case l.job.Config.Init != "":
		return beginWith(l.job.Config.Init, l.job)
	}
	return nil, nil
}

// findCheckpoint looks for the newest undamaged checkpoint. It is an error if all checkpoints are damaged, but not if there is none yet.
func (l *loop) findCheckpoint() (err error) {
	if !l.job.root() {
		return nil
	}
	l.from, l.damaged, err = Newest(l.folder.dir)
	if err == nil || errors.Is(err, ErrNoCheckpoint) && len(l.damaged) == 0 {
		return nil
	}
	for _, d := range l.damaged {
		err = fmt.Errorf("%w; %s: %w", err, d.Path, d.Err)
	}
	return err
}

// begin restores the newest checkpoint, if there is one, and opens the log.
func (l *loop) begin() error {
	if !l.job.root() {
		return nil
	}
	notes := l.first
	if l.from != "" {
		var err error
		if notes, err = l.resume(l.from, l.damaged); err != nil {
			return err
		}
	}
	if err := l.openFiles(); err != nil {
		return err
	}
	for _, text := range notes {
		if err := l.note(text); err != nil {
			return err
		}
	}
	return nil
}

// resume continues from a checkpoint, and returns notes for the user.
func (l *loop) resume(path string, damaged []Damaged) (notes []string, err error) {
	changes, err := l.load(path)
	if err != nil {
		return nil, err
	}
	l.saved, l.savedStep = path, l.state.Step
	if notes, err = setAside(damaged); err != nil {
		return nil, err
	}
	notes = append(append(notes, fmt.Sprintf("resumed after step %d from %s", l.state.Step, path)), changes...)
	if steps := l.job.Config.Steps; l.state.Step >= steps {
		return append(notes, fmt.Sprintf("the run is at step %d of %d already: nothing is left to train; to go on, set train.steps to more than "+
			"%[1]d", l.state.Step, steps)), nil
	}
	// A run with more steps than before must not offer the model of its earlier end.
	if err := os.RemoveAll(l.folder.path(ExportName)); err != nil {
		return nil, err
	}
	switch err := os.Remove(l.folder.path(ModelName)); {
	case err == nil:
		notes = append(notes, fmt.Sprintf("%s is removed, because the run continues; it will be written after step %d",
			ModelName, l.job.Config.Steps))
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	return notes, nil
}

// openFiles writes the config and the model's files, and opens the log and a new event file.
func (l *loop) openFiles() (err error) {
	model, err := l.job.Model.Files()
	if err != nil {
		return err
	}
	// The folder of a run always has a config, from its first file on: it marks the folder as a run.
	files := map[string][]byte{ConfigName: []byte(cmp.Or(l.job.Meta.Config, noConfig))}
	maps.Copy(files, model)
	for _, name := range append([]string{ConfigName}, slices.Sorted(maps.Keys(model))...) {
		err := durable.Write(l.folder.path(name), func(w io.Writer) error {
			_, err := w.Write(files[name])
			return err
		})
		if err != nil {
			return err
		}
	}
	if l.log, err = openLog(l.folder.path(LogName), l.state.Step, l.state.Due); err != nil {
		return err
	}
	return l.openBoard()
}

// noConfig is the config of a run that has none.
const noConfig = "# A program started this run without a recipe.\n"

// openBoard creates an event file.
func (l *loop) openBoard() error {
	host, err := os.Hostname()
	if err != nil {
		host = "longspan" // the name only makes file names distinct
	}
	now := time.Now()
	path := l.folder.path(events.Name(now, host, os.Getpid()))
	const flags = os.O_CREATE | os.O_WRONLY | os.O_EXCL
	l.boardFile, err = os.OpenFile(path, flags, 0o644)
	for i := 2; errors.Is(err, os.ErrExist); i++ {
		// Two containers can start a process of the same id within a second.
		l.boardFile, err = os.OpenFile(fmt.Sprintf("%s.%d", path, i), flags, 0o644)
	}
	if err != nil {
		return err
	}
	l.board, err = events.NewWriter(l.boardFile, now, l.state.Step+1)
	return err
}

func (l *loop) close() error {
	var err error
	if l.log != nil {
		err = errors.Join(err, l.log.close())
	}
	if l.boardFile != nil {
		err = errors.Join(err, l.boardFile.Close())
	}
	l.optimizer.Close()
	if l.average != nil {
		l.average.Close()
	}
	return err
}

// run does the remaining steps.
func (l *loop) run(ctx context.Context) (Result, error) {
	l.pace.start()
	for {
		if l.state.Due {
			if err := l.afterStep(ctx); err != nil {
				return l.result(), err
			}
		}
		if !l.state.Due && l.state.Step >= l.job.Config.Steps {
			return l.result(), l.saveModel()
		}
		if l.stopped(ctx) {
			return l.interrupted()
		}
		if err := l.step(ctx); err != nil {
			return l.result(), err
		}
		l.state.Due = true
	}
}

// afterStep evaluates and saves when they are due. If ctx ends the evaluation, Due stays set.
func (l *loop) afterStep(ctx context.Context) error {
	c, s := l.job.Config, &l.state
	last := s.Step == c.Steps
	improved := false
	if l.job.Valid != nil && (last || c.Eval.Every > 0 && s.Step%c.Eval.Every == 0) {
		score, err := l.evaluate(ctx)
		if err != nil && ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("evaluating after step %d: %w", s.Step, err)
		}
		if improved, err = l.scored(score); err != nil {
			return err
		}
	}
	s.Due = false
	if improved || last || c.Checkpoint.Every > 0 && s.Step%c.Checkpoint.Every == 0 {
		return l.save()
	}
	return nil
}

// interrupted saves a checkpoint, unless the last step has one.
func (l *loop) interrupted() (Result, error) {
	if l.savedStep != l.state.Step {
		if err := l.save(); err != nil {
			return l.result(), err
		}
	}
	r := l.result()
	r.Interrupted = true
	return r, l.note(fmt.Sprintf("interrupted after step %d", l.state.Step))
}

func (l *loop) result() Result {
	loss := l.pace.loss
	if l.state.Window.Targets > 0 {
		loss = l.state.Window.mean()
	}
	return Result{Step: l.state.Step, Loss: loss, Valid: l.valid, BestStep: l.state.Best.Step, Checkpoint: l.saved}
}

// evaluate measures the validation loss of the moving average, or of the weights if there is none.
func (l *loop) evaluate(ctx context.Context) (score Score, err error) {
	if l.average != nil {
		l.average.Swap(l.job.Exec)
		defer l.average.Swap(l.job.Exec)
	}
	source, err := l.job.Valid()
	if err != nil {
		return Score{}, err
	}
	if c, ok := source.(io.Closer); ok { // a source that reads files
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	if l.shards != nil {
		return l.shards.evaluate(ctx, l.job.Exec, source, l.job.Config.Eval.Batches)
	}
	return Evaluate(ctx, l.job.Exec, l.job.Model, source, l.job.Config.Eval.Batches)
}

// scored records an evaluation, and reports whether its loss is the lowest so far.
func (l *loop) scored(score Score) (improved bool, err error) {
	l.valid = score
	if improved = l.state.Best.Step == 0 || score.Loss < l.state.Best.Loss; improved {
		l.state.Best = best{l.state.Step, score.Loss}
	}
	if l.job.Scored != nil {
		l.job.Scored(l.state.Step, score, improved)
	}
	now := time.Now()
	err = l.log.write(Record{Step: l.state.Step, ValidLoss: score.Loss, ValidAccuracy: score.Accuracy(), ValidTargets: score.Targets,
		Seconds: l.pace.seconds(now)})
	return improved, errors.Join(err, l.scalars(now, events.Scalar{Tag: "loss/valid", Value: score.Loss},
		events.Scalar{Tag: "accuracy/valid", Value: score.Accuracy()}))
}

// saveModel writes the moving average, or the weights if there is none.
func (l *loop) saveModel() error {
	if !l.job.root() {
		return nil
	}
	if l.average != nil {
		l.average.Swap(l.job.Exec)
		defer l.average.Swap(l.job.Exec)
	}
	var tensors []safetensors.Tensor
	for _, p := range l.weights.Params() {
		tensors = append(tensors, safetensors.Matrix(p.Name, p.Value))
	}
	metadata, err := l.job.Meta.metadata()
	if err == nil {
		metadata["format"] = "pt" // Hugging Face's loaders refuse a file without a format; "pt" means row-major
		err = l.folder.save(ModelName, tensors, metadata)
	}
	if err != nil {
		return fmt.Errorf("saving the model: %w; the checkpoints are unchanged, and resuming writes the model", err)
	}
	return l.export()
}

// export writes the model in another form, in place of what an earlier end of the run has left.
func (l *loop) export() error {
	if l.job.Export == nil {
		return nil
	}
	dir := l.folder.path(ExportName)
	err := os.RemoveAll(dir)
	var notes []string
	if err == nil {
		notes, err = l.job.Export(dir)
	}
	for _, text := range notes {
		err = errors.Join(err, l.note(text))
	}
	if err != nil {
		return fmt.Errorf("saving the model in another form: %w; %s is there, and resuming writes the other", err, ModelName)
	}
	return nil
}

// scalars writes points to the event file, which rank 0 has.
func (l *loop) scalars(now time.Time, points ...events.Scalar) error {
	if l.board == nil {
		return nil
	}
	return l.board.Scalars(now, l.state.Step, points...)
}

// note writes a note to the user and the log.
func (l *loop) note(text string) error {
	if l.job.Note != nil {
		l.job.Note(l.state.Step, text)
	}
	return l.log.write(Record{Step: l.state.Step, Note: text})
}
