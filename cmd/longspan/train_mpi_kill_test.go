//go:build mpi && slow

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/longspan/longspan/train"
)

const killRecipe = `
model: {width: 32, layers: 2, heads: 4, attention: ["window(128)"], dropout: 0.1}
data: {batch: 1, genome: {tokens: 2048}}
train: {steps: 1000, accumulate: 2, shards: 4, sequence_shards: 2, optimizer: {warmup: 0}, eval: {every: 50, batches: 1},
  checkpoint: {every: 5}, log: {every: 10}}
`

// TestKilledRanksResume kills a rank of a run at ten random instants. Every rank then ends, and the run is resumed with another number of
// ranks. The model has the bits of a run that nothing happened to.
func TestKilledRanksResume(t *testing.T) {
	if _, err := exec.LookPath("mpirun.openmpi"); err != nil {
		t.Skip("found no mpirun.openmpi")
	}
	dir := t.TempDir()
	recipe := filepath.Join(dir, "recipe.yaml")
	if err := os.WriteFile(recipe, []byte(killRecipe), 0o644); err != nil {
		t.Fatal(err)
	}
	whole, killed := filepath.Join(dir, "whole"), filepath.Join(dir, "killed")
	if out, err := started(1, "train", recipe, "--out", whole).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r := rand.New(rand.NewPCG(1, 2))
	kills := 0
	for i := 0; kills < 10; i++ {
		ranks := []int{4, 2, 4, 1}[i%4]
		arguments := []string{"train", recipe, "--out", killed}
		if _, err := os.Stat(filepath.Join(killed, train.ConfigName)); err == nil {
			arguments = []string{"train", "--resume", killed}
		}
		if killOne(t, r, ranks, arguments) {
			kills++
		}
		if _, err := os.Stat(filepath.Join(killed, train.ModelName)); err == nil {
			break // the run has ended
		}
	}
	if kills < 10 {
		t.Errorf("the run ended after %d kills, expected 10", kills)
	}
	for _, ranks := range []int{2, 4} {
		if out, err := started(ranks, "train", "--resume", killed).CombinedOutput(); err != nil {
			t.Fatalf("%d ranks: %v: %s", ranks, err, out)
		}
	}
	a, err := os.ReadFile(filepath.Join(whole, train.ModelName))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(killed, train.ModelName))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("the model of the run that was killed differs")
	}
}

// started is the tool on a number of ranks.
func started(ranks int, arguments ...string) *exec.Cmd {
	program, err := os.Executable()
	if err != nil {
		panic(err)
	}
	start := append(launcher("openmpi", strconv.Itoa(ranks)), append([]string{program}, arguments...)...)
	if ranks == 1 {
		start = start[len(start)-len(arguments)-1:]
	}
	cmd := exec.Command(start[0], start[1:]...)
	cmd.Env = append(os.Environ(), asTool+"=tool")
	return cmd
}

// killOne starts ranks and kills one of them at a random instant. It reports whether there was one to kill. All others must end within 5
// seconds.
func killOne(t *testing.T, r *rand.Rand, ranks int, arguments []string) bool {
	t.Helper()
	cmd := started(ranks, arguments...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
		return false
	case <-time.After(time.Duration(400+r.IntN(1600)) * time.Millisecond):
	}
	victims := childrenOf(cmd.Process.Pid)
	if ranks == 1 {
		victims = []int{cmd.Process.Pid}
	}
	if len(victims) == 0 {
		<-ended
		return false
	}
	victim := victims[r.IntN(len(victims))]
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		<-ended
		return false
	}
	began := time.Now()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatalf("the ranks go on 20 s after one was killed: %s", output.String())
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the ranks ended %v after one was killed", took)
	}
	for _, p := range victims {
		for alive(p) && time.Since(began) < 5*time.Second {
			time.Sleep(10 * time.Millisecond)
		}
		if alive(p) {
			t.Errorf("process %d goes on 5 s after another was killed", p)
		}
	}
	return true
}

// alive reports whether a process runs: one that has ended may wait for its parent as a zombie.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, ok := strings.Cut(string(text), ") ")
	return err == nil && ok && state[0] != 'Z'
}

// childrenOf are the processes that a process has started: the ranks of Open MPI's mpirun.
func childrenOf(pid int) (children []int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil {
		return nil
	}
	for _, field := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(field); err == nil {
			children = append(children, n)
		}
	}
	return children
}
