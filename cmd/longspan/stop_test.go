//go:build unix

package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// tool is the tool at work as a process of its own.
type tool struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout bytes.Buffer
	stderr io.ReadCloser
	lines  *bufio.Reader // of stderr
}

// startTraining trains a small model in folder run of dir; shell is put before the tool, such as one that ignores a signal.
func startTraining(t *testing.T, dir string, shell []string, set ...string) *tool {
	t.Helper()
	recipe := filepath.Join(dir, "tiny.yaml")
	text := "model: {width: 16, layers: 1, heads: 2, attention: [\"window(16)\"]}\ndata:\n  genome: {tokens: 64}\n" +
		"train:\n  steps: 1000000\n  optimizer: {warmup: 0}\n  eval: {every: 0, batches: 1}\n  checkpoint: {every: 0}\n"
	if err := os.WriteFile(recipe, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"train", recipe, "--threads", "1", "--out", filepath.Join(dir, "run")}
	for _, s := range set {
		args = append(args, "--set", s)
	}
	return startTool(t, "1", shell, args...)
}

// startTool starts this test program as what asTool names.
func startTool(t *testing.T, as string, shell []string, args ...string) *tool {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args = append(append(slices.Clone(shell), program), args...)
	p := &tool{t: t, cmd: exec.Command(args[0], args[1:]...)}
	p.cmd.Env = append(os.Environ(), asTool+"="+as)
	p.cmd.Stdout = &p.stdout
	if p.stderr, err = p.cmd.StderrPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // fails where it has ended, as it should have
	p.lines = bufio.NewReader(p.stderr)
	return p
}

// awaitStep reads until the first step is reported.
func (p *tool) awaitStep() {
	p.t.Helper()
	p.await("tokens/s")
}

// await reads standard error up to a line that has this text.
func (p *tool) await(text string) {
	p.t.Helper()
	for {
		line, err := p.lines.ReadString('\n')
		if err != nil {
			p.t.Fatalf("the tool ended before it wrote %q: %v", text, err)
		}
		if strings.Contains(line, text) {
			return
		}
	}
}

func (p *tool) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// wait waits for the end and returns the exit status, and −1 where a signal ended it.
func (p *tool) wait() int {
	if p.stderr != nil {
		_, _ = io.Copy(io.Discard, p.lines) // until it closes its end
	}
	_ = p.cmd.Wait() // the status tells
	return p.cmd.ProcessState.ExitCode()
}

func checkpoints(t *testing.T, dir string) []string {
	t.Helper()
	saved, err := filepath.Glob(filepath.Join(dir, "run", "checkpoints", "*.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

// Whatever asks a run to stop, however often, it saves a checkpoint and says how to go on.
func TestSignalsThatSaveAndLeave(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("the tests run under nohup, and what they start inherits that")
	}
	for name, stop := range map[string]func(p *tool){
		"kill": func(p *tool) { p.signal(syscall.SIGTERM) },
		"a closed terminal": func(p *tool) {
			p.signal(syscall.SIGHUP)
			p.signal(syscall.SIGHUP)
		},
		"a reader that has gone": func(p *tool) {
			_ = p.stderr.Close()
			p.stderr = nil
			p.signal(syscall.SIGPIPE) // what the next line to a pipe without a reader would send
			p.signal(syscall.SIGPIPE)
		},
	} {
		dir := t.TempDir()
		p := startTraining(t, dir, nil)
		p.awaitStep()
		stop(p)
		if status := p.wait(); status != exitFailed {
			t.Errorf("%s: exit status %d; want %d", name, status, exitFailed)
		}
		if !strings.Contains(p.stdout.String(), "interrupted; resume with") {
			t.Errorf("%s: the output is %q", name, p.stdout.String())
		}
		if saved := checkpoints(t, dir); len(saved) != 1 {
			t.Errorf("%s: checkpoints %v; want one", name, saved)
		}
	}
}

// What nohup starts goes on when its terminal is closed.
func TestHangUpsStayIgnored(t *testing.T) {
	p := startTraining(t, t.TempDir(), []string{"/bin/sh", "-c", `trap "" HUP; exec "$0" "$@"`}, "train.steps=200")
	p.awaitStep()
	p.signal(syscall.SIGHUP)
	if status := p.wait(); status != exitOK || !strings.Contains(p.stdout.String(), "steps       200") {
		t.Errorf("exit status %d, output\n%s", status, p.stdout.String())
	}
}

// A second Ctrl-C ends the process while a step is at work.
func TestASecondCtrlCLeavesAtOnce(t *testing.T) {
	p := startTool(t, "endless", nil)
	p.await("at work")
	p.signal(syscall.SIGINT)
	p.await("stopping")
	p.signal(syscall.SIGINT)
	if status := p.wait(); status != exitFailed {
		t.Errorf("exit status %d; want %d", status, exitFailed)
	}
}
