package mpi

import (
	"fmt"
	"os"
	"strconv"
)

// sizes are the variables in which launchers say how many ranks they start. The first that is set counts: mpirun within a job of Slurm
// starts its own daemons by srun, and the ranks see the number of those too.
var sizes = []string{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}

// Off is the value of LONGSPAN_MPI with which each process is a run of its own.
const Off = "off"

// Launched returns how many ranks the launcher has started, and the variable that says so. Without a launcher, or with LONGSPAN_MPI=off,
// it is one rank. It needs no build tag.
func Launched() (variable string, ranks int) { return launched(os.Getenv) }

func launched(getenv func(string) string) (variable string, ranks int) {
	if getenv("LONGSPAN_MPI") == Off {
		return "", 1
	}
	for _, name := range sizes {
		if n, err := strconv.Atoi(getenv(name)); err == nil && n > 0 {
			return name, n
		}
	}
	return "", 1
}

// candidates are the files of libraries, in the order in which they are tried: first those that the launcher belongs to. A library of
// another launcher would see one rank.
func candidates(getenv func(string) string) []string {
	if file := getenv("LONGSPAN_MPI"); file != "" {
		return []string{file}
	}
	open, mpich := []string{"libmpi.so.40"}, []string{"libmpi.so.12", "libmpich.so.12"}
	standard := []string{"libmpi_abi.so.1", "libmpi_abi.so.0"}
	if name, _ := launched(getenv); name == "PMI_SIZE" { // MPICH's mpiexec, and srun --mpi=pmi2
		return append(append(mpich, standard...), open...)
	}
	return append(append(open, standard...), mpich...)
}

// checkSize refuses a library that sees other ranks than the launcher has started: each of them would be rank 0 of a run of its own.
func checkSize(getenv func(string) string, version string, size int) error {
	name, ranks := launched(getenv)
	if name == "" || ranks == size {
		return nil
	}
	how := "set LONGSPAN_MPI to the library of the launcher, or use the launcher of the library"
	if name == "SLURM_STEP_NUM_TASKS" {
		how = "try srun --mpi=pmix or srun --mpi=pmi2, or set LONGSPAN_MPI to the library that Slurm was built for"
	}
	return fmt.Errorf("mpi: the launcher has started %d ranks (%s), but %s sees %d: it belongs to another launcher; %s", ranks, name,
		version, size, how)
}
