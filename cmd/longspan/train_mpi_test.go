//go:build mpi

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/longspan/longspan/train"
)

// TestMPI runs the tool under the launchers that this machine has.
func TestMPI(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/mpi",
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ranks": ranks, "same": sameRuns, "samescore": sameScore,
		},
	})
}

// launcher is the command that starts n ranks.
func launcher(name, n string) []string {
	if name == "openmpi" {
		return []string{"mpirun.openmpi", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n", n}
	}
	return []string{"mpirun." + name, "-n", n}
}

// ranks LAUNCHER N ARGUMENT… runs the tool on N ranks. It does nothing where the launcher is missing.
func ranks(ts *testscript.TestScript, not bool, args []string) {
	start := launcher(args[0], args[1])
	if _, err := exec.LookPath(start[0]); err != nil {
		ts.Logf("found no %s: skipped", start[0])
		return
	}
	err := ts.Exec(start[0], append(append(start[1:], "longspan"), args[2:]...)...)
	if (err != nil) != not {
		ts.Fatalf("%v: %v", args, err)
	}
}

// sameRuns RUN RUN checks that two runs have the same model and log, if both are there.
func sameRuns(ts *testscript.TestScript, _ bool, args []string) {
	var models [2]string
	var logs [2][]train.Record
	for i, dir := range args {
		dir = ts.MkAbs(dir)
		if _, err := os.Stat(dir); err != nil {
			return // its launcher is missing
		}
		model, err := os.ReadFile(filepath.Join(dir, train.ModelName))
		ts.Check(err)
		models[i] = string(model)
		logs[i], err = train.ReadLog(filepath.Join(dir, train.LogName))
		ts.Check(err)
		for k := range logs[i] {
			logs[i][k].Seconds, logs[i][k].TokensPerSecond = 0, 0
		}
	}
	if models[0] != models[1] {
		ts.Fatalf("the models of %v differ", args)
	}
	if diff := cmp.Diff(logs[0], logs[1]); diff != "" {
		ts.Fatalf("the logs of %v differ:\n%s", args, diff)
	}
}

// sameScore FILE FILE checks that two results of `eval` have the same counts, and losses but for rounding.
func sameScore(ts *testscript.TestScript, _ bool, args []string) {
	var all [2]evalReport
	for i, name := range args {
		text := ts.ReadFile(name)
		if text == "" {
			return // its launcher is missing
		}
		ts.Check(json.Unmarshal([]byte(text), &all[i]))
	}
	if d := all[0].Loss - all[1].Loss; d > 1e-6 || d < -1e-6 || all[0].Targets != all[1].Targets || *all[0].Accuracy != *all[1].Accuracy {
		ts.Fatalf("found %+v and %+v", all[0], all[1])
	}
}
