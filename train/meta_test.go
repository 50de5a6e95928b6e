package train

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/safetensors"
)

// described is a job of a run with a config.
func described(t *testing.T) Job {
	job := testJob(t, nil)
	job.Meta = Meta{Task: Task{Name: "lm"}, Frozen: map[string]string{"model.width": "64"},
		Settings: map[string]string{"model.width": "64", "train.steps": "60"}, Config: "model: {width: 64}\n"}
	return job
}

// The model and the task of a run may not change on resume, whichever program resumes it. Other settings may.
func TestResumingChecksMeta(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, dir, described(t))
	for want, change := range map[string]func(m *Meta){
		"the config has changed: model.width: 64 → 32; resume with the settings of the run": func(m *Meta) { m.Frozen["model.width"] = "32" },
		"the config has changed: model.bias: nothing → true;":                               func(m *Meta) { m.Frozen["model.bias"] = "true" },
		"the config has changed: model.width: 64 → nothing;":                                func(m *Meta) { *m = Meta{} },
		`the run learns the task "lm" and the config asks for "tag genes"`:                  func(m *Meta) { m.Task.Name = "tag genes" },
	} {
		job := described(t)
		change(&job.Meta)
		_, err := Resume(context.Background(), dir, job)
		requireInput(t, err, want)
	}
	job := described(t)
	job.Meta.Settings = map[string]string{"model.width": "64", "train.steps": "61", "train.ema": "0"}
	var notes []string
	job.Note = func(_ int64, text string) { notes = append(notes, text) }
	if _, err := Resume(context.Background(), dir, job); err != nil {
		t.Fatal(err)
	}
	want := "the config has changed, so the result will differ: train.ema: nothing → 0; train.steps: 60 → 61"
	if !slices.Contains(notes, want) {
		t.Errorf("the notes are %q; want %q", notes, want)
	}
}

func TestCheckpointsOfOlderVersionsAreNotResumed(t *testing.T) {
	dir := t.TempDir()
	path := mustRun(t, dir, testJob(t, nil)).Checkpoint
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	metadata := maps.Clone(f.Metadata())
	delete(metadata, metaKey)
	if err := safetensors.Save(path, nil, metadata); err != nil {
		t.Fatal(err)
	}
	_, err = Resume(context.Background(), dir, testJob(t, nil))
	requireInput(t, err, "an older version of Longspan wrote it")
}

func TestChangedDataIsAnErrorOrRestarts(t *testing.T) {
	dir := t.TempDir()
	stopAt(t, dir, 31, testJob(t, nil))
	longer := func() Job {
		job := testJob(t, nil)
		job.Train, _ = data.NewLoader(walks{51, 12}, data.LoaderConfig{Batch: 3, Shuffle: true, Seed: 1})
		return job
	}
	_, err := Resume(context.Background(), dir, longer())
	requireInput(t, err, "to resume on changed data, restart it from its first batch")
	first := data.Batch{}
	if err := longer().Train.Next(&first); err != nil {
		t.Fatal(err)
	}
	job := longer()
	job.RestartData = true
	var notes []string
	job.Note = func(_ int64, text string) { notes = append(notes, text) }
	job.Model.(*bigram).spoil = func(p data.Pass, _ *bigram, _ *float64) {
		if p.Step == 32 && p.Part == 0 && !cmp.Equal(job.Train.(*data.Loader).State(), stateAfter(t, longer().Train, 2)) {
			t.Error("the data did not restart")
		}
	}
	if r, err := Resume(context.Background(), dir, job); err != nil || r.Step != 60 {
		t.Fatalf("ended after step %d, %v", r.Step, err)
	}
	if !strings.Contains(strings.Join(notes, "\n"), "restarts from its first batch: data: the saved position") {
		t.Errorf("the notes are %q", notes)
	}
}

// stateAfter is the position of a source after n batches.
func stateAfter(t *testing.T, s data.Source, n int) []byte {
	var b data.Batch
	for range n {
		if err := s.Next(&b); err != nil {
			t.Fatal(err)
		}
	}
	return s.State()
}

// A run needs a model and data. All else has defaults, and the run can be resumed.
func TestTheSmallestJob(t *testing.T) {
	dir := t.TempDir()
	_, err := Run(context.Background(), dir, Job{})
	requireInput(t, err, "set Job.Model and Job.Train")
	full := testJob(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	job := Job{Model: full.Model, Train: full.Train, Report: func(r Report) {
		if r.Steps != DefaultConfig().Steps {
			t.Errorf("%d steps; want the default", r.Steps)
		}
		cancel()
	}}
	if _, err := Run(ctx, dir, job); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(ctx, dir, job); !errors.Is(err, ErrExists) {
		t.Errorf("a second run: error %v; want %v", err, ErrExists)
	}
	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	if r, err := Resume(ctx, dir, job); err != nil || r.Step != 2 {
		t.Errorf("resumed to step %d, %v; want 2", r.Step, err)
	}
}

func TestReadLogReadsTheEarlierNameOfLR(t *testing.T) {
	path := filepath.Join(t.TempDir(), LogName)
	if err := os.WriteFile(path, []byte(`{"step":1,"rate":0.5}`+"\n"+`{"step":2,"lr":0.25}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := ReadLog(path)
	if diff := cmp.Diff([]Record{{Step: 1, LR: 0.5}, {Step: 2, LR: 0.25}}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// FuzzMetadata: whatever a file says of its run, reading it is an error or gives what can be written again.
func FuzzMetadata(f *testing.F) {
	f.Add(`{"step":3,"updates":3}`, `{"task":{"name":"lm"},"frozen":{"model.width":"64"}}`)
	f.Add(`{`, `{"frozen":{"a":null}}`)
	f.Fuzz(func(t *testing.T, state, meta string) {
		path := filepath.Join(t.TempDir(), "c.safetensors")
		if err := safetensors.Save(path, nil, map[string]string{stateKey: state, metaKey: meta}); err != nil {
			return
		}
		file, err := safetensors.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if s, err := stateOf(file); err == nil && s.Updates > s.Step {
			t.Errorf("the state %s was read as %+v", state, s)
		}
		m, _, err := metaOf(file)
		if err != nil {
			return
		}
		if _, err := m.metadata(); err != nil {
			t.Error(err)
		}
		if changes, err := m.resumable(m); err != nil || len(changes) > 0 {
			t.Errorf("%q differs from itself: %q, %v", meta, changes, err)
		}
	})
}
