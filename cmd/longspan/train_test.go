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
	if !strings.Contains(stdout.String(), "interrupted; go on with: longspan train --resume "+out) {
		t.Errorf("the output does not say how to go on:\n%s%s", stdout.String(), stderr.text.String())
	}
	saved, err := filepath.Glob(filepath.Join(out, "checkpoints", "*.safetensors"))
	if err != nil || len(saved) != 1 {
		t.Errorf("checkpoints %v, %v; want one", saved, err)
	}
	stdout.Reset()
	if status := run([]string{"eval", out, "--batches", "1"}, &stdout, stderr); status != exitOK || !strings.Contains(stdout.String(), "step-") {
		t.Errorf("evaluating what was saved: exit status %d\n%s", status, stdout.String())
	}
	var flags runFlags
	of, err := flags.open(&output{out: &stdout, err: &stdout}, out, work{need: func(*trained) (plan.Bytes, error) { return plan.Bytes{}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer of.close()
	stopped, stop := context.WithCancel(context.Background())
	stop()
	if _, err := of.evaluate(stopped, "test", 0); !errors.Is(err, errInterrupted) {
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
		if report["root_error"] == nil && report["valid_root_error"] == nil || strings.Contains(stderr.String(), "right") {
			t.Errorf("%q:\n%s%s", args, stdout.String(), stderr.String())
		}
	}
}
