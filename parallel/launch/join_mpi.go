//go:build mpi && linux && (amd64 || arm64)

package launch

import (
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/parallel/mpi"
)

// join is the engine over MPI and the name of its library.
func join(string, int) (parallel.Engine, string, error) {
	e, err := mpi.Open()
	if err != nil {
		return nil, "", err
	}
	return e, e.Library(), nil
}

func exit(status int) { mpi.Exit(status) }
