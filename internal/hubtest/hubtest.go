// Package hubtest is a hub on this machine for tests: the requests, headers, redirects and errors of huggingface.co that package hub and
// the Python library huggingface_hub 0.36 rely on. Large files are on a second server with another port, as on the hub.
package hubtest

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Hub is a running hub. Its methods may be called while it serves.
type Hub struct {
	URL     string // of the hub
	Storage string // URL of the storage

	mu       sync.Mutex
	repos    map[string]*repo
	renamed  map[string]string
	requests []Request
	fault    func(w http.ResponseWriter, r *http.Request) (handled bool)
}

// Request is what a server was asked.
type Request struct {
	Storage       bool // not the hub
	Method, Path  string
	Authorization string
	Range         string
	Agent         string
}

type repo struct {
	token     string // that may read it; empty: any
	code      string // of the error for others
	revisions map[string]string
	commits   map[string]map[string]string
}

// New starts a hub that ends with the test.
func New(t testing.TB) *Hub {
	h := &Hub{repos: map[string]*repo{}, renamed: map[string]string{}}
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, true) }))
	t.Cleanup(storage.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, false) }))
	t.Cleanup(server.Close)
	h.URL, h.Storage = server.URL, storage.URL
	return h
}

// Add commits files as the newest of a branch and returns the commit.
func (h *Hub) Add(name, branch string, files map[string]string) (commit string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.repos[name]
	if r == nil {
		r = &repo{revisions: map[string]string{}, commits: map[string]map[string]string{}}
		h.repos[name] = r
	}
	text, err := json.Marshal(files)
	if err != nil {
		panic(err) // a map of strings can be written
	}
	sum := sha1.Sum(append([]byte(name), text...))
	commit = hex.EncodeToString(sum[:])
	r.commits[commit], r.revisions[branch] = files, commit
	return commit
}

// Gate lets only a token read the files of a repo. code is that of the refusal: GatedRepo or RepoNotFound.
func (h *Hub) Gate(name, token, code string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.repos[name].token, h.repos[name].code = token, code
}

// Rename makes the hub redirect from an old name.
func (h *Hub) Rename(old, name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.renamed[old] = name
}

// Fault has a function look at each request first. It may answer it.
func (h *Hub) Fault(f func(w http.ResponseWriter, r *http.Request) (handled bool)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fault = f
}

// Requests returns what was asked since the last call.
func (h *Hub) Requests() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	got := h.requests
	h.requests = nil
	return got
}

func (h *Hub) serve(w http.ResponseWriter, r *http.Request, storage bool) {
	h.mu.Lock()
	h.requests = append(h.requests, Request{storage, r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Range"),
		r.Header.Get("User-Agent")})
	fault := h.fault
	h.mu.Unlock()
	switch {
	case fault != nil && fault(w, r):
	case storage:
		h.serveStorage(w, r)
	case strings.HasPrefix(r.URL.Path, "/api/models/"):
		h.serveListing(w, r)
	default:
		h.serveFile(w, r)
	}
}

// refuse answers with an error of the hub.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Error-Code", code)
	w.Header().Set("X-Error-Message", message)
	w.WriteHeader(status)
}

// serveStorage serves a blob under its sha256. The storage has ETags of its own.
func (h *Hub) serveStorage(w http.ResponseWriter, r *http.Request) {
	want := path.Base(r.URL.Path)
	h.mu.Lock()
	content, found := "", false
	for _, repo := range h.repos {
		for _, files := range repo.commits {
			for _, c := range files {
				if sha256Of(c) == want {
					content, found = c, true
				}
			}
		}
	}
	h.mu.Unlock()
	if !found || r.URL.Query().Get("signature") == "" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	w.Header().Set("ETag", strconv.Quote("storage-"+want[:8]))
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
}

// serveListing serves /api/models/{repo}/revision/{revision}.
func (h *Hub) serveListing(w http.ResponseWriter, r *http.Request) {
	name, revision, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/api/models/"), "/revision/")
	if to := h.newName(name); to != "" {
		w.Header().Set("Location", "/api/models/"+to+"/revision/"+revision)
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	}
	revision, err := url.PathUnescape(revision)
	if err != nil || strings.Contains(r.URL.EscapedPath(), "/revision/refs/") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	commit, files := h.find(w, r, name, revision, "RepoNotFound")
	if commit == "" {
		return
	}
	type sibling struct {
		Name string `json:"rfilename"`
		Size *int   `json:"size,omitempty"`
	}
	siblings := []sibling{}
	for _, file := range sortedKeys(files) {
		s := sibling{Name: file}
		if size := len(files[file]); r.URL.Query().Get("blobs") != "" {
			s.Size = &size
		}
		siblings = append(siblings, s)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"id": name, "sha": commit, "private": false, "siblings": siblings})
}

// serveFile serves /{repo}/resolve/{commit}/{file}: a redirect for large files, else the file.
func (h *Hub) serveFile(w http.ResponseWriter, r *http.Request) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/resolve/")
	if to := h.newName(name); to != "" {
		w.Header().Set("Location", "/"+to+"/resolve/"+rest)
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	}
	revision, file, _ := strings.Cut(rest, "/")
	commit, files := h.find(w, r, name, revision, "GatedRepo")
	if commit == "" {
		return
	}
	w.Header().Set("X-Repo-Commit", commit)
	content, ok := files[file]
	if !ok {
		refuse(w, http.StatusNotFound, "EntryNotFound", "Entry not found")
		return
	}
	if isLarge(file) {
		sum := sha256Of(content)
		w.Header().Set("X-Linked-Etag", strconv.Quote(sum))
		w.Header().Set("X-Linked-Size", strconv.Itoa(len(content)))
		w.Header().Set("ETag", strconv.Quote("pointer"))
		w.Header().Set("Location", h.Storage+"/blobs/"+sum+"?signature=secret")
		w.WriteHeader(http.StatusFound)
		return
	}
	w.Header().Set("ETag", strconv.Quote(GitHash(content)))
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
}

// find returns a commit, or answers with an error. A repo with the code of only says so where that request tells: the list of a gated repo
// is public.
func (h *Hub) find(w http.ResponseWriter, r *http.Request, name, revision, only string) (string, map[string]string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	repo := h.repos[name]
	allowed := repo != nil && (repo.token == "" || r.Header.Get("Authorization") == "Bearer "+repo.token)
	if repo == nil || !allowed && (repo.code == "RepoNotFound" || repo.code == only) {
		status, code := http.StatusUnauthorized, "RepoNotFound"
		if repo != nil {
			code = repo.code
		}
		if code == "GatedRepo" && r.Header.Get("Authorization") != "" {
			status = http.StatusForbidden
		}
		refuse(w, status, code, "Access to model "+name+" is restricted. You sent "+r.Header.Get("Authorization"))
		return "", nil
	}
	commit := revision
	if c := repo.revisions[revision]; c != "" {
		commit = c
	}
	files, ok := repo.commits[commit]
	if !ok {
		refuse(w, http.StatusNotFound, "RevisionNotFound", "Invalid rev id: "+revision)
		return "", nil
	}
	return commit, files
}

func (h *Hub) newName(name string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.renamed[name]
}

// isLarge reports whether the hub keeps a file in its storage.
func isLarge(name string) bool {
	return slices.Contains([]string{".safetensors", ".gguf", ".bin"}, path.Ext(name))
}

// GitHash is the sha1 of a Git blob.
func GitHash(content string) string {
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(content), content))
	return hex.EncodeToString(sum[:])
}

func sha256Of(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

func sortedKeys(files map[string]string) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
