//go:build mpi && linux && (amd64 || arm64)

package mpi

import (
	"os"
	"testing"

	"github.com/longspan/longspan/internal/mpitest"
)

// asRank makes a copy of this test program a rank, which does what the value names.
const asRank = "LONGSPAN_TEST_RANK"

// testFile is a file that ranks make, for the test or for each other.
const testFile = "LONGSPAN_TEST_FILE"

func TestMain(m *testing.M) {
	if name := os.Getenv(asRank); name != "" {
		Exit(beRank(name)) // never the tests: they start this program again
	}
	os.Exit(m.Run())
}

// run starts ranks that do what script names.
func run(t *testing.T, l mpitest.Launcher, ranks int, script string, env ...string) mpitest.Outcome {
	t.Helper()
	return l.Run(t, append(env, asRank+"="+script), mpitest.Group{Ranks: ranks})
}
