package hub_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/hub"
)

const (
	first  = "1111111111111111111111111111111111111111"
	second = "1122222222222222222222222222222222222222"
)

// tree writes files with their text below a folder.
func tree(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// someCache has two repos.
func someCache(t testing.TB) hub.Cache {
	t.Helper()
	c := hub.Cache{Dir: t.TempDir()}
	tree(t, c.Dir, map[string]string{
		"models--org--two/refs/main":                                   second,
		"models--org--two/refs/refs/pr/7":                              first + "\n",
		"models--org--two/refs/broken":                                 "no commit",
		"models--org--two/refs/gone":                                   strings.Repeat("3", 40),
		"models--org--two/snapshots/" + first + "/config.json":         "{}",
		"models--org--two/snapshots/" + second + "/config.json":        "{ }",
		"models--org--two/snapshots/" + second + "/1_Pooling/x.json":   "12",
		"models--plain/refs/main":                                      first,
		"models--plain/snapshots/" + first + "/m-Q4.gguf":              "GGUF",
		"models--plain/snapshots/" + first + "/config.json":            "{}",
		"models--org--several/refs/main":                               first,
		"models--org--several/snapshots/" + first + "/m-Q4.gguf":       "GGUF",
		"models--org--several/snapshots/" + first + "/m-Q8.gguf":       "GGUF",
		"models--org--both/refs/main":                                  first,
		"models--org--both/snapshots/" + first + "/m-Q4.gguf":          "GGUF",
		"models--org--both/snapshots/" + first + "/model.safetensors":  "x",
		"datasets--org--data/snapshots/" + first + "/data.json":        "{}",
		".locks/models--org--two/" + strings.Repeat("a", 40) + ".lock": "",
		"CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55",
	})
	return c
}

func TestResolveModel(t *testing.T) {
	c := someCache(t)
	local := t.TempDir()
	tree(t, local, map[string]string{"folder/config.json": "{}", "M.GGUF": "GGUF", "x.txt": ""})
	t.Chdir(local)
	snapshot := func(repo, commit string) string { return filepath.Join(c.Dir, repo, "snapshots", commit) }
	for argument, want := range map[string]string{
		"folder":                "folder",
		"./folder":              "./folder",
		"M.GGUF":                "M.GGUF",
		"org/two":               snapshot("models--org--two", second),
		"org/two@main":          snapshot("models--org--two", second),
		"org/two@refs/pr/7":     snapshot("models--org--two", first),
		"org/two@" + first:      snapshot("models--org--two", first),
		"org/two@1111":          snapshot("models--org--two", first),
		"plain":                 filepath.Join(snapshot("models--plain", first), "m-Q4.gguf"),
		"org/both":              snapshot("models--org--both", first),
		"org/two@" + second[:7]: snapshot("models--org--two", second),
	} {
		if got, err := c.ResolveModel(argument); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", argument, got, err, want)
		}
	}
}

func TestResolveModelRefuses(t *testing.T) {
	c := someCache(t)
	local := t.TempDir()
	tree(t, local, map[string]string{"x.txt": ""})
	t.Chdir(local)
	for _, r := range []struct {
		argument, want string
		missing        bool
	}{
		{"", "the model is empty; expected a folder", false},
		{"x.txt", "x.txt is a file; expected a folder with a model, or a .gguf file", false},
		{"./none", `found no folder and no .gguf file "./none"; give the path`, true},
		{"none.gguf", `found no folder and no .gguf file "none.gguf"`, true},
		{"~/none", `found no folder`, true},
		{"a/b/c", `has more than one "/"`, true},
		{"org/none", "no folder and no file here, and the cache " + c.Dir + " has no repo org/none", true},
		{"org/none", "; download it with: longspan pull org/none", true},
		{"org/two@v9", "has no revision v9 of org/two; it has org/two@" + first, true},
		{"org/two@refs/pr", "has no revision refs/pr of org/two", true},
		{"org/two@11", "has no revision 11 of org/two", true}, // shorter than a prefix may be
		{"org/two@gone", "has none of its files; download it with: longspan pull org/two@gone", true},
		{"org/two@" + strings.Repeat("4", 40), "has none of its files", true},
		{"org/two@broken", `has "no commit", expected a commit of 40 hexadecimal digits`, false},
		{"org/several", "the snapshot has 2 .gguf files; give the path of one:", false},
	} {
		_, err := c.ResolveModel(r.argument)
		if err == nil || !strings.Contains(err.Error(), r.want) || errors.Is(err, fs.ErrNotExist) != r.missing {
			t.Errorf("%s: error %v; want one with %q, missing %v", r.argument, err, r.want, r.missing)
		}
	}
}

func TestAmbiguousCommit(t *testing.T) {
	c := hub.Cache{Dir: t.TempDir()}
	tree(t, c.Dir, map[string]string{"models--a/snapshots/abcd1" + strings.Repeat("0", 35) + "/x": "",
		"models--a/snapshots/abcd2" + strings.Repeat("0", 35) + "/x": ""})
	want := "begins 2 commits of the cache"
	if _, err := c.ResolveModel("a@abcd"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v; want one with %q", err, want)
	}
	if got, err := c.ResolveModel("a@abcd2"); err != nil || !strings.Contains(got, "abcd20") {
		t.Errorf("%s, %v", got, err)
	}
}

func TestList(t *testing.T) {
	c := someCache(t)
	all, err := c.List()
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Repo, Commit, Revisions string
		Files                   int
		Bytes                   int64
	}
	var got []row
	for _, s := range all {
		got = append(got, row{s.Repo, s.Commit[:4], strings.Join(s.Revisions, " "), s.Files, s.Bytes})
	}
	want := []row{{"org/both", "1111", "main", 2, 5}, {"org/several", "1111", "main", 2, 8}, {"org/two", "1111", "refs/pr/7", 1, 2},
		{"org/two", "1122", "main", 2, 5}, {"plain", "1111", "main", 2, 6}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("snapshots (-want +got):\n%s", diff)
	}
	if all, err := (hub.Cache{Dir: filepath.Join(c.Dir, "none")}).List(); err != nil || all != nil {
		t.Errorf("a cache that is not there: %v, %v; want none", all, err)
	}
}
