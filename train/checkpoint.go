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
	"github.com/longspan/longspan/internal/strictyaml"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train/optim"
)

// state is the numbers a run carries from step to step. They are in a checkpoint's metadata as JSON, which keeps
// every float64 exactly.
type state struct {
	Step    int64         `json:"step"`    // steps done, skipped ones among them
	Updates int64         `json:"updates"` // changes of the weights
	Tokens  int64         `json:"tokens"`  // trained on
	Seed    uint64        `json:"seed"`
	Window  meanLoss      `json:"window"` // since the last line of the log
	Best    best          `json:"best"`
	Due     bool          `json:"due,omitempty"` // the evaluation after Step is still to be done
	Scaler  *optim.Scaler `json:"scaler,omitempty"`
}

// best is the lowest validation loss; Step is 0 before the first evaluation.
type best struct {
	Step int64   `json:"step"`
	Loss float64 `json:"loss"`
}

// meanLoss is the mean over targets of the batches added to it.
type meanLoss struct {
	Sum     float64 `json:"sum"`
	Targets int64   `json:"targets"`
}

func (m *meanLoss) add(loss float64, targets int64) {
	m.Sum += loss * float64(targets)
	m.Targets += targets
}

func (m meanLoss) mean() float64 { return m.Sum / float64(m.Targets) }

// What is in a checkpoint: the weights under their own names, so that a checkpoint is also a model, and beside
// them everything else under a prefix with a slash, which no weight's name has.
const (
	stateKey        = "longspan.state"
	ConfigKey       = "longspan.config" // of the metadata: the run's config as YAML
	optimizerPrefix = "optimizer/"
	averagePrefix   = filename.AveragePrefix
	dataName        = "position/data"
	carriedName     = "position/model"
)

// save writes a checkpoint of the step just done, and removes those that need not be kept.
func (l *loop) save() error {
	if name := notFinite(l.matrices()); name != "" {
		return fmt.Errorf("%w: after step %d the numbers of %q are not finite, and are not saved", ErrDiverged, l.state.Step, name)
	}
	if err := l.log.sync(); err != nil {
		return err
	}
	text, err := json.Marshal(l.state)
	if err != nil {
		return fmt.Errorf("saving step %d: %w", l.state.Step, err)
	}
	position, carried := l.job.Train.State(), l.job.Model.State()
	tensors := []safetensors.Tensor{
		safetensors.Raw(dataName, safetensors.U8, []int{len(position)}, position),
		safetensors.Raw(carriedName, safetensors.U8, []int{len(carried)}, carried),
	}
	for _, p := range l.matrices() {
		tensors = append(tensors, safetensors.Matrix(p.Name, p.Value))
	}
	name := checkpointName(l.state.Step)
	if err := l.folder.save(name, tensors, map[string]string{stateKey: string(text), ConfigKey: string(l.job.Text)}); err != nil {
		return fmt.Errorf("saving step %d: %w; the checkpoints before it are as they were", l.state.Step, err)
	}
	l.saved, l.savedStep = l.folder.path(name), l.state.Step
	return l.folder.prune(l.job.Config.Checkpoint.Keep, l.state.Best.Step)
}

// matrices lists everything a checkpoint holds that is a matrix, by its name there.
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

// load takes everything from a checkpoint that Newest found whole, and lists what has changed in the config since.
func (l *loop) load(path string) (changes []string, err error) {
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
	if (s.Scaler != nil) != (l.state.Scaler != nil) {
		return nil, errors.New("it was saved with another precision: loss scaling belongs to fp16 alone; resume with the precision of the run")
	}
	if s.Seed != l.job.Config.Seed {
		return nil, fmt.Errorf("the run has the seed %d and the config %d; resume with the seed of the run", s.Seed, l.job.Config.Seed)
	}
	if err := l.loadMatrices(f); err != nil {
		return nil, fmt.Errorf("%w; the model, the optimiser or the averaging was another when it was saved", err)
	}
	if err := l.loadPositions(f); err != nil {
		return nil, err
	}
	changes = strictyaml.Changes([]byte(f.Metadata()[ConfigKey]), l.job.Text)
	for _, change := range changes {
		if key, _, _ := strings.Cut(change, ": "); l.job.Fixed != nil && l.job.Fixed(key) {
			return nil, fmt.Errorf("the config has changed: %s; a run goes on as it was, and train.init begins another with its weights", change)
		}
	}
	l.state = s
	return changes, nil
}

// loadMatrices fills every matrix, and refuses a checkpoint with others beside them: a part of a model would be lost.
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
			return fmt.Errorf("it holds %q, for which this run has no place", e.Name)
		}
	}
	return nil
}

// loadPositions takes up the data, and what the model carries from batch to batch, where they were.
func (l *loop) loadPositions(f *safetensors.File) error {
	position, err := f.Bytes(dataName)
	if err != nil {
		return err
	}
	if err := l.job.Train.Restore(position); err != nil {
		return err
	}
	carried, err := f.Bytes(carriedName)
	if err != nil {
		return err
	}
	return l.job.Model.Restore(carried)
}

// Damaged is a checkpoint that cannot be used.
type Damaged struct {
	Path string
	Err  error
}

// ErrNoCheckpoint says that a run has no checkpoint that is whole.
var ErrNoCheckpoint = errors.New("there is no checkpoint that is whole")

// setAside renames damaged checkpoints, so that they do not count among those to keep, and says what they are called now.
func setAside(damaged []Damaged) (notes []string, err error) {
	for _, d := range damaged {
		if err := os.Rename(d.Path, d.Path+damagedSuffix); err != nil {
			return nil, fmt.Errorf("setting a damaged checkpoint aside: %w", err)
		}
		notes = append(notes, fmt.Sprintf("%s is damaged (%v); it is not used, and has %s added to its name", d.Path, d.Err, damagedSuffix))
	}
	return notes, nil
}

// Newest finds the newest checkpoint of the run in dir that is whole, which is read to the end to make sure, and
// lists the newer ones that are not. With no checkpoint at all, or none that is whole, the error wraps
// ErrNoCheckpoint.
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

// verifyCheckpoint is verify for a file that must hold a run's state too.
func verifyCheckpoint(path string) error {
	if err := verify(path); err != nil {
		return err
	}
	_, err := readState(path)
	return err
}

// Best finds the checkpoint of the lowest validation loss among those that are whole; the newest of them tells.
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
		return "", fmt.Errorf("%s: no evaluation has chosen a best checkpoint yet", dir)
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
		return s, errors.New("it holds no state of a run: it is a model, and no checkpoint")
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("the state of the run cannot be read: %w", err)
	}
	if s.Step < 1 || s.Updates < 0 || s.Updates > s.Step || s.Scaler != nil && !(s.Scaler.Scale >= 1) {
		return s, fmt.Errorf("the state of the run is impossible: %s", text)
	}
	return s, nil
}
