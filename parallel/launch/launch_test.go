package launch

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/longspan/longspan/parallel"
)

// alone clears the variables of launchers.
func alone(t *testing.T) {
	for _, name := range []string{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS", "LONGSPAN_MPI"} {
		t.Setenv(name, "")
	}
}

func TestOpenAlone(t *testing.T) {
	alone(t)
	w, err := Open(Options{Config: []Setting{{"b", "2"}, {"a", "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	if w.Size() != 1 || len(w.Ranks) != 1 || w.Library != "" {
		t.Errorf("got %d ranks, %+v, library %q, expected one rank without a library", w.Size(), w.Ranks, w.Library)
	}
	r := w.Ranks[0]
	if !strings.HasPrefix(r.Program, "sha256 ") || r.Level == "" || r.Threads < 1 || r.Cores < 1 || r.Config[0].Key != "a" {
		t.Errorf("the rank says of itself %+v", r)
	}
	w.SetPatience(1)
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Open(Options{Config: []Setting{{"a", "2"}, {"a", "1"}}}); err == nil || !strings.Contains(err.Error(), `setting "a" twice`) {
		t.Errorf("a setting twice: got %v", err)
	}
	if _, err := Open(Options{Config: []Setting{{"a", strings.Repeat("x", 2<<20)}}}); err == nil || !strings.Contains(err.Error(), "expected at most 1048576") {
		t.Errorf("long settings: got %v", err)
	}
}

func TestRunAlone(t *testing.T) {
	alone(t)
	full := errors.New("the disk is full")
	if err := Run(Options{}, func(*World) error { return full }); !errors.Is(err, full) {
		t.Errorf("got %v, expected the function's error", err)
	}
	defer func() {
		if p := recover(); p != full {
			t.Errorf("recovered %v, expected the function's panic", p)
		}
	}()
	_ = Run(Options{}, func(*World) error { panic(full) })
}

// TestOff checks that a rank of a launcher may be told to run alone.
func TestOff(t *testing.T) {
	alone(t)
	t.Setenv("PMI_SIZE", "4")
	t.Setenv("LONGSPAN_MPI", "off")
	w, err := Open(Options{})
	if err != nil || w.Size() != 1 {
		t.Errorf("got %+v, %v, expected one rank", w, err)
	}
}

// greetAll has ranks of this process greet each other.
func greetAll(t *testing.T, selves []Rank) [][]Rank {
	t.Helper()
	all, errs := make([][]Rank, len(selves)), make([]error, len(selves))
	var wait sync.WaitGroup
	for i, e := range parallel.Local(len(selves)) {
		wait.Go(func() { all[i], errs[i] = greet(e, selves[i]) })
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDifferences(t *testing.T) {
	same := Rank{Host: "h0", Program: "sha256 1", Level: "avx512", Config: []Setting{{"steps", "10"}, {"width", "64"}}}
	change := func(host string, f func(r *Rank)) Rank {
		r := same
		r.Host = host
		f(&r)
		return r
	}
	for name, c := range map[string]struct {
		ranks []Rank
		want  []string
	}{
		"equal": {[]Rank{same, change("h1", func(r *Rank) { r.Threads = 3 })}, nil},
		"program": {[]Rank{same, same, change("h1", func(r *Rank) { r.Program = "sha256 2" })},
			[]string{"the ranks run different programs: sha256 1 on ranks 0, 1 (host h0), sha256 2 on rank 2 (host h1); start the same file on all hosts"}},
		"level": {[]Rank{same, change("h1", func(r *Rank) { r.Level = "avx512bf16" }), change("h2", func(r *Rank) { r.Level = "avx2" })},
			[]string{"bits differ between levels: avx512 on rank 0 (host h0), avx512bf16 on rank 1 (host h1), avx2 on rank 2 (host h2); set LONGSPAN_CPU=avx2 for all"}},
		"setting": {[]Rank{same, change("h1", func(r *Rank) { r.Config = []Setting{{"steps", "10"}, {"width", "32"}} })},
			[]string{`the ranks have different values of width: "64" on rank 0 (host h0), "32" on rank 1 (host h1); start all ranks with the same`}},
		"missing": {[]Rank{change("h1", func(r *Rank) { r.Config = r.Config[1:] }), same},
			[]string{`different values of steps: nothing on rank 0 (host h1), "10" on rank 1 (host h0)`}},
		"both": {[]Rank{same, change("h1", func(r *Rank) { r.Level, r.Program = "generic", "x" })}, []string{"different programs", "LONGSPAN_CPU=generic"}},
	} {
		for rank, ranks := range greetAll(t, c.ranks) {
			got := differences(ranks)
			if (got == "") != (c.want == nil) {
				t.Errorf("%s, rank %d: got %q", name, rank, got)
			}
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%s, rank %d: got %q, expected %q", name, rank, got, want)
				}
			}
		}
	}
}

func TestManyDifferences(t *testing.T) {
	var ranks []Rank
	for i := range 6 {
		r := Rank{Host: "h", Program: "p", Level: "avx2"}
		for _, key := range strings.Split("abcdefg", "") {
			r.Config = append(r.Config, Setting{key, strings.Repeat("x", i)})
		}
		ranks = append(ranks, r)
	}
	got := differences(ranks)
	if strings.Count(got, "\n") != 5 || !strings.Contains(got, "2 more values") || !strings.Contains(got, "2 more settings differ") {
		t.Errorf("got %s", got)
	}
}

// TestOtherHello checks that a rank with another form of introduction is refused.
func TestOtherHello(t *testing.T) {
	engines := parallel.Local(2)
	for name, c := range map[string]struct {
		length uint32
		text   string
		want   string
	}{
		"long":  {1 << 30, "", "rank 1 wants to send 1073741824 bytes, expected at most 1048576; start the same program on all hosts"},
		"words": {5, "hello", "rank 1 introduces itself in another form"},
	} {
		engines = parallel.Local(2)
		var wait sync.WaitGroup
		wait.Go(func() {
			lengths := [][]uint32{{0}, {c.length}}
			_ = parallel.AllGather(engines[1], "the start of the run", lengths)
			if c.text != "" {
				_ = parallel.AllGather(engines[1], "the introduction", [][]byte{make([]byte, lengths[0][0]), []byte(c.text)})
			}
		})
		_, err := greet(engines[0], Rank{})
		wait.Wait()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, expected %q", name, err, c.want)
		}
	}
}

func TestTightBinding(t *testing.T) {
	rank := func(host string, cores, of int) Rank { return Rank{Host: host, Cores: cores, OfHost: of} }
	for _, c := range []struct {
		ranks []Rank
		asked string
		want  string // "" for no warning
	}{
		{[]Rank{rank("h0", 64, 64), rank("h1", 64, 64)}, "", ""},
		{[]Rank{rank("h0", 32, 64), rank("h0", 32, 64)}, "", ""},
		{[]Rank{rank("h0", 1, 2), rank("h0", 1, 2), rank("h0", 1, 2)}, "", ""},
		{[]Rank{rank("h0", 1, 0)}, "", ""}, // unknown
		{[]Rank{rank("h0", 4, 64), rank("h0", 4, 64)}, "4", ""},
		{[]Rank{rank("h0", 2, 64), rank("h0", 2, 64)}, "4", "ranks 0, 1: bound to 2 of 64 cores of host h0"},
		{[]Rank{rank("h1", 64, 64), rank("h0", 1, 64), rank("h0", 1, 64)}, "",
			"warning: ranks 1, 2: bound to 1 of 64 cores of host h0, where 32 would be a fair share; start with mpirun --bind-to none or --map-by ppr:2:node:pe=32"},
	} {
		got := tightBinding(c.ranks, func(string) string { return c.asked })
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%+v: got %q, expected %q", c.ranks, got, c.want)
		}
	}
}

func TestShareCores(t *testing.T) {
	ranks := []Rank{
		{Host: "h0", Threads: 64, OfHost: 64}, {Host: "h0", Threads: 64, OfHost: 64, Fixed: true}, {Host: "h0", Threads: 8, OfHost: 64},
		{Host: "h1", Threads: 2, OfHost: 1}, {Host: "h1", Threads: 2, OfHost: 1}, {Host: "h2", Threads: 3},
	}
	shareCores(ranks)
	for i, want := range []int{21, 64, 8, 1, 1, 3} {
		if ranks[i].Threads != want {
			t.Errorf("rank %d has %d threads, expected %d", i, ranks[i].Threads, want)
		}
	}
}

func TestHostCores(t *testing.T) {
	for _, c := range []struct {
		files map[string]string
		want  int
	}{
		{map[string]string{"/proc/self/cgroup": "0::/job\n", "/sys/fs/cgroup/job/cpuset.cpus.effective": "0-3,8\n"}, 5},
		{map[string]string{"/proc/self/cgroup": "0::/\n", "/sys/devices/system/cpu/online": "0-63\n"}, 64},
		{map[string]string{"/proc/self/cgroup": "1:cpu:/x\n", "/sys/devices/system/cpu/online": "0\n"}, 1},
		{map[string]string{"/sys/devices/system/cpu/online": "3-1"}, 0},
		{map[string]string{"/sys/devices/system/cpu/online": "all"}, 0},
		{nil, 0},
	} {
		read := func(name string) ([]byte, error) {
			if text, ok := c.files[name]; ok {
				return []byte(text), nil
			}
			return nil, os.ErrNotExist
		}
		if got := hostCores(read); got != c.want {
			t.Errorf("%v: got %d, expected %d", c.files, got, c.want)
		}
	}
}

func FuzzCountCores(f *testing.F) {
	for _, text := range []string{"0-3,8", "", "1", "5-", "0-1048575", "1,,2"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n := countCores(text); n < 0 {
			t.Errorf("%q: %d cores", text, n)
		}
	})
}
