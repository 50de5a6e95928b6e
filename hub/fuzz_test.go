package hub_test

import (
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/longspan/longspan/hub"
)

func FuzzParseRef(f *testing.F) {
	for _, text := range []string{"gpt2", "org/name@refs/pr/7", "a/b@../x", "a--b", "@", "a/b@" + strings.Repeat("0", 40)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := hub.ParseRef(text)
		if err != nil {
			return
		}
		if back, err := hub.ParseRef(r.String()); err != nil || back != r {
			t.Errorf("%q is %+v, and its String %q is %+v, %v", text, r, r, back, err)
		}
		if !filepath.IsLocal(r.Repo) || !filepath.IsLocal(r.Revision) {
			t.Errorf("%q leaves the cache: %+v", text, r)
		}
	})
}

func FuzzCheckName(f *testing.F) {
	for _, name := range []string{"config.json", "../x", `a\b`, "C:x", "/x", "a//b", "nul", "a/./b", "\x00", ".git/config"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if hub.CheckName(name) != nil {
			return
		}
		root := filepath.Join(t.TempDir(), "root")
		path := filepath.Join(root, filepath.FromSlash(name))
		back, err := filepath.Rel(root, path)
		if err != nil || filepath.ToSlash(back) != name || !strings.HasPrefix(path, root+string(filepath.Separator)) {
			t.Errorf("%q becomes %s, below the root %q, %v", name, path, back, err)
		}
	})
}

func FuzzParseListing(f *testing.F) {
	commit := strings.Repeat("a", 40)
	for _, text := range []string{"{}",
		`{"sha":"` + commit + `","siblings":[{"rfilename":"a","size":3}]}`, `{"siblings":null}`, `[`, `{"sha":1}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		commit, files, err := hub.ParseListing(b)
		if err == nil && (len(commit) != 40 || files == 0) {
			t.Errorf("commit %q and %d files without an error", commit, files)
		}
	})
}

func FuzzParseMeta(f *testing.F) {
	f.Add(200, `W/"aa"`, "3", "", "", "")
	f.Add(302, `"p"`, "3", `"`+strings.Repeat("0", 64)+`"`, "9223372036854775807", strings.Repeat("a", 40))
	f.Add(200, `"../x"`, "-1", "", "x", "")
	f.Fuzz(func(t *testing.T, status int, etag, length, linkedETag, linkedSize, commit string) {
		file, err := hub.ParseMeta(status, headers(map[string]string{"ETag": etag, "Content-Length": length}),
			headers(map[string]string{"X-Linked-Etag": linkedETag, "X-Linked-Size": linkedSize, "X-Repo-Commit": commit}), strings.Repeat("a", 40))
		if err == nil && (file.Size < 0 || hub.CheckName(file.ETag) != nil || strings.Contains(file.ETag, "/")) {
			t.Errorf("%+v without an error", file)
		}
		_ = hub.RetryAfter(http.Header{"Retry-After": {length}}, time.Time{})
	})
}

func FuzzGlob(f *testing.F) {
	for _, p := range []string{"*.json", "[!a-z]?", "[]", "[", "a/", `\`, "[^]", "(?i)", "\xff"} {
		f.Add(p, "a.json")
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if r, err := regexp.Compile(hub.Expression(pattern)); err == nil {
			_ = r.MatchString(name)
		}
		plain := name != "" && len(name) < 1000 && utf8.ValidString(name) && !strings.ContainsAny(name, "*?[") && !strings.HasSuffix(name, "/")
		if plain && !hub.Match(name, name) {
			t.Errorf("%q does not match itself", name)
		}
	})
}
