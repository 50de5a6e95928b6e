package train

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// requireInput asks for an error that is the user's to mend and holds text.
func requireInput(t *testing.T, err error, text string) {
	t.Helper()
	if !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v; want an ErrInput with %q", err, text)
	}
}

// broken is data that cannot be read.
type broken struct{ walks }

func (broken) Append(*data.Batch, int, int) error { return errors.New("line 3 is torn") }

func TestDataThatCannotBeReadLeaveNoFolder(t *testing.T) {
	loader := func(set data.Dataset) data.Source {
		l, err := data.NewLoader(set, data.LoaderConfig{Epochs: 1})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	for want, change := range map[string]func(j *Job){
		"training data: line 3 is torn":   func(j *Job) { j.Train = loader(broken{walks{5, 5}}) },
		"validation data: line 3 is torn": func(j *Job) { j.Valid = func() (data.Source, error) { return loader(broken{walks{5, 5}}), nil } },
		"validation data: they are empty": func(j *Job) {
			j.Valid = func() (data.Source, error) {
				l := loader(walks{1, 5})
				return l, l.Next(new(data.Batch))
			}
		},
		"no documents": func(j *Job) { j.Valid = func() (data.Source, error) { return nil, errors.New("no documents") } },
	} {
		dir := filepath.Join(t.TempDir(), "run")
		job := testJob(t, nil)
		change(&job)
		_, err := Run(context.Background(), dir, job)
		requireInput(t, err, want)
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: there is a folder: %v", want, err)
		}
	}
}

func TestCheckpointsWithoutAConfigAreNotARun(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, dir, testJob(t, nil))
	if err := os.Remove(filepath.Join(dir, ConfigName)); err != nil {
		t.Fatal(err)
	}
	_, err := Run(context.Background(), dir, testJob(t, nil))
	requireInput(t, err, "checkpoints of a run without config.yaml")
	_, err = Resume(context.Background(), dir, testJob(t, nil))
	requireInput(t, err, "holds no run to resume")
}

// stopAt runs until a step and returns the checkpoint of it.
func stopAt(t *testing.T, dir string, step int64, job Job) Result {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	job.Report = func(r Report) {
		if r.Step == step {
			cancel()
		}
	}
	r, err := Run(ctx, dir, job)
	if err != nil || r.Step != step {
		t.Fatalf("stopped after step %d, %v; want %d", r.Step, err, step)
	}
	return r
}

// Damaged checkpoints must not count among those to keep, or one more accident would leave none.
func TestDamagedCheckpointsAreSetAside(t *testing.T) {
	dir := t.TempDir()
	r := stopAt(t, dir, 31, testJob(t, nil))
	final := filepath.Join(dir, "other.safetensors")
	if err := safetensors.Save(final, []safetensors.Tensor{safetensors.Matrix("table", newBigram(1).table.Value)}, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(final, r.Checkpoint); err != nil { // an undamaged file, but not a checkpoint
		t.Fatal(err)
	}
	var notes []string
	job := testJob(t, nil)
	job.Note = func(_ int64, text string) { notes = append(notes, text) }
	if _, err := Resume(context.Background(), dir, job); err != nil {
		t.Fatal(err)
	}
	if len(notes) == 0 || !strings.Contains(notes[0], "it has no state of a run") || !strings.Contains(notes[0], damagedSuffix) {
		t.Errorf("the notes are %q", notes)
	}
	if _, err := os.Stat(r.Checkpoint + damagedSuffix); err != nil {
		t.Error(err)
	}
}

// model2 has one more matrix of weights than the model of the tests.
type model2 struct {
	*bigram
	more *tensor.Param
}

func (m model2) Params() []*tensor.Param { return append(m.bigram.Params(), m.more) }

func TestAPartOfAModelIsRefused(t *testing.T) {
	larger := func(seed uint64) model2 { return model2{newBigram(seed), newParam("more", 2, 2)} }
	dir := t.TempDir()
	job := testJob(t, nil)
	job.Model = larger(1)
	mustRun(t, dir, job)
	_, err := Resume(context.Background(), dir, testJob(t, nil))
	requireInput(t, err, `more", which this run does not have`)
	err = readWeights(filepath.Join(dir, ModelName), newBigram(1))
	if err == nil || !strings.Contains(err.Error(), `"more", which the model does not have`) {
		t.Errorf("error %v; want one about the weights that are left", err)
	}
	if err := readWeights(filepath.Join(dir, ModelName), larger(2)); err != nil {
		t.Error(err)
	}
}

func TestChangesOfTheConfigAreTold(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, dir, testJob(t, nil))
	job := testJob(t, func(c *Config) { c.Steps = 70 })
	job.Meta.Settings = map[string]string{"seed": "1", "steps": "70"}
	var notes []string
	job.Note = func(_ int64, text string) { notes = append(notes, text) }
	if _, err := Resume(context.Background(), dir, job); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(notes, func(n string) bool {
		return strings.Contains(n, "has changed") && strings.Contains(n, "steps: nothing → 70")
	}) {
		t.Errorf("the notes are %q", notes)
	}
}

// A run that is made longer must not offer the model of its old end while it is on its way to the new one.
func TestAModelThatIsNoLongerTheEndIsRemoved(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, dir, testJob(t, nil))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	job := testJob(t, func(c *Config) { c.Steps = 100 })
	job.Report = func(r Report) {
		if r.Step == 65 {
			cancel()
		}
	}
	if _, err := Resume(ctx, dir, job); err != nil {
		t.Fatal(err)
	}
	path, _, err := Find(dir, "")
	if err != nil || filepath.Base(path) != "step-000000065.safetensors" {
		t.Errorf("the weights are those of %s, %v; want the newest", path, err)
	}
}

func TestNumbersThatAreNotFiniteAreNotSaved(t *testing.T) {
	dir := t.TempDir()
	job := testJob(t, func(c *Config) { c.Optimizer.Clip, c.Eval.Every = 0, 0 })
	// The gradient is finite and its square is not, in float32: the update is 0, and that weight would never move again.
	job.Model.(*bigram).spoil = func(p data.Pass, m *bigram, _ *float64) {
		if p.Step == 10 {
			m.bias.Grad.F32[3] = 1e30
		}
	}
	_, err := Run(context.Background(), dir, job)
	if !errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), `after step 14 the numbers of "optimizer/v.bias" are not finite`) {
		t.Errorf("error %v; want one about the optimiser after step 14", err)
	}
}

func TestFirstWeightsMustBeFinite(t *testing.T) {
	m := newBigram(1)
	m.table.Value.F32[5] = float32(math.NaN())
	path := filepath.Join(t.TempDir(), "nan.safetensors")
	tensors := []safetensors.Tensor{safetensors.Matrix("table", m.table.Value), safetensors.Matrix("bias", m.bias.Value)}
	err := safetensors.Save(path, tensors, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Run(context.Background(), t.TempDir(), testJob(t, func(c *Config) { c.Init = path }))
	requireInput(t, err, `init: weights of `+path+`: the weights "table" are not finite`)
}

// A run that starts from the weights of another notes which checkpoints of it are damaged.
func TestBeginningWithADamagedCheckpoint(t *testing.T) {
	from := t.TempDir()
	r := stopAt(t, from, 15, testJob(t, nil))
	if err := os.Truncate(r.Checkpoint, 100); err != nil {
		t.Fatal(err)
	}
	job := testJob(t, func(c *Config) { c.Init = from })
	var notes []string
	job.Note = func(_ int64, text string) { notes = append(notes, text) }
	mustRun(t, t.TempDir(), job)
	if len(notes) < 2 || !strings.Contains(notes[0], "step-000000015.safetensors is damaged") ||
		!strings.Contains(notes[1], "started from the weights of") {
		t.Errorf("the notes are %q", notes)
	}
}

// A run that is interrupted in an evaluation does it when it is resumed. If it is then killed before the next
// checkpoint, and resumed again, the evaluation is done again, and must be in the log once.
func TestAnEvaluationIsLoggedOnce(t *testing.T) {
	line := `{"step":20,"valid_loss":1,"valid_targets":5}` + "\n"
	text := `{"step":10,"valid_loss":2,"valid_targets":5}` + "\n" + `{"step":20,"loss":2}` + "\n" + line
	for due, want := range map[bool]string{true: strings.TrimSuffix(text, line), false: text} {
		if got := string(keepLines([]byte(text), 20, due)); got != want {
			t.Errorf("due %v: kept %q; want %q", due, got, want)
		}
	}
}

func TestEventFilesOfOneSecondAreApart(t *testing.T) {
	dir := t.TempDir()
	for step := int64(1); step <= 5; step++ { // quicker than a second, and in one process
		job := testJob(t, func(c *Config) { c.Steps, c.Optimizer.Warmup = step, 0 })
		do := Resume
		if step == 1 {
			do = Run
		}
		if _, err := do(context.Background(), dir, job); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	if err != nil || len(files) != 5 {
		t.Errorf("event files %q, %v; want five", files, err)
	}
}

func TestAStateThatCannotBeIsDamage(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{`{"step":0}`, `{"step":3,"updates":4}`, `{"step":3,"scaler":{"Scale":0}}`, `[]`} {
		path := filepath.Join(dir, "c.safetensors")
		if err := safetensors.Save(path, nil, map[string]string{stateKey: text}); err != nil {
			t.Fatal(err)
		}
		if err := verifyCheckpoint(path); err == nil || !strings.Contains(err.Error(), "state of the run") {
			t.Errorf("%s: error %v; want one about the state", text, err)
		}
	}
}
