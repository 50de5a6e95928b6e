package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/longspan/longspan/cmd/longspan/internal/machine"
)

// asTool makes a copy of this test program the tool, for tests that send it signals. The value "endless" makes
// it a step that never ends, and any other value the tool.
const asTool = "LONGSPAN_TEST_AS_TOOL"

func TestMain(m *testing.M) {
	switch os.Getenv(asTool) {
	case "": // the tests
	case "endless":
		endless()
	default: // never the tests: they start this program again
		main()
	}
	testscript.Main(inCache{m}, map[string]func(){"longspan": main})
}

// endless does not stop when it should.
func endless() {
	ctx, _ := untilStopped()
	fmt.Fprintln(os.Stderr, "at work")
	<-ctx.Done()
	fmt.Fprintln(os.Stderr, "stopping")
	select {}
}

// inCache runs the tests with a cache directory that has rates of the machine, so that no command measures it.
type inCache struct{ tests testscript.TestingM }

func (c inCache) Run() int {
	dir, err := os.MkdirTemp("", "longspan-cache")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv("XDG_CACHE_HOME", dir); err != nil {
		panic(err)
	}
	r := machine.Rates{Identity: machine.Identify(0), Matmul: [2]float64{50, 50}, Attention: [2]float64{50, 50}, Bandwidth: 10,
		Steps: [2][4]float64{{1, 1, 1, 1}, {1, 1, 1, 1}}}
	if err := machine.Keep(r); err != nil {
		panic(err)
	}
	return c.tests.Run()
}

// condition refuses names of conditions that scripts do not have: mpi is whether the tool was built with the tag.
func condition(name string) error {
	if name != "mpi" {
		return fmt.Errorf("found condition %q, expected mpi", name)
	}
	return nil
}

func TestScripts(t *testing.T) {
	models := someHub(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Condition:           func(name string) (bool, error) { return withMPI, condition(name) },
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"leaves": leaves, "document": document, "photo": photo},
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"XDG_CACHE_HOME", "LONGSPAN_CPU"} { // a script has no other variables of the tests
				env.Setenv(name, os.Getenv(name))
			}
			err := errors.Join(tinyDecoders(filepath.Join(env.WorkDir, "decoders")), tinyModels(filepath.Join(env.WorkDir, "models")))
			if err != nil {
				return err
			}
			env.Setenv("HF_ENDPOINT", models.URL)
			env.Setenv("HF_HOME", filepath.Join(env.WorkDir, "hf"))
			return nil
		},
	})
}

// document checks that the standard output of the last command is one JSON document.
func document(ts *testscript.TestScript, not bool, _ []string) {
	if _, err := oneDocument([]byte(ts.ReadFile("stdout"))); (err == nil) == not {
		ts.Fatalf("standard output is no single JSON document: %v", err)
	}
}

// leaves STATUS ARGUMENT… runs the tool, which must leave with that exit status; testscript itself tells only 0 from the rest.
func leaves(ts *testscript.TestScript, not bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	status := 0
	var exit *exec.ExitError
	if err := ts.Exec("longspan", args[1:]...); errors.As(err, &exit) {
		status = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if (status == want) == not {
		ts.Fatalf("exit status %d", status)
	}
}
