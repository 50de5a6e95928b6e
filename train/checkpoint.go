package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train/optim"
)

// state is the counters of a run. A checkpoint stores them in its metadata as JSON, which keeps every float64 exactly.
type state struct {
	Step    int64         `json:"step"`    // steps done, including skipped ones
	Updates int64         `json:"updates"` // of the weights
	Tokens  int64         `json:"tokens"`  // trained on
	Seed    uint64        `json:"seed"`
	Window  meanLoss      `json:"window"` // since the last line of the log
	Best    best          `json:"best"`
	Due     bool          `json:"due,omitempty"` // the evaluation after Step is not done yet
	Scaler  *optim.Scaler `json:"scaler,omitempty"`
}

// best is the lowest validation loss; Step is 0 before the first evaluation.
type best struct {
	Step int64   `json:"step"`
	Loss float64 `json:"loss"`
}

// meanLoss is the mean over the targets of all added batches.
type meanLoss struct {
	Sum     float64 `json:"sum"`
	Targets int64   `json:"targets"`
}

func (m *meanLoss) add(loss float64, targets int64) {
	m.Sum += loss * float64(targets)
	m.Targets += targets
}

func (m meanLoss) mean() float64 { return m.Sum / float64(m.Targets) }

// A checkpoint has the weights under their own names, so that it is also a model. Everything else has a prefix with a slash, which the
// name of a weight never has, or is in the metadata.
const (
	stateKey        = "longspan.state"  // of the metadata: state as JSON
	metaKey         = "longspan.meta"   // of the metadata: Meta as JSON
	configKey       = "longspan.config" // of the metadata: Meta.Config
	optimizerPrefix = "optimizer/"
	averagePrefix   = filename.AveragePrefix
	dataName        = "position/data"
	carriedName     = "position/model"
)

// save writes a checkpoint of the step just done, and removes the checkpoints that need not be kept.
func (l *loop) save() error {
	if name := notFinite(l.matrices()); name != "" {
		return fmt.Errorf("%w: after step %d the numbers of %q are not finite, and are not saved", ErrDiverged, l.state.Step, name)
	}
	if !l.job.root() {
		l.savedStep = l.state.Step
		return nil
	}
	if err := l.log.sync(); err != nil {
		return err
	}
	text, err := json.Marshal(l.state)
	metadata, metaErr := l.job.Meta.metadata()
	if err := errors.Join(err, metaErr); err != nil {
		return fmt.Errorf("saving step %d: %w", l.state.Step, err)
	}
	metadata[stateKey] = string(text)
	position, carried := l.job.Train.State(), l.job.Model.State()
	tensors := []safetensors.Tensor{
		safetensors.Raw(dataName, safetensors.U8, []int{len(position)}, position),
		safetensors.Raw(carriedName, safetensors.U8, []int{len(carried)}, carried),
	}
	for _, p := range l.matrices() {
		tensors = append(tensors, safetensors.Matrix(p.Name, p.Value))
	}
	name := checkpointName(l.state.Step)
	if err := l.folder.save(name, tensors, metadata); err != nil {
		return fmt.Errorf("saving step %d: %w; earlier checkpoints are unchanged", l.state.Step, err)
	}
	l.saved, l.savedStep = l.folder.path(name), l.state.Step
	return l.folder.prune(l.job.Config.Checkpoint.Keep, l.state.Best.Step)
}

// matrices lists all matrices of a checkpoint, under their names there.
func (l *loop) matrices() []*tensor.Param {
	list := append([]*tensor.Param(nil), l.weights.Params()...)
	for _, p := range l.optimizer.State() {
		list = append(list, &tensor.Param{Name: optimizerPrefix + p.Name, Value: p.Value})
	}
	if l.average != nil {
		for _, p := range l.average.State() {
			list = append(list, &tensor.Param{Name: averagePrefix + p.Name, Value: p.Value})
		}
	}
	return list
}

func notFinite(params []*tensor.Param) string {
	for _, p := range params {
		for _, v := range p.Value.F32 {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return p.Name
			}
		}
	}
	return ""
}

// load restores a checkpoint, which must be complete, and returns notes on what has changed since.
func (l *loop) load(path string) (notes []string, err error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = inputError{fmt.Errorf("resuming from %s: %w", path, err)}
		}
	}()
	s, err := stateOf(f)
	if err != nil {
		return nil, err
	}
	meta, ok, err := metaOf(f)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errOld
	}
	changes, err := l.job.Meta.resumable(meta)
	if err != nil {
		return nil, err
	}
	if (s.Scaler != nil) != (l.state.Scaler != nil) {
		return nil, errors.New("it has another precision: only fp16 has a loss scale; resume with the precision of the run")
	}
	if s.Seed != l.job.Config.Seed {
		return nil, fmt.Errorf("the run has the seed %d and the config %d; resume with the seed of the run", s.Seed, l.job.Config.Seed)
	}
	if err := l.loadMatrices(f); err != nil {
		return nil, fmt.Errorf("%w; resume with the model, the optimiser and the ema of the run", err)
	}
	notes, err = l.loadPositions(f)
	if err != nil {
		return nil, err
	}
	if len(changes) > 0 {
		notes = append(notes, "the config has changed, so the result will differ: "+strings.Join(changes, "; "))
	}
	l.state = s
	return notes, nil
}

// loadMatrices fills every matrix. It refuses a checkpoint with more matrices, because a part of a model would be lost.
func (l *loop) loadMatrices(f *safetensors.File) error {
	known := map[string]bool{dataName: true, carriedName: true}
	for _, p := range l.matrices() {
		known[p.Name] = true
		if err := f.ReadMat(p.Value, p.Name); err != nil {
			return err
		}
	}
	for _, e := range f.Entries() {
		if !known[e.Name] {
			return fmt.Errorf("it has %q, which this run does not have", e.Name)
		}
	}
	return nil
}

// howToRestart names what restarts changed data.
const howToRestart = "(Job.RestartData, train --restart-data)"

// loadPositions restores the position of the data, and the state that the model carries from batch to batch. A position of other data is
// an error, or with Job.RestartData a note.
func (l *loop) loadPositions(f *safetensors.File) (notes []string, err error) {
	position, err := f.Bytes(dataName)
	if err != nil {
		return nil, err
	}
	carried, err := f.Bytes(carriedName)
	if err != nil {
		return nil, err
	}
	err = l.job.Train.Restore(position)
	switch {
	case err != nil && !l.job.RestartData:
		return nil, fmt.Errorf("%w; to resume on changed data, restart it from its first batch %s", err, howToRestart)
	case err != nil:
		notes = []string{fmt.Sprintf("the data has changed and restarts from its first batch: %v", err)}
	}
	return notes, l.job.Model.Restore(carried)
}

// Damaged is a checkpoint that cannot be used, and the reason.
type Damaged struct {
	Path string
	Err  error
}

// ErrNoCheckpoint is the error for a run without an undamaged checkpoint.
var ErrNoCheckpoint = errors.New("there is no undamaged checkpoint")

// setAside renames damaged checkpoints, so that they do not count among the checkpoints to keep, and returns a note for each.
func setAside(damaged []Damaged) (notes []string, err error) {
	for _, d := range damaged {
		if err := os.Rename(d.Path, d.Path+damagedSuffix); err != nil {
			return nil, fmt.Errorf("renaming a damaged checkpoint: %w", err)
		}
		notes = append(notes, fmt.Sprintf("%s is damaged (%v); it is not used, and renamed to end in %s", d.Path, d.Err, damagedSuffix))
	}
	return notes, nil
}

// Newest finds the newest undamaged checkpoint of the run in dir, and lists newer ones that are damaged. It reads the files to their
// ends. Without an undamaged checkpoint the error wraps ErrNoCheckpoint.
func Newest(dir string) (path string, damaged []Damaged, err error) {
	steps, err := checkpointSteps(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", nil, err
	}
	for _, step := range steps {
		path := filepath.Join(dir, checkpointName(step))
		err := verifyCheckpoint(path)
		if err == nil {
			return path, damaged, nil
		}
		damaged = append(damaged, Damaged{path, err})
	}
	return "", damaged, inputError{fmt.Errorf("%s: %w among %d", dir, ErrNoCheckpoint, len(steps))}
}

func verify(path string) error {
	f, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Verify(), f.Close())
}

// verifyCheckpoint is verify for a file that must have the state of a run, too.
func verifyCheckpoint(path string) error {
	if err := verify(path); err != nil {
		return err
	}
	_, err := readState(path)
	return err
}

// Best finds the checkpoint of the lowest validation loss, which the newest undamaged checkpoint records.
func Best(dir string) (path string, err error) {
	newest, _, err := Newest(dir)
	if err != nil {
		return "", err
	}
	s, err := readState(newest)
	if err != nil {
		return "", err
	}
	if s.Best.Step == 0 {
		return "", fmt.Errorf("%s: there is no best checkpoint before the first evaluation", dir)
	}
	path = filepath.Join(dir, checkpointName(s.Best.Step))
	if err := verify(path); err != nil {
		return "", inputError{fmt.Errorf("the best checkpoint, %s, cannot be used: %w", path, err)}
	}
	return path, nil
}

func readState(path string) (s state, err error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return stateOf(f)
}

func stateOf(f *safetensors.File) (s state, err error) {
	text, ok := f.Metadata()[stateKey]
	if !ok {
		return s, errors.New("it has no state of a run: it is a model, not a checkpoint")
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("the state of the run cannot be read: %w", err)
	}
	if s.Step < 1 || s.Updates < 0 || s.Updates > s.Step || s.Scaler != nil && !(s.Scaler.Scale >= 1) {
		return s, fmt.Errorf("the state of the run is impossible: %s", text)
	}
	return s, nil
}
