package hub_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/hub"
	"github.com/longspan/longspan/internal/hubtest"
)

// weights are larger than a buffer of the network, so that a connection can be cut in the middle of them.
var weights = strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB

// encoder are the files of a small repo.
func encoder() map[string]string {
	return map[string]string{
		"README.md": "# a model", "config.json": "{}", "1_Pooling/config.json": `{"p": 1}`, "empty.txt": "", "model.safetensors": weights,
		"same.safetensors": weights,
	}
}

// client is a client of a test's hub with a new cache. It does not pause between tries.
func client(t testing.TB, h *hubtest.Hub, change func(*hub.Config)) *hub.Client {
	t.Helper()
	config := hub.Config{Endpoint: h.URL, Cache: filepath.Join(t.TempDir(), "cache"), Agent: "longspan/test"}
	if change != nil {
		change(&config)
	}
	c, err := hub.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	c.SetPause(func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) })
	return c
}

// in sets the cache of a client.
func in(dir string) func(*hub.Config) { return func(c *hub.Config) { c.Cache = dir } }

func ref(t testing.TB, text string) hub.Ref {
	t.Helper()
	r, err := hub.ParseRef(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// pull plans and fetches.
func pull(t testing.TB, c *hub.Client, text string, w hub.Want) (*hub.Plan, int64, error) {
	t.Helper()
	p, err := c.Plan(t.Context(), ref(t, text), w)
	if err != nil {
		return nil, 0, err
	}
	n, err := c.Fetch(t.Context(), p, nil)
	return p, n, err
}

// mustPull is pull without an error.
func mustPull(t testing.TB, c *hub.Client, text string, w hub.Want) (*hub.Plan, int64) {
	t.Helper()
	p, n, err := pull(t, c, text, w)
	if err != nil {
		t.Fatal(err)
	}
	return p, n
}

// contents are the files below a folder; those of the state of downloads are left out.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		if !strings.HasPrefix(name, ".cache") {
			got[filepath.ToSlash(name)] = string(b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// wanted are the files of encoder that a model needs.
func wanted() map[string]string {
	files := encoder()
	delete(files, "README.md")
	return files
}

func TestFetchWritesTheLayoutOfTheCache(t *testing.T) {
	h := hubtest.New(t)
	commit := h.Add("org/model", "main", encoder())
	dir := t.TempDir()
	c := client(t, h, in(dir))
	p, n := mustPull(t, c, "org/model", hub.Want{})
	if p.Commit != commit || p.Folder != filepath.Join(dir, "models--org--model", "snapshots", commit) {
		t.Errorf("commit %s, folder %s", p.Commit, p.Folder)
	}
	if diff := cmp.Diff(wanted(), contents(t, p.Folder)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if want := int64(len(weights)) + 2 + 8; n != want { // the same weights come once
		t.Errorf("%d bytes fetched; want %d", n, want)
	}
	link, err := os.Readlink(filepath.Join(p.Folder, "1_Pooling", "config.json"))
	if want := filepath.Join("..", "..", "..", "blobs", hubtest.GitHash(`{"p": 1}`)); err != nil || link != want {
		t.Errorf("link to %s, %v; want %s", link, err, want)
	}
	for name, want := range map[string]string{
		"models--org--model/refs/main": commit, "CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55",
	} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.HasPrefix(string(b), want) {
			t.Errorf("%s has %q, %v; want %q", name, b, err, want)
		}
	}
	if entries, _ := filepath.Glob(filepath.Join(dir, "models--org--model", "blobs", "*")); len(entries) != 4 {
		t.Errorf("blobs %v; want 4", entries)
	}
	if got, err := (hub.Cache{Dir: dir}).ResolveModel("org/model"); err != nil || got != p.Folder {
		t.Errorf("resolved to %s, %v; want %s", got, err, p.Folder)
	}
}

// What is here is not asked for again, and a lost link is made again.
func TestFetchTwice(t *testing.T) {
	h := hubtest.New(t)
	h.Add("org/model", "main", encoder())
	c := client(t, h, nil)
	p, _ := mustPull(t, c, "org/model", hub.Want{})
	if err := os.Remove(filepath.Join(p.Folder, "config.json")); err != nil {
		t.Fatal(err)
	}
	h.Requests()
	p, n := mustPull(t, c, "org/model", hub.Want{})
	if all, here := p.Bytes(); n != 0 || all != here {
		t.Errorf("%d bytes fetched, %d of %d here", n, here, all)
	}
	for _, r := range h.Requests() {
		if r.Storage || r.Method == "GET" && !strings.HasPrefix(r.Path, "/api/") {
			t.Errorf("asked for %s %s again", r.Method, r.Path)
		}
	}
	if diff := cmp.Diff(wanted(), contents(t, p.Folder)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// A new commit shares the blobs that have not changed, and the old snapshot stays.
func TestFetchANewCommit(t *testing.T) {
	h := hubtest.New(t)
	old := h.Add("org/model", "main", encoder())
	c := client(t, h, nil)
	mustPull(t, c, "org/model", hub.Want{})
	files := encoder()
	files["config.json"] = `{"new": true}`
	h.Add("org/model", "main", files)
	p, n := mustPull(t, c, "org/model", hub.Want{})
	if n != int64(len(files["config.json"])) {
		t.Errorf("%d bytes fetched; want %d", n, len(files["config.json"]))
	}
	delete(files, "README.md")
	if diff := cmp.Diff(files, contents(t, p.Folder)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wanted(), contents(t, filepath.Join(filepath.Dir(p.Folder), old))); diff != "" {
		t.Errorf("files of the old commit (-want +got):\n%s", diff)
	}
}

func TestFetchRevisions(t *testing.T) {
	h := hubtest.New(t)
	commit := h.Add("org/model", "refs/pr/7", map[string]string{"config.json": "7"})
	h.Add("org/model", "main", map[string]string{"config.json": "main"})
	dir := t.TempDir()
	c := client(t, h, in(dir))
	for _, revision := range []string{"refs/pr/7", commit} {
		p, _ := mustPull(t, c, "org/model@"+revision, hub.Want{})
		if got := contents(t, p.Folder)["config.json"]; got != "7" {
			t.Errorf("%s: config.json has %q", revision, got)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "models--org--model", "refs", "refs", "pr", "7")); err != nil || string(b) != commit {
		t.Errorf("the ref has %q, %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "models--org--model", "refs", commit)); err == nil {
		t.Error("a commit has a ref")
	}
}

func TestFetchARenamedRepo(t *testing.T) {
	h := hubtest.New(t)
	h.Add("new/name", "main", encoder())
	h.Rename("old/name", "new/name")
	p, _ := mustPull(t, client(t, h, nil), "old/name", hub.Want{})
	if diff := cmp.Diff(wanted(), contents(t, p.Folder)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if !strings.Contains(p.Folder, "models--old--name") || !strings.Contains(strings.Join(p.Notes, "\n"), "calls old/name new/name now") {
		t.Errorf("folder %s, notes %q", p.Folder, p.Notes)
	}
}

// Without symbolic links a snapshot has the files themselves.
func TestFetchWithoutLinks(t *testing.T) {
	h := hubtest.New(t)
	h.Add("org/model", "main", encoder())
	c := client(t, h, func(c *hub.Config) { c.CopyFiles = true })
	p, _ := mustPull(t, c, "org/model", hub.Want{})
	if diff := cmp.Diff(wanted(), contents(t, p.Folder)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if info, err := os.Lstat(filepath.Join(p.Folder, "model.safetensors")); err != nil || !info.Mode().IsRegular() {
		t.Errorf("model.safetensors: %v, %v; want a file", info, err)
	}
	if _, n := mustPull(t, c, "org/model", hub.Want{}); n != 0 {
		t.Errorf("%d bytes fetched again", n)
	}
}

func TestFetchIntoAFolder(t *testing.T) {
	h := hubtest.New(t)
	h.Add("org/model", "main", encoder())
	c := client(t, h, nil)
	dir := t.TempDir()
	p, _ := mustPull(t, c, "org/model", hub.Want{Folder: dir})
	if diff := cmp.Diff(wanted(), contents(t, dir)); diff != "" || p.Folder != dir {
		t.Errorf("folder %s, files (-want +got):\n%s", p.Folder, diff)
	}
	if _, n := mustPull(t, c, "org/model", hub.Want{Folder: dir}); n != 0 {
		t.Errorf("%d bytes fetched again", n)
	}
	// A file that the hub has changed is replaced.
	files := encoder()
	files["config.json"] = "[]"
	h.Add("org/model", "main", files)
	mustPull(t, c, "org/model", hub.Want{Folder: dir})
	if got := contents(t, dir)["config.json"]; got != "[]" {
		t.Errorf("config.json has %q", got)
	}
	// A file that the user has written is not.
	tree(t, dir, map[string]string{"config.json": "my own"})
	if err := os.RemoveAll(filepath.Join(dir, ".cache")); err != nil {
		t.Fatal(err)
	}
	_, _, err := pull(t, c, "org/model", hub.Want{Folder: dir})
	refuses(t, "a file of the user's", err, "config.json is there already and differs")
	if got := contents(t, dir)["config.json"]; got != "my own" {
		t.Errorf("config.json has %q", got)
	}
}

// Two clients at once download each file once.
func TestFetchAtOnce(t *testing.T) {
	h := hubtest.New(t)
	h.Add("org/model", "main", map[string]string{"model.safetensors": weights})
	dir := t.TempDir()
	var total int64
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 4 {
		c := client(t, h, in(dir))
		group.Go(func() {
			p, err := c.Plan(t.Context(), hub.Ref{Repo: "org/model", Revision: "main"}, hub.Want{})
			if err != nil {
				t.Error(err)
				return
			}
			n, err := c.Fetch(t.Context(), p, nil)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			total += n
			mu.Unlock()
		})
	}
	group.Wait()
	if total != int64(len(weights)) {
		t.Errorf("%d bytes fetched; want %d", total, len(weights))
	}
}

func TestProgress(t *testing.T) {
	h := hubtest.New(t)
	h.Add("org/model", "main", encoder())
	c := client(t, h, nil)
	p, err := c.Plan(t.Context(), ref(t, "org/model"), hub.Want{})
	if err != nil {
		t.Fatal(err)
	}
	var last hub.Progress
	if _, err := c.Fetch(t.Context(), p, func(p hub.Progress) {
		if p.Done < last.Done || p.Done > p.Total {
			t.Errorf("%d of %d after %d", p.Done, p.Total, last.Done)
		}
		last = p
	}); err != nil {
		t.Fatal(err)
	}
	if all, _ := p.Bytes(); last.Done != all || last.Total != all || p.Kept() != all {
		t.Errorf("ended at %d of %d, kept %d; want %d", last.Done, last.Total, p.Kept(), all)
	}
}
