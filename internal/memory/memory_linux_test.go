package memory

import (
	"strings"
	"testing"
	"testing/fstest"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

const meminfo = "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    600 kB\nHugePages_Total:       0\n"

func limits(addresses, data string) string {
	return "Limit                     Soft Limit           Hard Limit           Units     \n" +
		"Max data size             " + data + "   unlimited            bytes     \n" +
		"Max address space         " + addresses + "   unlimited            bytes     \n"
}

func TestReadFrom(t *testing.T) {
	for _, c := range []struct {
		name  string
		files fstest.MapFS
		want  Info
	}{
		{"nothing to read", fstest.MapFS{}, Info{}},
		{"the machine alone", fstest.MapFS{"proc/meminfo": file(meminfo)}, Info{1024000, 614400}},
		{"version 2, the parent is the tighter", fstest.MapFS{
			"proc/meminfo":                       file(meminfo),
			"proc/self/cgroup":                   file("0::/a/b\n"),
			"sys/fs/cgroup/a/b/memory.max":       file("max\n"),
			"sys/fs/cgroup/a/memory.max":         file("500000\n"),
			"sys/fs/cgroup/a/memory.current":     file("300000\n"),
			"sys/fs/cgroup/a/memory.stat":        file("anon 1\ninactive_file 100000\n"),
			"sys/fs/cgroup/unrelated/memory.max": file("1\n"),
		}, Info{500000, 300000}},
		{"version 1 without a limit", fstest.MapFS{
			"proc/meminfo":     file(meminfo),
			"proc/self/cgroup": file("4:memory:/x\n0::/\n"),
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": file("9223372036854771712\n"),
			"sys/fs/cgroup/memory/x/memory.usage_in_bytes": file("5000\n"),
		}, Info{1024000, 614400}},
		{"version 1, over its limit", fstest.MapFS{
			"proc/meminfo":     file(meminfo),
			"proc/self/cgroup": file("4:memory:/x\n"),
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": file("4000\n"),
			"sys/fs/cgroup/memory/x/memory.usage_in_bytes": file("5000\n"),
		}, Info{4000, 1}},
		{"a limit on addresses", fstest.MapFS{
			"proc/meminfo":     file(strings.ReplaceAll(meminfo, " kB", "000 kB")),
			"proc/self/limits": file(limits("419430400", "unlimited")),
			"proc/self/status": file("VmSize:   51200 kB\nVmData:  999999 kB\n"),
		}, Info{1024000000, (400 - 50 - 256) << 20 / 5 * 4}},
		{"a limit on data, passed", fstest.MapFS{
			"proc/meminfo":     file(meminfo),
			"proc/self/limits": file(limits("unlimited", "1000000")),
			"proc/self/status": file("VmData:  2000 kB\n"),
		}, Info{1024000, 1}},
		{"no limits", fstest.MapFS{"proc/meminfo": file(meminfo), "proc/self/limits": file(limits("unlimited", "unlimited"))},
			Info{1024000, 614400}},
	} {
		if got := readFrom(c.files); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}
