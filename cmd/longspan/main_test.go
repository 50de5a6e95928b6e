package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// asTool makes a copy of this test program the tool, for tests that send it signals.
const asTool = "LONGSPAN_TEST_AS_TOOL"

func TestMain(m *testing.M) {
	if os.Getenv(asTool) != "" {
		main()
	}
	testscript.Main(inCache{m}, map[string]func(){"longspan": main})
}

// inCache runs the tests with one cache directory, so that the machine is measured once.
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
	return c.tests.Run()
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"leaves": leaves, "document": document},
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_CACHE_HOME", os.Getenv("XDG_CACHE_HOME"))
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
