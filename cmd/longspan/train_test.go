package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/plan"
)

// interrupter sends this process an interrupt when the first step is reported.
type interrupter struct {
	t    *testing.T
	once sync.Once
	text strings.Builder
}

func (i *interrupter) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "tokens/s") {
		i.once.Do(func() {
			self, err := os.FindProcess(os.Getpid())
			if err != nil {
				i.t.Fatal(err)
			}
			if err := self.Signal(os.Interrupt); err != nil {
				i.t.Fatal(err)
			}
		})
	}
	return i.text.Write(p)
}

func TestCtrlCSavesAndLeaves(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot interrupt itself there")
	}
	dir := t.TempDir()
	path, out := filepath.Join(dir, "tiny.yaml"), filepath.Join(dir, "run")
	text := "model: {width: 16, layers: 1, heads: 2, attention: [\"window(16)\"]}\ndata:\n  genome: {tokens: 64}\n" +
		"train:\n  steps: 1000000\n  eval: {every: 0}\n  checkpoint: {every: 0}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout strings.Builder
	stderr := &interrupter{t: t}
	if status := run([]string{"train", path, "--out", out}, &stdout, stderr); status != exitFailed {
		t.Errorf("exit status %d; want %d", status, exitFailed)
	}
	if !strings.Contains(stdout.String(), "interrupted; resume with: longspan train --resume "+out) {
		t.Errorf("the output does not say how to resume:\n%s%s", stdout.String(), stderr.text.String())
	}
	saved, err := filepath.Glob(filepath.Join(out, "checkpoints", "*.safetensors"))
	if err != nil || len(saved) != 1 {
		t.Errorf("checkpoints %v, %v; want one", saved, err)
	}
	stdout.Reset()
	status := run([]string{"eval", out, "--batches", "1"}, &stdout, stderr)
	if status != exitOK || !strings.Contains(stdout.String(), "step-") {
		t.Errorf("evaluating what was saved: exit status %d\n%s", status, stdout.String())
	}
	var flags runFlags
	nothing := func(*trained) (plan.Bytes, error) { return plan.Bytes{}, nil }
	of, err := flags.open(&output{out: &stdout, err: &stdout}, out, nothing)
	if err != nil {
		t.Fatal(err)
	}
	defer of.close()
	stopped, stop := context.WithCancel(context.Background())
	stop()
	if _, err := of.evaluate(stopped, "test", 0, parallel.Local(1)[0]); !errors.Is(err, errInterrupted) {
		t.Errorf("an evaluation that is interrupted says %v, want %v", err, errInterrupted)
	}
}

// Numbers have an error. They are neither right nor wrong, and have no bits.
func TestNumbersAreReportedAsNumbers(t *testing.T) {
	dir := t.TempDir()
	path, out, documents := filepath.Join(dir, "numbers.yaml"), filepath.Join(dir, "run"), filepath.Join(dir, "a.jsonl")
	var lines strings.Builder
	for i := range 20 {
		fmt.Fprintf(&lines, "{\"text\": \"abc\", \"number\": %d}\n", i*i)
	}
	text := "model: {width: 16, layers: 1, heads: 2}\ndata:\n  labelled: {train: [" + documents + "], number: number, hold_out: 4}\n" +
		"train:\n  steps: 2\n  optimizer: {warmup: 1}\n"
	for name, content := range map[string]string{path: text, documents: lines.String()} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"train", path, "--out", out}, {"eval", out}} {
		var stdout, stderr strings.Builder
		if status := run(append(args, "--json"), &stdout, &stderr); status != exitOK {
			t.Fatalf("%q: exit status %d\n%s%s", args, status, stdout.String(), stderr.String())
		}
		var report map[string]any
		if err := json.Unmarshal([]byte(stdout.String()), &report); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"bits", "valid_bits", "perplexity", "accuracy", "valid_accuracy"} {
			if v, ok := report[key]; ok {
				t.Errorf("%q: %s of numbers is %v", args, key, v)
			}
		}
		if report["root_error"] == nil && report["valid_root_error"] == nil || strings.Contains(stderr.String(), "accuracy") {
			t.Errorf("%q:\n%s%s", args, stdout.String(), stderr.String())
		}
	}
}

// A run is resumed with its own model. Changed data is an error, or restarts with --restart-data.
func TestResumeRefusesAnotherModelAndChangedData(t *testing.T) {
	dir := t.TempDir()
	path, out, texts := filepath.Join(dir, "tiny.yaml"), filepath.Join(dir, "run"), filepath.Join(dir, "a.jsonl")
	text := "model: {width: 16, layers: 1, heads: 2}\ndata:\n  text: {train: [" + texts + "], hold_out: 2, tokens: 16}\n" +
		"train: {steps: 2, optimizer: {warmup: 1}}\n"
	row := "{\"text\": \"some letters\"}\n"
	for name, content := range map[string]string{path: text, texts: strings.Repeat(row, 20)} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	train := func(args ...string) (int, string) {
		var both strings.Builder
		status := run(append([]string{"train"}, args...), &both, &both)
		return status, both.String()
	}
	if status, text := train(path, "--out", out); status != exitOK {
		t.Fatalf("exit status %d: %s", status, text)
	}
	resume := []string{"--resume", out, "--set", "train.steps=4"}
	status, said := train(append(resume, "--set", "model.norm=rms")...)
	if status != exitUsage || !strings.Contains(said, "model.norm: layer → rms") {
		t.Errorf("another model: exit status %d: %s", status, said)
	}
	if err := os.WriteFile(texts, []byte(strings.Repeat(row, 30)), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, text := train(resume...); status != exitUsage || !strings.Contains(text, "train --restart-data") {
		t.Errorf("other data: exit status %d: %s", status, text)
	}
	status, said = train(append(resume, "--restart-data")...)
	if status != exitOK || !strings.Contains(said, "data has changed and restarts") || !strings.Contains(said, "steps       4") {
		t.Errorf("other data, restarted: exit status %d: %s", status, said)
	}
	if status, text := train(path, "--out", out+"2", "--restart-data"); status != exitUsage || !strings.Contains(text, "without --resume") {
		t.Errorf("--restart-data for a new run: exit status %d: %s", status, text)
	}
}
