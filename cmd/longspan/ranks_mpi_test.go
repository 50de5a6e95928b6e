//go:build mpi && linux && (amd64 || arm64)

package main

import (
	"strings"
	"testing"

	"github.com/longspan/longspan/internal/mpitest"
)

// withMPI is whether the tool can reach MPI.
const withMPI = true

// TestRanksUnderMPI runs the commands under each launcher: they have the bits of goroutines, and rank 0 alone prints.
func TestRanksUnderMPI(t *testing.T) {
	mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) {
		for _, ranks := range []int{2, 4} {
			for _, command := range []string{"verify ranks", "bench ranks --sizes 8,100KB --runs 1"} {
				o := l.Run(t, []string{asTool + "=1"}, mpitest.Group{Ranks: ranks, Args: append(strings.Fields(command), "--json")})
				_, err := oneDocument([]byte(o.Stdout))
				if o.Status != exitOK || err != nil || strings.Contains(o.Stdout, `"ok": false`) {
					t.Errorf("%s, %d ranks: status %d, %v\n%s%s", command, ranks, o.Status, err, o.Stdout, o.Stderr)
				}
			}
		}
	})
}
