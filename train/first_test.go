package train

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// metaFor describes a run that learns the task named.
func metaFor(task string) Meta {
	return Meta{Task: Task{Name: task, Head: "head.", Table: "table", Rows: vocab}}
}

func filled(name string, rows, cols int, v float32) *tensor.Param {
	p := newParam(name, rows, cols)
	for i := range p.Value.F32 {
		p.Value.F32[i] = v
	}
	return p
}

// saved writes a file of weights that are 1, of the task named.
func saved(t *testing.T, task string, params ...*tensor.Param) string {
	t.Helper()
	var tensors []safetensors.Tensor
	for _, p := range params {
		tensors = append(tensors, safetensors.Matrix(p.Name, p.Value))
	}
	metadata := map[string]string{}
	if task != "" {
		var err error
		if metadata, err = metaFor(task).metadata(); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	if err := safetensors.Save(path, tensors, metadata); err != nil {
		t.Fatal(err)
	}
	return path
}

// paramsModel is a model of these weights.
type paramsModel struct {
	*bigram
	params []*tensor.Param
}

func (m paramsModel) Params() []*tensor.Param { return m.params }

func TestStartingFromAnotherTask(t *testing.T) {
	body := func(rows int) *tensor.Param { return filled("table", rows, 2, 1) }
	head := func(rows int) *tensor.Param { return filled("head.weight", rows, 2, 1) }
	for _, c := range []struct {
		name, from, to string
		file           []*tensor.Param
		rows, classes  int    // of the model's table, and of its head; 0 classes: none
		newHead        bool   // the head is as it was drawn
		newRows        int    // rows of the table that are
		note           string // empty: nothing but where they are from
		fails          string
	}{
		{name: "the same task", from: "a", to: "a", file: []*tensor.Param{body(vocab), head(3)}, rows: vocab, classes: 3},
		{name: "another task, the same shape", from: "a", to: "b", file: []*tensor.Param{body(vocab), head(3)}, rows: vocab, classes: 3,
			newHead: true, note: "; re-initialised for another task: head.weight"},
		{name: "another shape", from: "a", to: "a", file: []*tensor.Param{body(vocab), head(4)}, rows: vocab, classes: 3, newHead: true,
			note: "; re-initialised for another task: head.weight"},
		{name: "no head to take", from: "a", to: "b", file: []*tensor.Param{body(vocab)}, rows: vocab, classes: 3, newHead: true,
			note: "; re-initialised for another task: head.weight"},
		{name: "a head without use", from: "a", to: "b", file: []*tensor.Param{body(vocab), head(4)}, rows: vocab,
			note: "; ignored, of the earlier task: head.weight"},
		{name: "a row less", from: "m", to: "b", file: []*tensor.Param{body(vocab + 1), head(4)}, rows: vocab, classes: 3, newHead: true,
			note: "; re-initialised for another task: head.weight; ignored, of the earlier task: table from row 7 on"},
		{name: "a row more", from: "b", to: "m", file: []*tensor.Param{body(vocab), head(4)}, rows: vocab + 1, classes: 3,
			newHead: true, newRows: 1, note: "; re-initialised for another task: table from row 7 on, head.weight"},
		{name: "a file that does not say its task", to: "b", file: []*tensor.Param{body(vocab), head(3)}, rows: vocab, classes: 3},
		{name: "nor its vocabulary", to: "b", file: []*tensor.Param{body(vocab + 1), head(3)}, rows: vocab, classes: 3,
			fails: `"table" has the shape [8 2]; 7×2`},
		{name: "another body", from: "a", to: "b", file: []*tensor.Param{body(vocab - 2), head(3)}, rows: vocab, classes: 3,
			fails: `"table" has the shape [5 2]; 7×2`},
		{name: "more of a body", from: "a", to: "b", file: []*tensor.Param{body(vocab), filled("more", 1, 1, 1)}, rows: vocab,
			fails: `"more", which the model does not have`},
	} {
		table := filled("table", c.rows, 2, 0)
		m := paramsModel{newBigram(1), []*tensor.Param{table}}
		want := strings.Repeat("1 1 ", c.rows-c.newRows) + strings.Repeat("0 0 ", c.newRows)
		if c.classes > 0 {
			m.params = append(m.params, filled("head.weight", c.classes, 2, 0))
			digit := map[bool]string{true: "0 0 ", false: "1 1 "}[c.newHead]
			want += strings.Repeat(digit, c.classes)
		}
		path := saved(t, c.from, c.file...)
		notes, err := beginWith(path, Job{Model: m, Meta: metaFor(c.to)})
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: error %v; want one with %s", c.name, err, c.fails)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff([]string{"started from the weights of " + path + c.note}, notes); diff != "" {
			t.Errorf("%s: notes (-want +got):\n%s", c.name, diff)
		}
		var got strings.Builder
		for _, p := range m.params {
			for _, v := range p.Value.F32 {
				got.WriteString(map[float32]string{0: "0 ", 1: "1 "}[v])
			}
		}
		if got.String() != want {
			t.Errorf("%s: the weights are %s; want %s", c.name, &got, want)
		}
	}
}

// Resuming does not need the weights that the run started from.
func TestResumingDoesWithoutInit(t *testing.T) {
	first, dir := t.TempDir(), t.TempDir()
	mustRun(t, first, testJob(t, nil))
	from := func(c *Config) { c.Init = first }
	job := testJob(t, from)
	var notes []string
	job.Note = func(_ int64, text string) { notes = append(notes, text) }
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	job.Report = func(Report) { cancel() }
	if _, err := Run(ctx, dir, job); err != nil {
		t.Fatal(err)
	}
	if len(notes) == 0 || notes[0] != "started from the weights of "+filepath.Join(first, ModelName) {
		t.Errorf("the notes are %q", notes)
	}
	if err := os.RemoveAll(first); err != nil {
		t.Fatal(err)
	}
	if r, err := Resume(context.Background(), dir, testJob(t, from)); err != nil || r.Step != 60 {
		t.Errorf("ended after step %d, %v", r.Step, err)
	}
}
