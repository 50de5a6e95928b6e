//go:build !mpi || !linux || (!amd64 && !arm64)

package launch

import (
	"fmt"
	"os"
	"runtime"

	"github.com/longspan/longspan/parallel"
)

// join refuses: this binary has no MPI, and each process would be a run of its own.
func join(variable string, ranks int) (parallel.Engine, string, error) {
	how := "build the other binary with make build-mpi, or with go build -tags mpi ./cmd/longspan"
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		how = "MPI needs Linux on amd64 or arm64"
	}
	return nil, "", fmt.Errorf("the launcher has started %d ranks (%s), but this binary was built without MPI: %s. "+
		"LONGSPAN_MPI=off makes each process a run of its own", ranks, variable, how)
}

func exit(status int) { os.Exit(status) }
