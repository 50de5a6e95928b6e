package memory

import (
	"bufio"
	"bytes"
	"io/fs"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

func read() Info { return readFrom(os.DirFS("/")) }

func limit() int64 { return limitFrom(os.DirFS("/")) }

// readFrom takes the machine's numbers and lowers them to those of the tightest control group and of the process's own limits.
func readFrom(root fs.FS) Info {
	machine := fields(root, "proc/meminfo")
	info := Info{Total: machine["MemTotal"] * 1024, Available: machine["MemAvailable"] * 1024}
	for _, g := range groups(root) {
		limit, ok := number(root, path.Join(g.dir, g.limit))
		// Version 1 says "no limit" with a number near 2^63; any limit above the machine's memory is none.
		if !ok || limit <= 0 || info.Total > 0 && limit > info.Total {
			continue
		}
		info.Total = limit
		used, ok := number(root, path.Join(g.dir, g.used))
		if !ok {
			continue
		}
		// File pages that were not touched lately are given back before anything is killed.
		used -= fields(root, path.Join(g.dir, "memory.stat"))[g.cache]
		info.Available = min(info.Available, max(limit-used, 1)) // 0 would say that it is not known
	}
	if info.Available > 0 {
		info.Available = min(info.Available, limitFrom(root))
	}
	return info
}

// limitFrom is what the limits on address space and on data leave. Both count what is mapped and not what is written to: the Go heap takes
// addresses by arenas of 64 MiB, of which some lie open at a time, and matrices are given room for a fourth more than they take.
func limitFrom(root fs.FS) int64 {
	text, _ := fs.ReadFile(root, "proc/self/limits")
	status := fields(root, "proc/self/status")
	left := int64(math.MaxInt64)
	for line := range strings.Lines(string(text)) {
		for name, used := range map[string]int64{"Max address space": status["VmSize"], "Max data size": status["VmData"]} {
			words := strings.Fields(strings.TrimPrefix(line, name)) // soft, hard, unit
			if !strings.HasPrefix(line, name) || len(words) == 0 {
				continue
			}
			if soft, err := strconv.ParseInt(words[0], 10, 64); err == nil { // otherwise it is unlimited
				left = min(left, max((soft-used*1024-4*arenaBytes)/5*4, 1))
			}
		}
	}
	return left
}

// arenaBytes is what the Go heap takes of the address space at a time.
const arenaBytes = 64 << 20

// group is where one control group keeps its numbers.
type group struct{ dir, limit, used, cache string }

// groups lists the control groups that bind this process: its own and every parent's, of both versions.
func groups(root fs.FS) []group {
	var all []group
	text, _ := fs.ReadFile(root, "proc/self/cgroup")
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3) // number:controllers:path
		if len(parts) != 3 {
			continue
		}
		for dir := path.Clean("/" + parts[2]); ; dir = path.Dir(dir) {
			switch {
			case parts[1] == "":
				all = append(all, group{path.Join("sys/fs/cgroup", dir), "memory.max", "memory.current", "inactive_file"})
			case parts[1] == "memory":
				all = append(all, group{path.Join("sys/fs/cgroup/memory", dir),
					"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"})
			}
			if dir == "/" {
				break
			}
		}
	}
	return all
}

// number reads a file that holds one number; "max", and a file that is not there, are none.
func number(root fs.FS, name string) (int64, bool) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil
}

// fields reads lines of a name and a number, as /proc/meminfo and memory.stat have them. What does not parse is left out.
func fields(root fs.FS, name string) map[string]int64 {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return nil
	}
	values := map[string]int64{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 2 {
			continue
		}
		if n, err := strconv.ParseInt(words[1], 10, 64); err == nil {
			values[strings.TrimSuffix(words[0], ":")] = n
		}
	}
	return values
}
