package hub_test

import (
	"fmt"
	"net/http"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/longspan/longspan/hub"
	"github.com/longspan/longspan/internal/hubtest"
)

// A file that is listed and missing is an error, and the cache notes it.
func TestAMissingFile(t *testing.T) {
	h := one(t)
	h.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodHead {
			w.Header().Set("X-Error-Code", "EntryNotFound")
			w.WriteHeader(http.StatusNotFound)
		}
		return r.Method == http.MethodHead
	})
	dir := t.TempDir()
	_, _, err := pull(t, client(t, h, in(dir)), "org/model", hub.Want{})
	refuses(t, "a missing file", err, "org/model has no such file at revision main")
	if noted, _ := filepath.Glob(filepath.Join(dir, "models--org--model", ".no_exist", "*", "model.safetensors")); len(noted) != 1 {
		t.Errorf("noted %v; want one file", noted)
	}
}

// Names from the hub do not leave the snapshot, and a name that is not wanted does no harm.
func TestNamesThatLeaveTheFolder(t *testing.T) {
	for _, name := range []string{"../../../evil.json", "/evil.json", `..\evil.json`, "C:evil.json", "nul.json", "a/../evil.json"} {
		h := hubtest.New(t)
		h.Add("org/model", "main", map[string]string{name: "x", "config.json": "{}"})
		_, _, err := pull(t, client(t, h, nil), "org/model", hub.Want{Include: []string{"*.json"}})
		refuses(t, name, err, "the hub lists a file that is refused: the name "+strconv.Quote(name))
		for _, r := range h.Requests() {
			if r.Method == http.MethodHead {
				t.Errorf("%s: asked for %s", name, r.Path)
			}
		}
		mustPull(t, client(t, h, nil), "org/model", hub.Want{Include: []string{"config.json"}})
	}
	h := hubtest.New(t)
	h.Add("org/model", "main", map[string]string{"a.json": "1", "A.json": "2", ".cache/huggingface/download/x.json": "3"})
	_, _, err := pull(t, client(t, h, nil), "org/model", hub.Want{})
	refuses(t, "two cases", err, `the files "A.json" and "a.json" of the repo differ in case alone`)
	_, _, err = pull(t, client(t, h, nil), "org/model", hub.Want{Include: []string{".cache/*"}, Folder: t.TempDir()})
	refuses(t, "the state", err, "where downloads keep their state")
}

func TestBadListings(t *testing.T) {
	commit := strings.Repeat("a", 40)
	for text, want := range map[string]string{
		"<html>":             "is no JSON of a hub",
		`{"siblings": []}`:   `has the commit "", expected 40 hexadecimal digits`,
		`{"sha": "../../x"}`: `has the commit "../../x"`,
		`{"sha": "` + commit + `", "siblings": []}`:                                        "has no files at this revision",
		`{"sha": "` + commit + `", "siblings": [{}]}`:                                      "file 0 of the list has no rfilename",
		`{"sha": "` + commit + `", "siblings": [{"rfilename":"a"},{"rfilename":"a"}]}`:     `has the file "a" twice`,
		`{"sha": "` + commit + `", "siblings": [` + strings.Repeat(`{},`, 50_000) + `{}]}`: "has 50001 files",
	} {
		if _, _, err := hub.ParseListing([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: error %v; want one with %q", text, err, want)
		}
	}
}

func TestMeta(t *testing.T) {
	commit := strings.Repeat("c", 40)
	sha := strings.Repeat("ab", 32)
	for _, c := range []struct {
		status       int
		last, linked map[string]string
		etag, hash   string
		size         int64
	}{
		{200, map[string]string{"ETag": `W/"` + commit + `"`, "Content-Length": "7"}, nil, commit, "git:" + commit, 7},
		{302, map[string]string{"ETag": `"pointer"`, "Content-Length": "9"},
			map[string]string{"X-Linked-Etag": `"` + sha + `"`, "X-Linked-Size": "70"}, sha, "sha256:" + sha, 70},
		{200, map[string]string{"ETag": `"5f-3a"`, "Content-Length": "0"}, map[string]string{"X-Repo-Commit": commit}, "5f-3a", "", 0},
	} {
		f, err := hub.ParseMeta(c.status, headers(c.last), headers(c.linked), commit)
		if err != nil || f.ETag != c.etag || f.Hash != c.hash || f.Size != c.size {
			t.Errorf("%v %v: %+v, %v", c.last, c.linked, f, err)
		}
	}
	for _, c := range []struct {
		status       int
		last, linked map[string]string
		want         string
	}{
		{302, map[string]string{"ETag": `"x"`, "Content-Length": "9"}, nil, "has no ETag or no size"},
		{200, map[string]string{"ETag": `"x"`}, nil, "has no ETag or no size"},
		{200, map[string]string{"ETag": `"../x"`, "Content-Length": "9"}, nil, `found the ETag "../x", expected 1 to 128 letters`},
		{200, map[string]string{"ETag": `"con"`, "Content-Length": "9"}, nil, `found the ETag "con"`},
		{200, map[string]string{"ETag": `"x"`, "Content-Length": "-9"}, nil, `found the size "-9"`},
		{200, map[string]string{"ETag": `"x"`, "Content-Length": "9", "Content-Encoding": "gzip"}, nil, `has the Content-Encoding "gzip"`},
		{200, nil, map[string]string{"X-Repo-Commit": sha[:40]}, "the answer is about commit"},
	} {
		_, err := hub.ParseMeta(c.status, headers(c.last), headers(c.linked), commit)
		refuses(t, fmt.Sprint(c.last, c.linked), err, c.want)
	}
}

// headers are headers with canonical names.
func headers(values map[string]string) http.Header {
	h := http.Header{}
	for name, value := range values {
		h.Set(name, value)
	}
	return h
}

// Without a hash only the size is checked, a note says so, and nothing is continued.
func TestAnETagThatIsNoHash(t *testing.T) {
	h := hubtest.New(t)
	h.Add("org/model", "main", map[string]string{"config.json": "{}"})
	h.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		if path.Base(r.URL.Path) != "config.json" {
			return false
		}
		w.Header().Set("ETag", `"5f-3a"`)
		w.Header().Set("Content-Length", "2")
		_, _ = w.Write([]byte("[]"))
		return true
	})
	p, _ := mustPull(t, client(t, h, nil), "org/model", hub.Want{})
	if got := contents(t, p.Folder)["config.json"]; got != "[]" || !strings.Contains(strings.Join(p.Notes, "\n"), "no hash of these files") {
		t.Errorf("config.json has %q, notes %q", got, p.Notes)
	}
}
