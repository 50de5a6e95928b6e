package resume

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longspan/longspan/internal/filelock"
)

var facts = []Fact{{"model", "a"}, {"region", "1:1-9"}}

func write(t *testing.T, f *File, text string) {
	t.Helper()
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// saved is a file that was killed behind a Save.
func saved(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "out")
	f, err := Create(path, facts)
	if err != nil {
		t.Fatal(err)
	}
	write(t, f, "first ")
	if err := f.Save(map[string]int{"rows": 7}); err != nil {
		t.Fatal(err)
	}
	write(t, f, "lost")
	if err := errors.Join(f.w.Flush(), f.f.Close()); err != nil { // as far as a killed process may have come
		t.Fatal(err)
	}
	return path
}

func files(t *testing.T, path string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestGoOn(t *testing.T) {
	path := saved(t)
	progress := map[string]int{}
	f, err := Open(path, facts, &progress)
	if err != nil || progress["rows"] != 7 {
		t.Fatal(progress, err)
	}
	write(t, f, "second")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there before its end: %v", err)
	}
	if err := f.Finish(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "first second" {
		t.Errorf("found %q, %v", text, err)
	}
	if names := files(t, path); len(names) != 1 {
		t.Errorf("left %v", names)
	}
}

func TestBeginAnew(t *testing.T) {
	path := saved(t)
	f, err := Create(path, facts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, facts, &struct{}{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("found %v", err)
	}
	write(t, f, "new")
	if err := f.Finish(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "new" {
		t.Errorf("found %q, %v", text, err)
	}
}

func TestKeepAndDrop(t *testing.T) {
	path := saved(t)
	f, err := Open(path, facts, &map[string]int{})
	if err == nil {
		err = f.Keep()
	}
	if names := files(t, path); err != nil || len(names) != 2 {
		t.Errorf("kept %v, %v", names, err)
	}
	f, err = Open(path, facts, &map[string]int{})
	if err == nil {
		err = f.Drop()
	}
	if names := files(t, path); err != nil || len(names) != 0 {
		t.Errorf("left %v, %v", names, err)
	}
	f, err = Create(path, facts)
	if err == nil {
		err = f.Keep() // never saved
	}
	if names := files(t, path); err != nil || len(names) != 0 {
		t.Errorf("left %v, %v", names, err)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		change func(path string) error
		facts  []Fact
		want   string
	}{
		{nil, []Fact{{"model", "b"}}, "is of a run with another model: found a, expected b"},
		{nil, []Fact{{"window", "9"}}, "is of a run with another window: found none, expected 9"},
		{func(path string) error { return os.Truncate(Partial(path), 3) }, facts, "found 3 bytes, expected at least the 6 of its state"},
		{func(path string) error { return os.Remove(Partial(path)) }, facts, "but no "},
		{func(path string) error { return os.WriteFile(State(path), []byte("{}"), 0o600) }, facts, "found no state of format 1"},
	} {
		path := saved(t)
		if c.change != nil {
			if err := c.change(path); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Open(path, c.facts, &map[string]int{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("found %v, want %s", err, c.want)
		}
	}
	path := saved(t)
	if _, err := Open(path, facts, &[]int{}); err == nil || !strings.Contains(err.Error(), "delete it to begin anew") {
		t.Errorf("found %v", err)
	}
}

// Of two that write one file the second is refused, and the first goes on.
func TestOneWriter(t *testing.T) {
	if free, err := probe(t); err != nil || free {
		t.Skip("no locks here", err)
	}
	path := saved(t)
	first, err := Open(path, facts, &map[string]int{})
	if err != nil {
		t.Fatal(err)
	}
	const want = "another process is writing"
	if _, err := Create(path, facts); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("found %v", err)
	}
	if _, err := Open(path, facts, &map[string]int{}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("found %v", err)
	}
	write(t, first, "second")
	if err := first.Finish(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "first second" {
		t.Errorf("found %q, %v", text, err)
	}
	next, err := Create(path, facts)
	if err == nil {
		err = next.Drop()
	}
	if names := files(t, path); err != nil || len(names) != 1 {
		t.Errorf("left %v, %v", names, err)
	}
}

// probe reports whether a file that is locked can be locked again.
func probe(t *testing.T) (bool, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "probe")
	f, err := os.Create(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	if _, err := filelock.Try(f); err != nil {
		return false, err
	}
	g, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer g.Close()
	return filelock.Try(g)
}

func TestFolder(t *testing.T) {
	path := t.TempDir()
	if _, err := Create(path, facts); err == nil || !strings.Contains(err.Error(), "found the folder "+path) {
		t.Errorf("found %v", err)
	}
	if _, err := os.Stat(Partial(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left %s, %v", Partial(path), err)
	}
}

// A file whose last bytes cannot be written, as on a full disk, is removed.
func TestFinishFails(t *testing.T) {
	path := saved(t)
	f, err := Open(path, facts, &map[string]int{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, f, "second")
	if err := f.f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Finish(); err == nil {
		t.Error("finished a file that is closed")
	}
	if names := files(t, path); len(names) != 0 {
		t.Errorf("left %v", names)
	}
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"longspan_resume":1,"facts":[{"what":"model","value":"a"}],"bytes":3,"progress":{"rows":7}}`))
	f.Add([]byte(`{"longspan_resume":1,"bytes":99999999999,"progress":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "out")
		if err := errors.Join(os.WriteFile(State(path), text, 0o600), os.WriteFile(Partial(path), []byte("some text"), 0o600)); err != nil {
			t.Fatal(err)
		}
		if g, err := Open(path, facts[:1], &map[string]int{}); err == nil {
			if g.bytes < 0 || g.bytes > 9 {
				t.Errorf("%d bytes", g.bytes)
			}
			if err := g.Drop(); err != nil {
				t.Error(err)
			}
		}
	})
}
