package text

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func corpusOf(t testing.TB, files Files, fields ...string) *Corpus {
	t.Helper()
	c, err := NewCorpus(files, fields...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCorpusFindsWhatIsWrongAtOnce(t *testing.T) {
	good := strings.Repeat("{\"text\":\"a\"}\n", 100)
	for _, c := range []struct {
		files Files
		want  string
	}{
		{Files{}, "no files"},
		{filesOf("a.jsonl", good+"{\"text\":"), "text: a.jsonl: line 101: "},
		{filesOf("a.jsonl", good, "b.jsonl", good+"{\"text\":3}"), "text: b.jsonl: line 101: the field text is 3"},
		{filesOf("a.txt", "a", "b.txt.gz", packed(good)[:20]), "text: b.txt.gz: the gzip file is cut off"},
		{filesOf("a.jsonl", `{"txt":"a","b":{"text":"c"}}`), "a.jsonl: line 1: found no text in the fields text; the line has the fields txt, b"},
		{filesOf("a.jsonl", "\n", "b.txt", ""), "no document has any text: found 2 files, a.jsonl, b.txt, without a byte"},
	} {
		if _, err := NewCorpus(c.files); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want one with %q", c.files.Names, err, c.want)
		}
	}
}

func TestCorpusPassesOverDocumentsWithoutText(t *testing.T) {
	lines := "{\"text\":\"a\"}\n{\"text\":\"\"}\n{\"id\":3}\n{\"text\":\"b\"}\n"
	files := filesOf("a.jsonl", lines, "b.txt", "", "c.json", "[1]")
	c := corpusOf(t, files)
	want := []string{
		"passed over 2 of 4 documents: without text; the first: text: a.jsonl: line 2: found no text in the " +
			"fields text; the line has the fields text",
		"c.json is read as plain text: its first line is no JSON object", "passed over 1 file, b.txt: without a byte",
	}
	if diff := cmp.Diff(want, c.Notes()); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	got, err := readAll(NewReader(files))
	if want := []string{"a.jsonl:1:a\n", "a.jsonl:4:b\n", "c.json:0:[1]"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("read %q, %v; want %q", got, err, want)
	}
}

func TestJSONOfLinesIsReadAsLines(t *testing.T) {
	long := "{\"text\":\"" + strings.Repeat("x", 1<<17) + "\"}"
	for contents, want := range map[string]int{
		"{\"text\":\"a\"}\n{\"text\":\"b\"}\n": 2, "\n {\"text\":\"a\"}": 1, long + "\n" + long: 2, "{\n \"text\": \"a\"\n}": 0, "[\"a\"]": 0,
	} {
		got, err := readAll(NewReader(filesOf("a.json", contents)))
		if lines := strings.Contains(strings.Join(got, "\n"), "a.json:0:"); err != nil || lines != (want == 0) || len(got) != max(want, 1) {
			t.Errorf("%.40q is read as %.60q, %v; want %d lines", contents, got, err, want)
		}
	}
}

// The digest is that of the content: neither names nor compression change it.
func TestDigestOfCorpus(t *testing.T) {
	same := []Files{filesOf("a.txt", "one", "b.jsonl", threeRecords), filesOf("x.md", packed("one"), "y.ndjson.gz", packed(threeRecords))}
	if a, b := corpusOf(t, same[0]), corpusOf(t, same[1]); a.digest != b.digest {
		t.Errorf("the digests of equal documents are %s and %s", a.digest, b.digest)
	}
	seen := map[string]string{}
	for _, f := range []Files{filesOf("a.txt", "one", "b.txt", "two"), filesOf("a.txt", "two", "b.txt", "one"), filesOf("a.txt", "onetwo"),
		filesOf("a.txt", threeRecords), filesOf("a.jsonl", threeRecords)} {
		c := corpusOf(t, f)
		if other, ok := seen[c.digest]; ok {
			t.Errorf("%v has the digest of %s", f.Names, other)
		}
		seen[c.digest] = strings.Join(f.Names, " ")
	}
}

// FuzzCorpus holds that a reader reads all of what a corpus has accepted.
func FuzzCorpus(f *testing.F) {
	f.Add("a.jsonl", []byte("{\"text\":\"a\"}\n\n{\"text\":\"\"}"))
	f.Add("a.json", []byte("{\"text\":\"a\"}\n[1]"))
	f.Add("a.json", []byte(packed("{\"text\":[\"a\",\"b\"]}")))
	f.Add("a.txt", []byte("text"))
	f.Fuzz(func(t *testing.T, name string, contents []byte) {
		if name != "a.txt" && name != "a.json" {
			name = "a.jsonl"
		}
		files := filesOf(name, string(contents))
		if _, err := NewCorpus(files); err != nil {
			return
		}
		if all, err := readAll(NewReader(files)); err != nil || len(all) == 0 {
			t.Errorf("a corpus has accepted what is read as %q, %v", all, err)
		}
	})
}
