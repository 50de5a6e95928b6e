package bench

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

func TestOpenMeasuresAFolder(t *testing.T) {
	m, err := model.New(model.Config{Vocab: 9, Width: 16, Layers: 1, Heads: 2}, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := m.Save(dir, tensor.F32); err != nil {
		t.Fatal(err)
	}
	opened, err := OpenFolder(dir)
	if err != nil || opened.Weights != m.Count() || opened.FileBytes < 4*m.Count() || opened.Seconds <= 0 || opened.FirstToken <= 0 {
		t.Errorf("%+v, %v", opened, err)
	}
	text, err := json.Marshal(opened)
	if err != nil {
		t.Fatal(err)
	}
	child := func(string) (*exec.Cmd, error) { return exec.Command("echo", string(text)), nil }
	row, err := Open{Layers: 1, Processes: 3, Folder: dir, Type: "f32"}.Run(child, func(int, int) {})
	if err != nil || row.Seconds != opened.Seconds || row.Weights != opened.Weights || row.ProcessRuns != 3 {
		t.Errorf("%+v, %v; every process gave %+v", row, err, opened)
	}
	child = func(string) (*exec.Cmd, error) { return exec.Command("echo", "nothing"), nil }
	_, err = Open{Layers: 1, Processes: 1, Folder: dir}.Run(child, func(int, int) {})
	if err == nil || !strings.Contains(err.Error(), "printed") {
		t.Errorf("a process that measured nothing: %v", err)
	}
	if _, err := (Open{}).Run(child, func(int, int) {}); err == nil || !strings.Contains(err.Error(), "found 0 layers") {
		t.Errorf("no layers: %v", err)
	}
}

// The error of the process that opens a folder has the message that it printed.
func TestChildError(t *testing.T) {
	failed := errors.New("exit status 2")
	if got := childError(failed, []byte(`{"error": "no model folder", "exit": 2}`)).Error(); got != "exit status 2: no model folder" {
		t.Errorf("the error is %q", got)
	}
	if got := childError(failed, []byte("killed")); got != failed {
		t.Errorf("without JSON the error is %q", got)
	}
}
