//go:build mpi && linux && (amd64 || arm64)

package mpi

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/longspan/longspan/internal/mpitest"
)

// hosts are network namespaces that stand for hosts: each has a name of its own and a cable to one switch.
type hosts struct {
	t     *testing.T
	names []string
	sw    string // the namespace of the switch
	dir   string
}

// ip runs the command ip.
func (h *hosts) ip(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// newHosts makes n hosts, or skips the test where the system does not allow namespaces.
func newHosts(t *testing.T, n int) *hosts {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("namespaces as hosts need root")
	}
	h := &hosts{t: t, sw: fmt.Sprintf("ls%d-switch", os.Getpid()), dir: t.TempDir()}
	t.Cleanup(h.remove)
	if err := h.ip("netns", "add", h.sw); err != nil {
		t.Skipf("no namespaces here: %v", err)
	}
	commands := [][]string{{"-n", h.sw, "link", "add", "br0", "type", "bridge"}, {"-n", h.sw, "link", "set", "br0", "up"}}
	for i := range n {
		name := fmt.Sprintf("ls%d-h%d", os.Getpid(), i)
		h.names = append(h.names, name)
		commands = append(commands,
			[]string{"netns", "add", name},
			[]string{"-n", name, "link", "set", "lo", "up"},
			[]string{"-n", name, "link", "add", "cable", "type", "veth", "peer", "name", h.port(i), "netns", h.sw},
			[]string{"-n", name, "addr", "add", fmt.Sprintf("198.18.7.%d/24", 10+i), "dev", "cable"},
			[]string{"-n", name, "link", "set", "cable", "up"},
			[]string{"-n", h.sw, "link", "set", h.port(i), "master", "br0", "up"})
	}
	for _, c := range commands {
		if err := h.ip(c...); err != nil {
			t.Skipf("no namespaces here: %v", err)
		}
	}
	return h
}

// port is the switch's end of the cable of host i.
func (h *hosts) port(i int) string { return fmt.Sprintf("port%d", i) }

// remove ends what runs on the hosts, and removes them.
func (h *hosts) remove() {
	for _, name := range append([]string{h.sw}, h.names...) {
		for _, pid := range h.processes(name) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		_ = h.ip("netns", "del", name)
	}
}

// processes are those that run on a host.
func (h *hosts) processes(name string) (pids []int) {
	out, _ := exec.Command("ip", "netns", "pids", name).Output()
	for _, text := range strings.Fields(string(out)) {
		pid := 0
		if _, err := fmt.Sscan(text, &pid); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// ranks counts the ranks that run on the hosts.
func (h *hosts) ranks(program string) (n int) {
	for _, name := range h.names {
		for _, pid := range h.processes(name) {
			if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil && exe == program {
				n++
			}
		}
	}
	return n
}

// mpirun is a command of Open MPI's mpirun on the first host that starts a rank on each.
func (h *hosts) mpirun(l mpitest.Launcher, script string) *exec.Cmd {
	h.t.Helper()
	program, err := os.Executable()
	if err != nil {
		h.t.Fatal(err)
	}
	// mpirun starts its daemons by this in place of ssh: AGENT HOST COMMAND…
	agent := filepath.Join(h.dir, "agent")
	text := "#!/bin/sh\nhost=$1\nshift\nexec ip netns exec $host unshare -u sh -c \"hostname $host; $*\"\n"
	hostfile := filepath.Join(h.dir, "hosts")
	for name, file := range map[string][]byte{agent: []byte(text), hostfile: []byte(strings.Join(h.names, " slots=1\n") + " slots=1\n")} {
		if err := os.WriteFile(name, file, 0o700); err != nil {
			h.t.Fatal(err)
		}
	}
	args := append(append([]string{}, l.Args...), "--hostfile", hostfile, "--mca", "plm_rsh_agent", agent, "--mca", "btl", "tcp,self",
		"-x", asRank+"="+script, "-n", fmt.Sprint(len(h.names)), program)
	c := exec.Command("ip", append([]string{"netns", "exec", h.names[0], "unshare", "-u", "sh", "-c",
		"hostname " + h.names[0] + `; exec "$0" "$@"`, l.Path}, args...)...)
	c.Env = os.Environ()
	c.WaitDelay = time.Second // its daemons keep its output open
	return c
}

// watched is output that a test waits for.
type watched struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// until waits until f holds, for at most half a minute.
func until(f func() bool) bool {
	for range 3000 {
		if f() {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// TestHosts runs ranks on hosts of their own: they have the bits of goroutines, and a cable that is pulled ends all ranks.
func TestHosts(t *testing.T) {
	t.Parallel()
	for _, l := range mpitest.Launchers(t) {
		if l.Hydra() || l.Library != "" {
			continue
		}
		h := newHosts(t, 3)
		var output watched
		c := h.mpirun(l, "checks")
		c.Stdout, c.Stderr = &output, &output
		if err := c.Run(); err != nil {
			t.Fatalf("%v\n%s", err, &output)
		}
		for _, want := range expected(t, 3, 0, 2) {
			if !strings.Contains(output.String(), want) {
				t.Errorf("expected %s in\n%s", want, &output)
			}
		}
		h.pullCable(l)
		return
	}
	t.Skip("no mpirun of Open MPI here")
}

// pullCable pulls the cable of the last host while ranks compute, and checks that all of them end with a message that names its rank.
func (h *hosts) pullCable(l mpitest.Launcher) {
	t := h.t
	var output watched
	c := h.mpirun(l, "cable")
	c.Stdout, c.Stderr = &output, &output
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if !until(func() bool { return strings.Contains(output.String(), "all are at work") }) {
		t.Fatalf("the ranks do not work:\n%s", &output)
	}
	if err := h.ip("-n", h.sw, "link", "set", h.port(2), "down"); err != nil {
		t.Fatal(err)
	}
	pulled := time.Now()
	// mpirun itself goes on: it waits for its daemon on the lost host.
	if !until(func() bool { return h.ranks(program) == 0 }) {
		t.Errorf("%d ranks run on without the cable", h.ranks(program))
	}
	t.Logf("all ranks ended %.1f s after the cable was pulled, with a patience of %v", time.Since(pulled).Seconds(), shortPatience)
	if text := output.String(); !strings.Contains(text, "nothing came from rank 2") || !strings.Contains(text, " on "+h.names[0]+": ") {
		t.Errorf("expected the missing rank and the host in\n%s", text)
	}
	_ = c.Process.Kill()
	_ = c.Wait()
}
