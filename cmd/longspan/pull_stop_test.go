//go:build unix

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/longspan/longspan/internal/hubtest"
)

// unfinished is the size of the unfinished download of a cache.
func unfinished(cache string) int64 {
	found, err := filepath.Glob(filepath.Join(cache, "*", "blobs", "*.incomplete"))
	if err != nil || len(found) == 0 {
		return 0
	}
	info, err := os.Stat(found[0])
	if err != nil {
		return 0
	}
	return info.Size()
}

// Ctrl-C keeps the bytes so far and says so; the same command continues.
func TestPullStopsAndContinues(t *testing.T) {
	h := someHub(t)
	sent := make(chan bool)
	h.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/blobs/") {
			return false
		}
		w.Header().Set("Content-Length", "2048")
		_, _ = w.Write([]byte(strings.Repeat("w", 1000)))
		_ = http.NewResponseController(w).Flush()
		close(sent)
		<-r.Context().Done()
		return true
	})
	cache := t.TempDir()
	useHub(t, h, cache)
	p := startTool(t, "1", nil, "pull", "org/encoder")
	<-sent
	for unfinished(cache) != 1000 { // until the bytes are on the disk
		time.Sleep(5 * time.Millisecond)
	}
	p.signal(syscall.SIGINT)
	if status := p.wait(); status != exitFailed {
		t.Errorf("exit status %d; want %d", status, exitFailed)
	}
	if got := p.stdout.String(); !strings.Contains(got, " of 2.00 KiB are kept, and the same command continues") {
		t.Errorf("the output is %q", got)
	}
	h.Fault(nil)
	h.Requests()
	p = startTool(t, "1", nil, "pull", "org/encoder")
	if status := p.wait(); status != exitOK {
		t.Errorf("exit status %d, output %q", status, p.stdout.String())
	}
	for _, r := range h.Requests() {
		if r.Storage && r.Range != "bytes=1000-" {
			t.Errorf("the second command asks for the range %q; want bytes=1000-", r.Range)
		}
	}
}

// Two processes that pull one repo download each file once.
func TestTwoPullsAtOnce(t *testing.T) {
	h := someHub(t)
	release := make(chan bool)
	h.Fault(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/blobs/") {
			<-release
		}
		return false
	})
	useHub(t, h, t.TempDir())
	one := startTool(t, "1", nil, "pull", "org/encoder")
	for !slices.ContainsFunc(h.Requests(), func(r hubtest.Request) bool { return r.Storage }) {
		time.Sleep(5 * time.Millisecond)
	}
	two := startTool(t, "1", nil, "pull", "org/encoder")
	two.await("another process downloads model.safetensors; waiting for it")
	close(release)
	for _, p := range []*tool{one, two} {
		if status := p.wait(); status != exitOK {
			t.Errorf("exit status %d, output %q", status, p.stdout.String())
		}
	}
	for _, r := range h.Requests() {
		if r.Storage {
			t.Errorf("the storage was asked again: %+v", r)
		}
	}
}
