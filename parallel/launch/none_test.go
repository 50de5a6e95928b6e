//go:build !mpi || !linux || (!amd64 && !arm64)

package launch

import (
	"strings"
	"testing"
)

// TestOpenWithoutMPI checks that a binary without MPI does not run several times side by side.
func TestOpenWithoutMPI(t *testing.T) {
	for _, name := range []string{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"} {
		alone(t)
		t.Setenv(name, "4")
		_, err := Open(Options{})
		if err == nil || !strings.Contains(err.Error(), "the launcher has started 4 ranks ("+name+"), but this binary was built without MPI: ") {
			t.Errorf("%s: got %v", name, err)
		}
		t.Setenv(name, "1")
		if w, err := Open(Options{}); err != nil || w.Size() != 1 {
			t.Errorf("%s, one rank: got %+v, %v", name, w, err)
		}
	}
}
