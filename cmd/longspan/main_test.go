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
	testscript.Main(m, map[string]func(){"longspan": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"leaves": leaves},
	})
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
