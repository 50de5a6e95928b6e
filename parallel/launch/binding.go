package launch

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/longspan/longspan/parallel"
)

// fairShares are the cores that each rank would have if those of its host were shared evenly; 0 where they are unknown.
func fairShares(ranks []Rank) []int {
	onHost := map[string]int{}
	for _, r := range ranks {
		onHost[r.Host]++
	}
	shares := make([]int, len(ranks))
	for i, r := range ranks {
		if shares[i] = r.OfHost / onHost[r.Host]; r.OfHost > 0 {
			shares[i] = max(1, shares[i])
		}
	}
	return shares
}

// shareCores lowers the threads of ranks to their shares, unless the user has fixed them.
func shareCores(ranks []Rank) {
	for i, share := range fairShares(ranks) {
		if r := &ranks[i]; share > 0 && !r.Fixed {
			r.Threads = min(r.Threads, share)
		}
	}
}

// tightBinding warns of ranks that are bound to fewer cores than their share, or than Slurm was asked for: Open MPI binds the ranks of a
// job of one or two to a core each, and each then computes on one thread. It returns "" where all is well or nothing is known.
func tightBinding(ranks []Rank, getenv func(string) string) string {
	shares := fairShares(ranks)
	if asked, err := strconv.Atoi(getenv("SLURM_CPUS_PER_TASK")); err == nil {
		for i := range shares {
			shares[i] = min(shares[i], asked)
		}
	}
	var tight []int
	for i, r := range ranks {
		if r.Cores < shares[i] {
			tight = append(tight, i)
		}
	}
	if len(tight) == 0 {
		return ""
	}
	r, share := ranks[tight[0]], shares[tight[0]]
	return fmt.Sprintf("warning: %s: bound to %d of %d cores of host %s, where %d would be a fair share; start with mpirun --bind-to none or "+
		"--map-by ppr:%d:node:pe=%[5]d (Open MPI), or srun --cpus-per-task=%[5]d",
		parallel.RankList(tight), r.Cores, r.OfHost, r.Host, share, r.OfHost/share)
}

// hostCores is the number of cores that the job may use on this host: those of its control group, or all that are online. A launcher's
// binding is not in it. It is 0 where the system does not say.
func hostCores(read func(file string) ([]byte, error)) int {
	if group, err := read("/proc/self/cgroup"); err == nil {
		if _, name, ok := strings.Cut(string(group), "0::"); ok {
			name, _, _ = strings.Cut(name, "\n")
			if list, err := read(path.Join("/sys/fs/cgroup", name, "cpuset.cpus.effective")); err == nil {
				if n := countCores(string(list)); n > 0 {
					return n
				}
			}
		}
	}
	list, err := read("/sys/devices/system/cpu/online")
	if err != nil {
		return 0
	}
	return countCores(string(list))
}

// countCores counts a list of the kernel's, such as "0-3,8". It returns 0 for anything else.
func countCores(list string) int {
	n := 0
	for _, part := range strings.Split(strings.TrimSpace(list), ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		lo, err := strconv.ParseUint(first, 10, 20)
		if err != nil {
			return 0
		}
		hi, err := strconv.ParseUint(last, 10, 20)
		if err != nil || hi < lo {
			return 0
		}
		n += int(hi-lo) + 1
	}
	return n
}
