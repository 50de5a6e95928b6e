package text

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func packed(text string) string {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	io.WriteString(z, text)
	z.Close()
	return out.String()
}

// filesOf is a list of name, contents, name, contents …
func filesOf(pairs ...string) Files {
	fsys, f := fstest.MapFS{}, Files{}
	for i := 0; i < len(pairs); i += 2 {
		fsys[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
		f.Names = append(f.Names, pairs[i])
	}
	f.FS = fsys
	return f
}

func readAll(r *Reader) (all []string, err error) {
	for {
		d, err := r.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		body, err := io.ReadAll(d)
		if err != nil {
			return all, err
		}
		if err := d.Close(); err != nil {
			return all, err
		}
		all = append(all, fmt.Sprintf("%s:%d:%s", d.Name, d.At.Line, body))
	}
}

func TestReader(t *testing.T) {
	lines := `{"id":1,"text":"one"}` + "\n\n" + `{"text":["two","three"],"n":[1,{"text":"no"}]}` + "\r\n" + `{"text":"four\n€"}`
	files := filesOf("a.txt", "plain\x00\xff text", "b.jsonl", lines, "c.txt.gz", packed("packed"), "d.jsonl.gz", packed(lines))
	got, err := readAll(NewReader(files))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a.txt:0:plain\x00\xff text",
		"b.jsonl:1:one\n", "b.jsonl:3:two\nthree\n", "b.jsonl:4:four\n€\n", "c.txt.gz:0:packed",
		"d.jsonl.gz:1:one\n", "d.jsonl.gz:3:two\nthree\n", "d.jsonl.gz:4:four\n€\n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

func TestReaderCountsWhatItSkips(t *testing.T) {
	r := NewReader(filesOf("a.jsonl", `{"id":1}`+"\n\n"+`{"text":"one"}`+"\n"+`{"text":""}`, "b.txt", ""))
	if all, err := readAll(r); err != nil || len(all) != 1 || r.Skipped() != 2 {
		t.Errorf("%q, %v, %d skipped; want one document and 2 skipped", all, err, r.Skipped())
	}
}

func TestFieldsOfPapers(t *testing.T) {
	line := `{"id":"x","title":"T","abstract":["A1","A2"],"sections":[{"title":"S1","sentences":["s11","s12"]},` +
		`{"title":"S2","sentences":["s21"]}],"summary":["U"],"titles":"no"}`
	for _, test := range []struct {
		fields []string
		want   string
	}{
		{[]string{"title", "abstract", "sections"}, "T A1 A2 S1 s11 s12 S2 s21"},
		{[]string{"sections.title"}, "S1 S2"},
		{[]string{"summary", "sections.sentences"}, "s11 s12 s21 U"},
	} {
		got, err := extract(nil, []byte(line), test.fields)
		if err != nil || strings.Join(strings.Fields(string(got)), " ") != test.want {
			t.Errorf("%v gives %q, %v; want %q", test.fields, got, err, test.want)
		}
	}
}

func TestReaderNamesWhatIsWrong(t *testing.T) {
	good := packed(strings.Repeat("some text ", 5000))
	tests := []struct {
		name, file, contents string
		want                 []string
	}{
		{"no JSON", "a.jsonl", `{"text":"a"}` + "\n" + `{"text": oops}`, []string{"a.jsonl", "line 2", "column 10"}},
		{"cut off", "a.jsonl", `{"text":"a"}` + "\n" + `{"text": "b`, []string{"line 2", "unexpected end"}},
		{"array", "a.jsonl", `["a"]`, []string{"line 1", "'{'"}},
		{"number", "a.jsonl", `{"text":3}`, []string{"line 1", "text is 3"}},
		{"Latin-1", "a.jsonl", "{\"text\":\"\xe9\"}", []string{"line 1", "UTF-8"}},
		{"two on a line", "a.jsonl", `{"text":"a"}{"text":"b"}`, []string{"line 1", "column 13"}},
		{"truncated gzip", "a.txt.gz", good[:len(good)-12], []string{"a.txt.gz", "cut off"}},
		{"truncated lines", "a.jsonl.gz", packed(`{"text":"a"}`)[:20], []string{"a.jsonl.gz", "line 1", "cut off"}},
		{"zip", "a.txt", "PK\x03\x04....", []string{"zip"}},
	}
	for _, test := range tests {
		got, err := readAll(NewReader(filesOf(test.file, test.contents)))
		if err == nil {
			t.Errorf("%s: read %q, want an error", test.name, got)
			continue
		}
		for _, part := range test.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error %q does not say %q", test.name, err, part)
			}
		}
	}
	if _, err := readAll(NewReader(Files{Names: []string{"/nowhere/a.txt"}})); !os.IsNotExist(unwrapAll(err)) {
		t.Errorf("a missing file gives %v", err)
	}
}

func unwrapAll(err error) error {
	for {
		u, ok := err.(interface{ Unwrap() error })
		if !ok {
			return err
		}
		if _, last := err.(*os.PathError); last {
			return err
		}
		err = u.Unwrap()
	}
}

// folderOf writes files, each with its name as its text. A name that ends in a slash is a folder.
func folderOf(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestList(t *testing.T) {
	dir := folderOf(t, "b.TXT", "a/z.jsonl.gz", "a/y.Jsonl.GZ", "a/c.md", "picture.png", "rows.json", ".hidden.txt", ".git/x.txt")
	other := folderOf(t, "d.txt")
	for name, to := range map[string]string{"linked": other, "linked.txt": filepath.Join(other, "d.txt"), "gone.txt": "nothing"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	files, notes, err := List(filepath.Join(dir, "picture.png"), dir)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(strings.Join(files.Names, " "), dir, "")
	if want := "/picture.png /a/c.md /a/y.Jsonl.GZ /a/z.jsonl.gz /b.TXT /linked.txt"; got != want {
		t.Errorf("files %s, want %s", got, want)
	}
	want := []string{": left out 2 files, /picture.png, /rows.json; files of text end in .txt, .text, .md, " +
		".rst, .jsonl, .ndjson (or these with .gz)",
		": left out 2 links, /gone.txt, /linked; name the folders that they point to"}
	if diff := cmp.Diff(strings.Join(want, "\n"), strings.ReplaceAll(strings.Join(notes, "\n"), dir, "")); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if _, _, err := List(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a path that is not there gives %v", err)
	}
	if _, _, err := List(filepath.Join(dir, ".git"), t.TempDir()); err == nil || !strings.Contains(err.Error(), "no text") {
		t.Errorf("a folder without text gives %v", err)
	}
}

// FuzzExtract holds that no line makes extract panic, and that what it takes is UTF-8 of whole lines.
func FuzzExtract(f *testing.F) {
	f.Add([]byte(`{"text":"a","b":[{"text":["c",null]}]}`), "text")
	f.Add([]byte(`{"a":{"b":{"c":"\ud800"}}}`), "a.b")
	f.Fuzz(func(t *testing.T, line []byte, field string) {
		got, err := extract(nil, line, []string{field})
		if err == nil && (len(got) == 0 || got[len(got)-1] != '\n') {
			t.Errorf("took %q", got)
		}
	})
}

// FuzzReader holds that no file makes the reader panic, whatever its name says it is.
func FuzzReader(f *testing.F) {
	f.Add("a.jsonl", []byte(`{"text":"a"}`+"\n"+`{"text":"b"}`))
	f.Add("a.jsonl.gz", []byte(packed(`{"text":"a"}`)))
	f.Add("a.txt", []byte(packed("text")))
	f.Fuzz(func(t *testing.T, name string, contents []byte) {
		if name != "a.jsonl" && name != "a.txt" {
			name = "a.jsonl.gz"
		}
		all, err := readAll(NewReader(filesOf(name, string(contents))))
		if err == nil && len(all) == 0 && len(bytes.TrimSpace(contents)) > 0 && name == "a.txt" {
			t.Error("a file with text gave no document")
		}
	})
}
