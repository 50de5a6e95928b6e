package hub_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/hub"
	"github.com/longspan/longspan/internal/hubtest"
)

// refuses checks the words of an error.
func refuses(t testing.TB, what string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v; want one with %q", what, err, want)
	}
}

// one is a hub with one repo of one large file.
func one(t testing.TB) *hubtest.Hub {
	t.Helper()
	h := hubtest.New(t)
	h.Add("org/model", "main", map[string]string{"model.safetensors": weights})
	return h
}

// isStorage reports whether a request goes to the storage.
func isStorage(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/blobs/") }

// send sends a beginning of the weights and cuts the connection.
func send(w http.ResponseWriter, from, to int) {
	w.Header().Set("Content-Length", strconv.Itoa(len(weights)-from))
	if from > 0 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(weights)-1, len(weights)))
		w.WriteHeader(http.StatusPartialContent)
	}
	_, _ = w.Write([]byte(weights[from:to]))
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// storage returns the ranges that the storage was asked for.
func storage(h *hubtest.Hub) (ranges []string) {
	for _, r := range h.Requests() {
		if r.Storage {
			ranges = append(ranges, r.Range)
		}
	}
	return ranges
}

// cuts cuts the first n answers of the storage after some bytes.
func cuts(n int32) func(w http.ResponseWriter, r *http.Request) bool {
	var count atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) bool {
		if isStorage(r) && count.Add(1) <= n {
			send(w, 0, 1000)
		}
		return false
	}
}

func TestACutConnectionContinues(t *testing.T) {
	h := one(t)
	h.Fault(cuts(1))
	p, n := mustPull(t, client(t, h, nil), "org/model", hub.Want{})
	if got := contents(t, p.Folder)["model.safetensors"]; got != weights || n != int64(len(weights)) {
		t.Errorf("%d bytes, %d fetched; want %d", len(got), n, len(weights))
	}
	if diff := cmp.Diff([]string{"", "bytes=1000-"}, storage(h)); diff != "" {
		t.Errorf("ranges (-want +got):\n%s", diff)
	}
}

// A later call continues where an earlier one gave up.
func TestALaterCallContinues(t *testing.T) {
	h := one(t)
	h.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		if isStorage(r) && r.Header.Get("Range") == "" {
			send(w, 0, 1000)
		}
		if isStorage(r) {
			send(w, 1000, 1000)
		}
		return false
	})
	dir := t.TempDir()
	_, _, err := pull(t, client(t, h, in(dir)), "org/model", hub.Want{})
	refuses(t, "a storage that breaks off", err, "after 5 tries: model.safetensors: the download broke off after 1000 of 1048576 bytes")
	if _, err := (hub.Cache{Dir: dir}).ResolveModel("org/model"); err == nil {
		t.Error("the revision is known before its files are here")
	}
	h.Fault(nil)
	h.Requests()
	p, n := mustPull(t, client(t, h, in(dir)), "org/model", hub.Want{})
	if n != int64(len(weights)-1000) || p.Files[0].Here != 1000 {
		t.Errorf("%d bytes fetched, %d were here; want %d and 1000", n, p.Files[0].Here, len(weights)-1000)
	}
	if diff := cmp.Diff([]string{"bytes=1000-"}, storage(h)); diff != "" {
		t.Errorf("ranges (-want +got):\n%s", diff)
	}
	if got := contents(t, p.Folder)["model.safetensors"]; got != weights {
		t.Errorf("%d other bytes", len(got))
	}
}

// partial is the path of the unfinished download of the weights.
func partial(t testing.TB, h *hubtest.Hub, dir string) string {
	t.Helper()
	p, err := client(t, h, in(dir)).Plan(t.Context(), ref(t, "org/model"), hub.Want{})
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "models--org--model", "blobs", p.Files[0].ETag+".longspan.incomplete")
}

// Kept bytes that are others, or more than the file has, are downloaded again.
func TestDamagedKeptBytes(t *testing.T) {
	for what, kept := range map[string]string{
		"others": "xxxxx", "too many": weights + "x", "all, but others": strings.Repeat("x", len(weights)),
	} {
		h := one(t)
		dir := t.TempDir()
		path := partial(t, h, dir)
		tree(t, filepath.Dir(path), map[string]string{filepath.Base(path): kept})
		p, _ := mustPull(t, client(t, h, in(dir)), "org/model", hub.Want{})
		if got := contents(t, p.Folder)["model.safetensors"]; got != weights {
			t.Errorf("%s: %d other bytes", what, len(got))
		}
		if p.Kept() != int64(len(weights)) {
			t.Errorf("%s: %d bytes kept", what, p.Kept())
		}
	}
}

func TestWrongBytes(t *testing.T) {
	for name, kind := range map[string]string{"model.safetensors": "sha256", "config.json": "git"} {
		h := hubtest.New(t)
		h.Add("org/model", "main", map[string]string{name: "right"})
		h.Fault(func(w http.ResponseWriter, r *http.Request) bool {
			wrong := isStorage(r) || r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, name) && kind == "git"
			if wrong {
				_, _ = w.Write([]byte("wrong"))
			}
			return wrong
		})
		dir := t.TempDir()
		_, _, err := pull(t, client(t, h, in(dir)), "org/model", hub.Want{})
		refuses(t, name, err, name+": the "+kind+" of the bytes is ")
		if left, _ := filepath.Glob(filepath.Join(dir, "models--org--model", "*", "*")); len(left) > 0 {
			t.Errorf("%s: %v are left", name, left)
		}
	}
}

// A file that changes between two pieces is begun again, and its hash tells that it is another one.
func TestAnETagThatChangesInBetween(t *testing.T) {
	h := one(t)
	var ranged atomic.Value
	h.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case !isStorage(r):
			return false
		case r.Header.Get("Range") == "":
			w.Header().Set("ETag", `"one"`)
			send(w, 0, 1000)
		}
		ranged.Store(r.Header.Get("If-Range"))
		w.Header().Set("ETag", `"two"`)
		_, _ = w.Write([]byte(strings.Repeat("x", len(weights))))
		return true
	})
	_, _, err := pull(t, client(t, h, nil), "org/model", hub.Want{})
	refuses(t, "another file", err, "the sha256 of the bytes is")
	if ranged.Load() != `"one"` {
		t.Errorf("If-Range is %v; want the ETag of the first answer", ranged.Load())
	}
}

func TestBadAnswersOfTheStorage(t *testing.T) {
	for what, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		want   string
	}{
		"too many bytes": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(weights + "x")) },
			"the server sends more than the 1048576 bytes"},
		"another range": {func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				send(w, 0, 1000)
			}
			w.Header().Set("Content-Range", "bytes 0-9/1048576")
			w.WriteHeader(http.StatusPartialContent)
		}, `found the Content-Range "bytes 0-9/1048576", expected bytes 1000-1048575/1048576`},
		"a refusal": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
			"the storage of org/model does not give the file; try again"},
		"no range": {func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				send(w, 0, 1000)
			}
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		}, "after 5 tries"},
		"a loop": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) },
			"more than 10 redirects"},
		"a strange scheme": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(http.StatusFound)
		}, "a redirect leads to no address on http or https"},
	} {
		h := one(t)
		h.Fault(func(w http.ResponseWriter, r *http.Request) bool {
			if isStorage(r) {
				c.answer(w, r)
			}
			return isStorage(r)
		})
		_, _, err := pull(t, client(t, h, nil), "org/model", hub.Want{})
		refuses(t, what, err, c.want)
		if err != nil && strings.Contains(err.Error(), "signature") {
			t.Errorf("%s: the error shows a signature: %v", what, err)
		}
	}
}

// A server that ignores ranges sends the file from its beginning.
func TestAServerWithoutRanges(t *testing.T) {
	h := one(t)
	h.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		if isStorage(r) && r.Header.Get("Range") == "" {
			send(w, 0, 1000)
		}
		if isStorage(r) {
			_, _ = w.Write([]byte(weights))
		}
		return isStorage(r)
	})
	p, _ := mustPull(t, client(t, h, nil), "org/model", hub.Want{})
	if got := contents(t, p.Folder)["model.safetensors"]; got != weights {
		t.Errorf("%d other bytes", len(got))
	}
}

func TestAFullDisk(t *testing.T) {
	h := one(t)
	c := client(t, h, nil)
	c.SetFree(func(string) (int64, bool) { return 1000, true })
	_, _, err := pull(t, c, "org/model", hub.Want{})
	refuses(t, "a full disk", err, "org/model: the download takes 1.00 MiB and the disk of")
	refuses(t, "a full disk", err, "has 1000 B free; free some, or choose another disk with HF_HUB_CACHE")
	if len(storage(h)) > 0 {
		t.Error("the storage was asked all the same")
	}
}

// A disk that fills up in the middle is an error that is not tried again.
func TestADiskThatFillsUp(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/dev/full is a device of Linux")
	}
	h := one(t)
	dir := t.TempDir()
	path := partial(t, h, dir)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Fatal(err)
	}
	h.Requests()
	_, _, err := pull(t, client(t, h, in(dir)), "org/model", hub.Want{})
	refuses(t, "a disk that fills up", err, "no space left on device; the 0 bytes so far are kept: free space on the disk, and pull again")
	if got := storage(h); len(got) != 1 {
		t.Errorf("the storage was asked %d times; want once", len(got))
	}
}

// An interruption keeps the bytes so far.
func TestAnInterruption(t *testing.T) {
	h := one(t)
	dir := t.TempDir()
	c := client(t, h, in(dir))
	p, err := c.Plan(t.Context(), ref(t, "org/model"), hub.Want{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	h.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		if !isStorage(r) {
			return false
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(weights)))
		_, _ = w.Write([]byte(weights[:1000]))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return true
	})
	_, err = c.Fetch(ctx, p, func(p hub.Progress) {
		if p.Done > 0 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || p.Kept() != 1000 {
		t.Errorf("error %v, %d bytes kept; want %v and 1000", err, p.Kept(), context.Canceled)
	}
}
