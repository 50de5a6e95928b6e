package mpi

import (
	"fmt"
	"strings"
	"testing"
)

func variables(pairs ...string) func(string) string {
	return func(name string) string {
		for _, p := range pairs {
			if v, ok := strings.CutPrefix(p, name+"="); ok {
				return v
			}
		}
		return ""
	}
}

func TestLaunched(t *testing.T) {
	for _, c := range []struct {
		variables []string
		want      string
	}{
		{nil, " 1"},
		{[]string{"OMPI_COMM_WORLD_SIZE=4", "SLURM_STEP_NUM_TASKS=2"}, "OMPI_COMM_WORLD_SIZE 4"},
		{[]string{"PMI_SIZE=3", "SLURM_STEP_NUM_TASKS=2"}, "PMI_SIZE 3"},
		{[]string{"SLURM_STEP_NUM_TASKS=2"}, "SLURM_STEP_NUM_TASKS 2"},
		{[]string{"PMI_SIZE=none"}, " 1"},
		{[]string{"PMI_SIZE=-1"}, " 1"},
		{[]string{"PMI_SIZE=3", "LONGSPAN_MPI=off"}, " 1"},
		{[]string{"PMI_SIZE=3", "LONGSPAN_MPI=/opt/libmpi.so"}, "PMI_SIZE 3"},
	} {
		if name, n := launched(variables(c.variables...)); fmt.Sprint(name, " ", n) != c.want {
			t.Errorf("%v: got %s %d, expected %s", c.variables, name, n, c.want)
		}
	}
}

func TestCandidates(t *testing.T) {
	for _, c := range []struct {
		variables []string
		want      string
	}{
		{nil, "libmpi.so.40"},
		{[]string{"OMPI_COMM_WORLD_SIZE=4", "PMI_SIZE=4"}, "libmpi.so.40"},
		{[]string{"PMI_SIZE=4"}, "libmpi.so.12"},
		{[]string{"PMI_SIZE=4", "LONGSPAN_MPI=/opt/libmpi.so"}, "/opt/libmpi.so"},
	} {
		all := candidates(variables(c.variables...))
		if all[0] != c.want {
			t.Errorf("%v: got %v, expected %s first", c.variables, all, c.want)
		}
		if c.want != "/opt/libmpi.so" && len(all) != 5 {
			t.Errorf("%v: got %v, expected all five libraries", c.variables, all)
		}
	}
}

func TestCheckSize(t *testing.T) {
	for _, c := range []struct {
		variables []string
		size      int
		want      string // of the error; "": none
	}{
		{nil, 1, ""},
		{nil, 4, ""}, // a launcher without a variable
		{[]string{"OMPI_COMM_WORLD_SIZE=4"}, 4, ""},
		{[]string{"OMPI_COMM_WORLD_SIZE=4"}, 1, "started 4 ranks (OMPI_COMM_WORLD_SIZE), but MPICH 4 sees 1: it belongs to another launcher; set LONGSPAN_MPI"},
		{[]string{"SLURM_STEP_NUM_TASKS=4"}, 1, "srun --mpi=pmix"},
	} {
		err := checkSize(variables(c.variables...), "MPICH 4", c.size)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, %d: got %v, expected %q", c.variables, c.size, err, c.want)
		}
	}
}
