package text

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/internal/memory"
)

const threeRecords = "{\"text\":\"one\",\"label\":\"b\",\"deep\":{\"n\":-3}}\n\n{\"text\":[\"two\",\"lines\"],\"label\":7}\n" +
	"{\"label\":true,\"text\":\"é\"}"

func TestRecordsAreReadByNumber(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "a.jsonl")
	if err := os.WriteFile(plain, []byte(threeRecords), 0o600); err != nil {
		t.Fatal(err)
	}
	odd := filepath.Join(dir, "b.jsonl")
	if err := os.WriteFile(odd, []byte(packed(threeRecords)), 0o600); err != nil {
		t.Fatal(err)
	}
	var digests []string
	for name, files := range map[string]Files{
		"plain": {Names: []string{plain}}, "packed, named as if plain": {Names: []string{odd}},
		"packed": filesOf("a.jsonl.gz", packed(threeRecords)), "in a file system": filesOf("a.ndjson", threeRecords),
		"below a folder": {FS: os.DirFS(dir), Names: []string{"a.jsonl"}},
	} {
		var seen []string
		r, err := NewRecords(files, 0, func(r Record) error {
			seen = append(seen, fmt.Sprint(r.At.Line))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, r.Digest())
		for _, i := range []int{2, 0, 1} {
			record, err := r.At(i)
			if err != nil {
				t.Fatal(err)
			}
			body, err := record.Text()
			if err != nil {
				t.Fatal(err)
			}
			label, isNumber, err := record.Scalar("label")
			got := fmt.Sprintf("%d %q %s %v %v", record.At.Line, body, label, isNumber, err)
			if want := []string{`1 "one" b false <nil>`, `3 "two\nlines" 7 true <nil>`, `4 "é" true false <nil>`}[i]; got != want {
				t.Errorf("%s: record %d is %s, want %s", name, i, got, want)
			}
		}
		if !slices.Equal(seen, []string{"1", "3", "4"}) {
			t.Errorf("%s: the lines visited are %v", name, seen)
		}
		first, err := r.At(0)
		if err != nil {
			t.Fatal(err)
		}
		if n, isNumber, err := first.Scalar("deep.n"); n != "-3" || !isNumber || err != nil {
			t.Errorf("deep.n is %q, %v, %v", n, isNumber, err)
		}
	}
	if len(slices.Compact(digests)) != 1 {
		t.Errorf("the same records have the digests %v", digests)
	}
}

func TestRecordsSayWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ name, text, field, want string }{
		{"a.txt", "{}", "", "a.txt: examples with fields are JSON lines"},
		{"a.jsonl", "\n\n", "", "the file is empty"},
		{"a.jsonl", "{\"a\":1}\n{\"a\":", "a", "line 2: the field a cannot be read"},
		{"a.jsonl", "[1]", "a", "found a JSON array; expected an object"},
		{"a.jsonl", `{"b":1}`, "a", "found no field a"},
		{"a.jsonl", `{"a":null}`, "a", "the field a is null"},
		{"a.jsonl", `{"a":{"b":[1]}}`, "a.b", "the field a.b is [1]"},
		{"a.jsonl", `{"a":"x"}`, "a.b", "found a JSON string; expected an object"},
	} {
		_, err := NewRecords(filesOf(c.name, c.text), 0, func(r Record) error {
			_, _, err := r.Scalar(c.field)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want one with %q", c.text, err, c.want)
		}
	}
}

func TestRecordsNoticeAnotherFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jsonl")
	if err := os.WriteFile(path, []byte(threeRecords), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := NewRecords(Files{Names: []string{path}}, 0, func(Record) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(threeRecords, "one", "two", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.At(0); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("error %v, want one that says that the file has changed", err)
	}
	if _, err := r.At(1); err != nil {
		t.Errorf("a line that has not changed: %v", err)
	}
}

// A small file may unpack to more than there is memory for. Plain lines stay on the disk.
func TestRecordsKeepWithinTheirMemory(t *testing.T) {
	text := strings.Repeat(fmt.Sprintf("{\"text\":%q}\n", strings.Repeat("x", 1000)), 5000)
	const limit = 5 << 20
	seen := 0
	visit := func(Record) error {
		seen++
		return nil
	}
	_, err := NewRecords(filesOf("a.jsonl.gz", packed(text)), limit, visit)
	var e *memory.Error
	if !errors.As(err, &e) || e.Available != limit || e.Need > 7<<20 || !strings.Contains(err.Error(), "a.jsonl.gz") || seen > 3500 {
		t.Errorf("error %v after %d records, want a *memory.Error about a.jsonl.gz near 5 MiB", err, seen)
	}
	path := filepath.Join(t.TempDir(), "a.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := NewRecords(Files{Names: []string{path}}, limit, visit)
	if err != nil || r.Len() != 5000 || r.Bytes() > 300_000 {
		t.Errorf("a plain file: %v", err)
	}
}

// FuzzRecords holds that no line makes the fields of a record panic, and that a number is one.
func FuzzRecords(f *testing.F) {
	f.Add(threeRecords, "deep.n")
	f.Add("{\"a\":{\"\":3}}", "a.")
	f.Fuzz(func(t *testing.T, lines, field string) {
		_, err := NewRecords(filesOf("a.jsonl", lines), 0, func(r Record) error {
			if text, isNumber, err := r.Scalar(field); err == nil && isNumber && !strings.ContainsAny(text, "0123456789") {
				t.Errorf("%q is no number", text)
			}
			_, err := r.Text(field)
			return err
		})
		_ = err // most lines are refused
	})
}
