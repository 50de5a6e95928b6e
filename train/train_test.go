package train

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

func mustRun(t *testing.T, dir string, job Job) Result {
	t.Helper()
	r, err := Run(context.Background(), dir, job)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// outcome is everything a run leaves that must not depend on when it was stopped.
type outcome struct {
	Model, Checkpoint string
	Log               []Record
}

func outcomeOf(t *testing.T, dir string) outcome {
	t.Helper()
	newest, damaged, err := Newest(dir)
	if err != nil || len(damaged) > 0 {
		t.Fatalf("newest checkpoint: %v, damaged %v", err, damaged)
	}
	var o outcome
	for path, into := range map[string]*string{filepath.Join(dir, ModelName): &o.Model, newest: &o.Checkpoint} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		*into = string(b)
	}
	records, err := ReadLog(filepath.Join(dir, LogName))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if r.Seconds, r.TokensPerSecond = 0, 0; r.Note == "" {
			o.Log = append(o.Log, r)
		}
	}
	return o
}

func requireEqual(t *testing.T, got, want outcome) {
	t.Helper()
	if got.Model != want.Model {
		t.Error("the models differ")
	}
	if got.Checkpoint != want.Checkpoint {
		t.Error("the checkpoints differ")
	}
	if diff := cmp.Diff(want.Log, got.Log); diff != "" {
		t.Errorf("the logs differ (-want +got):\n%s", diff)
	}
}

func TestARunLearnsAndLeavesItsFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	var steps []int64
	job := testJob(t, nil)
	job.Report = func(r Report) { steps = append(steps, r.Step) }
	first := newBigram(1)
	source, _ := job.Valid()
	before, err := Evaluate(context.Background(), tensor.Exec{}, first, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	r := mustRun(t, dir, job)
	if r.Step != 60 || len(steps) != 60 || r.Interrupted {
		t.Errorf("ended after step %d with %d reports, interrupted %v", r.Step, len(steps), r.Interrupted)
	}
	// Four steps in five go one ahead and the fifth anywhere: no model of single tokens can do better than this.
	ahead, other := 0.8+0.2/vocab, 0.2/vocab
	entropy := -ahead*math.Log(ahead) - (vocab-1)*other*math.Log(other)
	if acc := r.Valid.Accuracy(); acc < 0.6 || acc > 1 || before.Accuracy() > 0.4 {
		t.Errorf("the accuracy went from %.3f to %.3f; at best it is about 0.83", before.Accuracy(), acc)
	}
	if r.Valid.Loss > before.Loss-0.5*(before.Loss-entropy) {
		t.Errorf("the validation loss went from %.3f to %.3f; the entropy of the data is %.3f", before.Loss, r.Valid.Loss, entropy)
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range names {
		name, _, _ := strings.Cut(e.Name(), ".1") // the time of the event file
		name, _, _ = strings.Cut(name, ".2")
		got = append(got, name)
	}
	want := []string{"checkpoints", "config.yaml", "events.out.tfevents", "lock", "log.jsonl", "model.safetensors"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	kept, err := checkpointSteps(dir)
	if err != nil || len(kept) < 2 || len(kept) > 3 || kept[0] != 60 {
		t.Errorf("checkpoints of steps %v are kept, %v; want the newest two and the best", kept, err)
	}
	bestPath, err := Best(dir)
	if err != nil || bestPath != filepath.Join(dir, checkpointName(r.BestStep)) {
		t.Errorf("best is %s, %v; want that of step %d", bestPath, err, r.BestStep)
	}
}

func TestRunRefusesAFolderWithARun(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, dir, testJob(t, func(c *Config) { c.Steps = 10 }))
	if _, err := Run(context.Background(), dir, testJob(t, nil)); !errors.Is(err, ErrExists) {
		t.Errorf("error %v; want %v", err, ErrExists)
	}
	if _, err := Resume(context.Background(), t.TempDir(), testJob(t, nil)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("resuming an empty folder: error %v; want %v", err, os.ErrNotExist)
	}
}

// Accumulated batches of different sizes count by their targets, so they are one batch cut in pieces.
func TestAccumulationIsTheMeanOverTargets(t *testing.T) {
	run := func(accumulate, batch int) ([]float32, float64) {
		source, err := data.NewLoader(walks{50, 12}, data.LoaderConfig{Batch: batch})
		if err != nil {
			t.Fatal(err)
		}
		m := newBigram(1)
		m.plain = true
		l := &loop{job: Job{Train: source, Model: m}, batches: make([]data.Batch, accumulate)}
		if _, err := l.fetch(1); err != nil {
			t.Fatal(err)
		}
		loss, err := l.gradient(t.Context(), 1, 4)
		if err != nil {
			t.Fatal(err)
		}
		return m.table.Grad.F32, loss.mean()
	}
	whole, wholeLoss := run(1, 6)
	parts, partsLoss := run(3, 2)
	if math.Abs(wholeLoss-partsLoss) > 1e-14 {
		t.Errorf("the mean loss is %g in one batch and %g in three", wholeLoss, partsLoss)
	}
	for i := range whole {
		// The gradients are below 4 in size and summed in float32 from about a hundred parts.
		if math.Abs(float64(whole[i]-parts[i])) > 100*4*0x1p-24 {
			t.Errorf("gradient %d is %g in one batch and %g in three", i, whole[i], parts[i])
		}
	}
}

func TestInterruptAndResumeAtEveryStep(t *testing.T) {
	shorter := func(c *Config) { c.Steps, c.Eval.Every, c.Log.Every = 11, 4, 3 }
	wantDir := t.TempDir()
	mustRun(t, wantDir, testJob(t, shorter))
	want := outcomeOf(t, wantDir)
	dir := t.TempDir()
	for stop := int64(0); ; stop++ {
		job := testJob(t, shorter)
		ctx, cancel := context.WithCancel(context.Background())
		job.Report = func(r Report) {
			if r.Step > stop {
				cancel()
			}
		}
		do := Resume
		if stop == 0 {
			do = Run
		}
		r, err := do(ctx, dir, job)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if !r.Interrupted {
			break
		}
		if r.Step != stop+1 {
			t.Fatalf("interrupted after step %d; want %d", r.Step, stop+1)
		}
	}
	requireEqual(t, outcomeOf(t, dir), want)
}

func TestFP16SkipsOverflows(t *testing.T) {
	job := testJob(t, func(c *Config) { c.Precision, c.Accumulate, c.EMA = "fp16", 1, 0 })
	m := job.Model.(*bigram)
	var weights []float32
	m.spoil = func(p data.Pass, m *bigram, _ *float64) {
		weights = bytesOf(m)
		if p.Step == 7 || p.Step == 8 {
			m.table.Grad.F32[3] = float32(math.Inf(1))
		}
	}
	var notes []string
	job.Note = func(_ int64, text string) { notes = append(notes, text) }
	job.Report = func(r Report) {
		same := cmp.Equal(weights, bytesOf(m))
		if skipped := r.Step == 7 || r.Step == 8; r.Skipped != skipped || same != skipped {
			t.Errorf("step %d: skipped %v, weights unchanged %v", r.Step, r.Skipped, same)
		}
		if want := map[int64]float64{7: 65536, 8: 32768, 9: 16384}[r.Step]; want != 0 && r.Scale != want {
			t.Errorf("step %d has the loss scale %g; want %g", r.Step, r.Scale, want)
		}
	}
	dir := t.TempDir()
	mustRun(t, dir, job)
	want := []string{"gradients overflowed: step skipped, loss scale 65536 → 32768",
		"gradients overflowed: step skipped, loss scale 32768 → 16384"}
	if diff := cmp.Diff(want, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	newest, _, err := Newest(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := readState(newest)
	if err != nil || s.Scaler == nil || s.Scaler.Scale != 16384 || s.Scaler.Clean != 52 || s.Scaler.Skipped != 2 || s.Updates != 58 {
		t.Errorf("the saved state is %+v, scaler %+v, %v", s, s.Scaler, err)
	}
}

// A loss scale that is a power of two changes no bit of the weights.
func TestFP16ScaleCancels(t *testing.T) {
	var want []float32
	for _, precision := range []string{"f32", "fp16"} {
		job := testJob(t, func(c *Config) { c.Precision = precision })
		mustRun(t, t.TempDir(), job)
		got := bytesOf(job.Model.(*bigram))
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-f32 +fp16):\n%s", precision, diff)
		}
	}
}

func bytesOf(m *bigram) []float32 {
	return append(append([]float32(nil), m.table.Value.F32...), m.bias.Value.F32...)
}

func TestNaNStopsAndKeepsTheLastGoodCheckpoint(t *testing.T) {
	for name, spoil := range map[string]func(p data.Pass, m *bigram, loss *float64){
		"the loss of step 19 is NaN": func(p data.Pass, _ *bigram, loss *float64) {
			if p.Step == 19 {
				*loss = math.NaN()
			}
		},
		`the gradient of "bias" at step 19 is not finite`: func(p data.Pass, m *bigram, _ *float64) {
			if p.Step == 19 {
				m.bias.Grad.F32[2] = float32(math.NaN())
			}
		},
		`after step 21 the numbers of "table" are not finite`: func(p data.Pass, m *bigram, _ *float64) {
			if p.Step == 21 && p.Part == 1 {
				m.table.Value.F32[2] = float32(math.Inf(1))
				m.table.Grad.F32[2] = 0
			}
		},
	} {
		dir := t.TempDir()
		job := testJob(t, func(c *Config) { c.Eval.Every = 0 })
		job.Model.(*bigram).spoil = spoil
		_, err := Run(context.Background(), dir, job)
		if !errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "step-000000014") {
			t.Errorf("error %v; want one with %q that names the checkpoint of step 14", err, name)
		}
		newest, _, err := Newest(dir)
		if err != nil || filepath.Base(newest) != "step-000000014.safetensors" {
			t.Errorf("the newest checkpoint is %s, %v; want that of step 14", newest, err)
		}
		if r, err := Resume(context.Background(), dir, testJob(t, func(c *Config) { c.Eval.Every = 0 })); err != nil || r.Step != 60 {
			t.Errorf("resuming: step %d, %v", r.Step, err)
		}
	}
}

var errFull = errors.New("no space left on device")

// limited is a disk with room for a number of bytes.
type limited struct {
	w    io.Writer
	room int
}

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.room {
		n, _ := l.w.Write(p[:l.room])
		l.room = 0
		return n, errFull
	}
	l.room -= len(p)
	return l.w.Write(p)
}

func TestAFullDiskKeepsTheOldCheckpoint(t *testing.T) {
	wantDir := t.TempDir()
	mustRun(t, wantDir, testJob(t, nil))
	for _, room := range []int{0, 700} {
		dir := t.TempDir()
		f, err := openFolder(dir, false)
		if err != nil {
			t.Fatal(err)
		}
		l, err := newLoop(testJob(t, nil), f)
		if err != nil {
			t.Fatal(err)
		}
		saves := 0
		f.wrap = func(w io.Writer) io.Writer {
			if saves++; saves > 3 {
				return &limited{w, room}
			}
			return w
		}
		if err := l.begin(); err != nil {
			t.Fatal(err)
		}
		_, err = l.run(context.Background())
		if !errors.Is(err, errFull) || !strings.Contains(err.Error(), "saving step 20") {
			t.Errorf("room for %d bytes: error %v; want one about saving step 20", room, err)
		}
		if err := errors.Join(l.close(), f.close()); err != nil {
			t.Fatal(err)
		}
		newest, damaged, err := Newest(dir)
		if err != nil || len(damaged) > 0 || filepath.Base(newest) != "step-000000014.safetensors" {
			t.Errorf("the newest checkpoint is %s, damaged %v, %v; want that of step 14", newest, damaged, err)
		}
		if _, err := Resume(context.Background(), dir, testJob(t, nil)); err != nil {
			t.Fatal(err)
		}
		requireEqual(t, outcomeOf(t, dir), outcomeOf(t, wantDir))
	}
}

// The disk that fills up while the model is written, after the last checkpoint, costs no more than a resume.
func TestAFullDiskAtTheEndKeepsTheCheckpoints(t *testing.T) {
	wantDir, dir := t.TempDir(), t.TempDir()
	mustRun(t, wantDir, testJob(t, nil))
	f, err := openFolder(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLoop(testJob(t, nil), f)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.begin(); err != nil {
		t.Fatal(err)
	}
	f.wrap = func(w io.Writer) io.Writer {
		if l.savedStep == 60 { // all that is left is the model
			return &limited{w, 100}
		}
		return w
	}
	_, err = l.run(context.Background())
	if !errors.Is(err, errFull) || errors.Is(err, ErrInput) ||
		!strings.Contains(err.Error(), "saving the model: writing "+filepath.Join(dir, ModelName)) {
		t.Errorf("error %v; want one about the model", err)
	}
	if err := errors.Join(l.close(), f.close()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, ModelName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a model: %v", err)
	}
	if newest, damaged, err := Newest(dir); err != nil || len(damaged) > 0 || filepath.Base(newest) != "step-000000060.safetensors" {
		t.Errorf("the newest checkpoint is %s, damaged %v, %v; want that of step 60", newest, damaged, err)
	}
	if _, err := Resume(context.Background(), dir, testJob(t, nil)); err != nil {
		t.Fatal(err)
	}
	requireEqual(t, outcomeOf(t, dir), outcomeOf(t, wantDir))
}

func TestADamagedCheckpointIsPassedOver(t *testing.T) {
	wantDir := t.TempDir()
	mustRun(t, wantDir, testJob(t, nil))
	for name, damage := range map[string]func(b []byte) []byte{
		"a changed bit": func(b []byte) []byte { b[len(b)-100] ^= 4; return b },
		"cut":           func(b []byte) []byte { return b[:len(b)*2/3] },
		"empty":         func([]byte) []byte { return nil },
	} {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(context.Background())
		job := testJob(t, nil)
		job.Report = func(r Report) {
			if r.Step == 31 {
				cancel()
			}
		}
		r, err := Run(ctx, dir, job)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(r.Checkpoint)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(r.Checkpoint, damage(bytes.Clone(b)), 0o600); err != nil {
			t.Fatal(err)
		}
		job = testJob(t, nil)
		var notes []string
		job.Note = func(_ int64, text string) { notes = append(notes, text) }
		if _, err := Resume(context.Background(), dir, job); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(notes) < 2 || !strings.Contains(notes[0], "step-000000031.safetensors is damaged") ||
			!strings.Contains(notes[1], "resumed after step 30") {
			t.Errorf("%s: the notes are %q", name, notes)
		}
		requireEqual(t, outcomeOf(t, dir), outcomeOf(t, wantDir))
	}
}

func TestNoWholeCheckpointIsAnError(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, dir, testJob(t, nil))
	steps, _ := checkpointSteps(dir)
	for _, step := range steps {
		if err := os.WriteFile(filepath.Join(dir, checkpointName(step)), []byte("?"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Resume(context.Background(), dir, testJob(t, nil)); !errors.Is(err, ErrNoCheckpoint) {
		t.Errorf("error %v; want %v", err, ErrNoCheckpoint)
	}
}

func TestResumingWithAnotherConfig(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, dir, testJob(t, nil))
	for want, change := range map[string]func(c *Config){
		"precision":  func(c *Config) { c.Precision = "fp16" },
		"seed 1":     func(c *Config) { c.Seed = 2 },
		"row.table":  func(c *Config) { c.Optimizer.Name = "adafactor" },
		"belongs to": nil,
	} {
		job := testJob(t, change)
		if change == nil {
			job.Train, _ = data.NewLoader(walks{51, 12}, data.LoaderConfig{Batch: 3})
		}
		if _, err := Resume(context.Background(), dir, job); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one with %q", err, want)
		}
	}
	// More steps are fine: the run continues.
	if r, err := Resume(context.Background(), dir, testJob(t, func(c *Config) { c.Steps = 70 })); err != nil || r.Step != 70 {
		t.Errorf("ended after step %d, %v; want 70", r.Step, err)
	}
}

func TestTheModelIsTheAverage(t *testing.T) {
	dir := t.TempDir()
	job := testJob(t, nil)
	mustRun(t, dir, job)
	f, err := safetensors.Open(filepath.Join(dir, ModelName))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	saved := newBigram(2)
	if err := errors.Join(f.Verify(), f.ReadMat(saved.table.Value, "table"), f.ReadMat(saved.bias.Value, "bias")); err != nil {
		t.Fatal(err)
	}
	source, _ := job.Valid()
	score, err := Evaluate(context.Background(), tensor.Exec{}, saved, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	records, err := ReadLog(filepath.Join(dir, LogName))
	if err != nil {
		t.Fatal(err)
	}
	if last := records[len(records)-1]; last.Step != 60 || last.ValidLoss != score.Loss {
		t.Errorf("the log ends with %+v; the saved model has the loss %g", last, score.Loss)
	}
	if cmp.Equal(bytesOf(saved), bytesOf(job.Model.(*bigram))) {
		t.Error("the saved weights are the last ones, and not their average")
	}
}

func TestOneProcessAFolder(t *testing.T) {
	dir := t.TempDir()
	f, err := openFolder(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), dir, testJob(t, nil)); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("error %v; want one about another process", err)
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	mustRun(t, dir, testJob(t, nil))
}

func TestConfigCheck(t *testing.T) {
	for want, change := range map[string]func(c *Config){
		"steps":           func(c *Config) { c.Steps = 0 },
		"accumulate":      func(c *Config) { c.Accumulate = 0 },
		"precision":       func(c *Config) { c.Precision = "f64" },
		"ema":             func(c *Config) { c.EMA = math.NaN() },
		"log.every":       func(c *Config) { c.Log.Every = 0 },
		"eval.every":      func(c *Config) { c.Eval.Every = -1 },
		"keep":            func(c *Config) { c.Checkpoint.Keep = 1 },
		"optimizer.name":  func(c *Config) { c.Optimizer.Name = "sgd" },
		"optimizer.clip":  func(c *Config) { c.Optimizer.Clip = -1 },
		"optimizer.decay": func(c *Config) { c.Optimizer.Decay = math.NaN() },
		"beta2":           func(c *Config) { c.Optimizer.Beta2 = 1 },
		"warm-up":         func(c *Config) { c.Optimizer.Warmup = c.Steps + 1 },
	} {
		c := DefaultConfig()
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		change(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one with %q", err, want)
		}
	}
}

func TestLogKeepsWholeLinesUpToAStep(t *testing.T) {
	text := `{"step":1,"loss":2}` + "\n" + `{"step":3,"loss":1}` + "\n" + "garbage\n" + `{"step":2,"note":"x"}` + "\n" + `{"step":2,"lo`
	want := `{"step":1,"loss":2}` + "\n" + `{"step":2,"note":"x"}` + "\n"
	if got := string(keepLines([]byte(text), 2, false)); got != want {
		t.Errorf("kept %q; want %q", got, want)
	}
}

func TestProgress(t *testing.T) {
	var b strings.Builder
	p := NewProgress(&b, Live)
	p.Report(Report{Step: 5, Steps: 20, Loss: 1.5, TokensPerSecond: 12345, SecondsLeft: 75})
	p.Note(5, "loss scale 2 → 1")
	p.Scored(6, Score{Loss: math.Ln2, Targets: 200, Correct: 51}, true)
	p.Scored(7, Score{Loss: 0.5, Targets: 200, Numbers: true}, false)
	p.Report(Report{Step: 20, Steps: 20, Loss: 1.25, TokensPerSecond: 950})
	p.Done()
	want := "\r\x1b[K█████░░░░░░░░░░░░░░░ 5/20  loss 1.5000  12.3k tokens/s  1m15s left\nstep 5: loss scale 2 → 1\n" +
		"step 6: validation 0.6931 nats (1.0000 bits), accuracy 25.50%; the best so far\n" +
		"step 7: validation 0.5000 (mean squared error)\n" +
		"\r\x1b[K████████████████████ 20/20  loss 1.2500  950 tokens/s\n"
	if b.String() != want {
		t.Errorf("got\n%q\nwant\n%q", b.String(), want)
	}
}

// FuzzLog: whatever stands in a log, reading does not fail on what openLog would leave of it.
func FuzzLog(f *testing.F) {
	f.Add([]byte("{\"step\":1,\"loss\":2}\n{\"step\":3,\"no"), int64(2))
	f.Add([]byte("\n\n{}\n"), int64(0))
	f.Fuzz(func(t *testing.T, text []byte, step int64) {
		path := filepath.Join(t.TempDir(), LogName)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _ = ReadLog(path) // it may be an error, but must be no panic
		if len(text) > 1<<15 {
			return // a line may be too long for a record
		}
		if err := os.WriteFile(path, keepLines(text, step, false), 0o600); err != nil {
			t.Fatal(err)
		}
		records, err := ReadLog(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if r.Step > step {
				t.Errorf("a line about step %d is left after step %d", r.Step, step)
			}
		}
	})
}

// readWeights fills m from a file, which must have the weights of m and no others.
func readWeights(path string, m Model) error {
	_, err := beginWith(path, Job{Model: m})
	return err
}

func TestFindWeights(t *testing.T) {
	dir := t.TempDir()
	r := mustRun(t, dir, testJob(t, nil))
	loaded := map[string][]float32{}
	for _, which := range []string{"", "final", "latest", "best", r.Checkpoint} {
		path, damaged, err := Find(dir, which)
		if err != nil || len(damaged) > 0 {
			t.Fatalf("%q: %v, %v", which, damaged, err)
		}
		m := newBigram(3)
		if err := readWeights(path, m); err != nil {
			t.Fatal(err)
		}
		loaded[which] = bytesOf(m)
	}
	for _, which := range []string{"", "latest", r.Checkpoint} {
		if !cmp.Equal(loaded[which], loaded["final"]) {
			t.Errorf("the weights %q are not the final ones", which)
		}
	}
	if r.BestStep != r.Step && cmp.Equal(loaded["best"], loaded["final"]) {
		t.Error("the best weights are the final ones")
	}
	wide := paramsModel{newBigram(1), []*tensor.Param{newParam("table", 2, vocab)}}
	if err := readWeights(r.Checkpoint, wide); err == nil || !strings.Contains(err.Error(), "2×7") {
		t.Errorf("error %v; want one about the shape", err)
	}
	absent := paramsModel{newBigram(1), []*tensor.Param{newParam("absent", 1, 1)}}
	if err := readWeights(r.Checkpoint, absent); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("error %v; want one about the name", err)
	}
	if err := os.Truncate(filepath.Join(dir, ModelName), 50); err != nil {
		t.Fatal(err)
	}
	for _, which := range []string{"", "final"} {
		if _, _, err := Find(dir, which); err == nil || !strings.Contains(err.Error(), "resume the run to write it again") {
			t.Errorf("%q: error %v; want one with what to do about a damaged model", which, err)
		}
	}
	if err := os.Remove(filepath.Join(dir, ModelName)); err != nil {
		t.Fatal(err)
	}
	if path, _, err := Find(dir, ""); err != nil || path != r.Checkpoint {
		t.Errorf("without a final model: %s, %v; want %s", path, err, r.Checkpoint)
	}
	if _, _, err := Find(dir, filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v; want %v", err, os.ErrNotExist)
	}
}

func TestFP16GivesUpWhereScalingCannotHelp(t *testing.T) {
	job := testJob(t, func(c *Config) { c.Precision, c.Eval.Every, c.Checkpoint.Every = "fp16", 0, 0 })
	m := job.Model.(*bigram)
	before := bytesOf(m)
	m.spoil = func(_ data.Pass, _ *bigram, loss *float64) { *loss = math.Inf(1) }
	_, err := Run(context.Background(), t.TempDir(), job)
	// From 2¹⁶ the scale can halve 16 times.
	if !errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), "at step 17") {
		t.Errorf("error %v; want one about step 17", err)
	}
	if !cmp.Equal(before, bytesOf(m)) {
		t.Error("the weights changed")
	}
}

func TestInitBeginsWithOtherWeights(t *testing.T) {
	first := t.TempDir()
	mustRun(t, first, testJob(t, nil))
	want := newBigram(9)
	if err := readWeights(filepath.Join(first, ModelName), want); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{first, filepath.Join(first, ModelName)} {
		job := testJob(t, func(c *Config) { c.Init, c.Steps, c.Optimizer.Warmup = from, 1, 0 })
		job.Model.(*bigram).spoil = func(_ data.Pass, m *bigram, _ *float64) {
			if diff := cmp.Diff(bytesOf(want), bytesOf(m)); diff != "" {
				t.Errorf("the first step has other weights (-want +got):\n%s", diff)
			}
		}
		mustRun(t, t.TempDir(), job)
	}
	for _, from := range []string{filepath.Join(first, "none"), t.TempDir(), filepath.Join(first, LogName)} {
		dir := t.TempDir()
		_, err := Run(context.Background(), dir, testJob(t, func(c *Config) { c.Init = from }))
		if err == nil || !strings.Contains(err.Error(), "init: ") {
			t.Errorf("from %s: error %v; want one about init", from, err)
		}
		mustRun(t, dir, testJob(t, func(c *Config) { c.Steps = 10 })) // nothing was left behind that is in the way
	}
}

// gaps is walks; those of even index have no targets.
type gaps struct{ walks }

func (g gaps) Append(dst *data.Batch, epoch, index int) error {
	begin := len(dst.Tokens)
	err := g.walks.Append(dst, epoch, index)
	for i := begin; index%2 == 0 && i < len(dst.Targets); i++ {
		dst.Targets[i] = data.Ignore
	}
	return err
}

// Batches without targets end no run: they make no step by themselves, and the model reads them.
func TestBatchesWithoutTargetsArePassed(t *testing.T) {
	for _, accumulate := range []int{1, 2} {
		job := testJob(t, func(c *Config) { c.Steps, c.Accumulate = 8, accumulate })
		job.Train, _ = data.NewLoader(gaps{walks{16, 5}}, data.LoaderConfig{Batch: 1})
		seen := newBigram(1)
		job.Model = seen
		if r := mustRun(t, t.TempDir(), job); r.Step != 8 || math.IsNaN(r.Loss) {
			t.Errorf("accumulating %d: %+v", accumulate, r)
		}
		carried := &bigram{table: newParam("table", vocab, vocab), bias: newParam("bias", 1, vocab)}
		again, _ := data.NewLoader(gaps{walks{16, 5}}, data.LoaderConfig{Batch: 1})
		for range 16 {
			var b data.Batch
			if err := again.Next(&b); err != nil {
				t.Fatal(err)
			}
			_, _ = carried.Train(tensor.Exec{}, &b, data.Pass{Step: 1})
		}
		if seen.carried != carried.carried {
			t.Errorf("accumulating %d: the model carries %g, want %g: it did not read every batch", accumulate, seen.carried, carried.carried)
		}
	}
	job := testJob(t, nil)
	job.Train, _ = data.NewLoader(blank{walks{3, 5}}, data.LoaderConfig{Batch: 1})
	_, err := Run(context.Background(), t.TempDir(), job)
	requireInput(t, err, "2000 consecutive batches have no targets")
}

// blank is walks with nothing to predict.
type blank struct{ walks }

func (b blank) Append(dst *data.Batch, epoch, index int) error {
	err := b.walks.Append(dst, epoch, index)
	for i := range dst.Targets {
		dst.Targets[i] = data.Ignore
	}
	return err
}
