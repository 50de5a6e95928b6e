package document

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/longspan/longspan/document/sentences"
)

// outline writes a document: its title, and each block with its kind and its section.
func outline(d *Document) string {
	names := map[Kind]string{Paragraph: "p", Heading: "h", Item: "item", Line: "line", Presplit: "s", Caption: "caption", Note: "note",
		Code: "code", Table: "row"}
	var b strings.Builder
	fmt.Fprintf(&b, "<%s>", d.Title)
	for _, x := range d.Blocks {
		text := Clean(strings.TrimSpace(x.Text))
		if x.Kind == Heading {
			fmt.Fprintf(&b, "\nh%d: %s", d.Sections[x.Section].Level, text)
			continue
		}
		fmt.Fprintf(&b, "\n%s: %s", names[x.Kind], text)
	}
	return b.String()
}

// readOne reads a source that has one document.
func readOne(t *testing.T, name, source string, o Options) *Document {
	t.Helper()
	var all []*Document
	err := Read(context.Background(), name, strings.NewReader(source), o, func(d *Document) error {
		all = append(all, d)
		return nil
	})
	if err != nil || len(all) != 1 {
		t.Fatalf("%s: found %d documents, %v", name, len(all), err)
	}
	return all[0]
}

// checkPlaces reports places outside of the source or out of order.
func checkPlaces(d *Document) error {
	for i := range d.Blocks {
		b := &d.Blocks[i]
		if b.Section < 0 || b.Section >= len(d.Sections) {
			return fmt.Errorf("block %d is in section %d of %d", i, b.Section, len(d.Sections))
		}
		at := 0
		for _, p := range b.places {
			if p.at != at || p.from > p.to || p.from < 0 {
				return fmt.Errorf("block %d, %q: place %+v after %d", i, b.Text, p, at)
			}
			at += p.length
		}
		if at != len(b.Text) {
			return fmt.Errorf("block %d: places of %d bytes of %d", i, at, len(b.Text))
		}
	}
	for _, s := range d.Sentences(sentences.Options{MostWords: 80}) {
		if s.From < 0 || s.To <= s.From {
			return fmt.Errorf("sentence %q is %d … %d", s.Text, s.From, s.To)
		}
	}
	return nil
}

// Each file of testdata/readers has its outline beside it.
func TestReaders(t *testing.T) {
	names, err := filepath.Glob("testdata/readers/*")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, name := range names {
		if filepath.Ext(name) == ".outline" {
			continue
		}
		read++
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(name + ".outline")
		if err != nil {
			t.Fatal(err)
		}
		d := readOne(t, name, string(source), Options{})
		if got := outline(d) + "\n"; got != string(want) {
			t.Errorf("%s:\n--- found\n%s--- expected\n%s", name, got, want)
		}
		if err := checkPlaces(d); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if read < 7 {
		t.Errorf("found %d files, expected at least 7", read)
	}
}

// The bytes of a sentence begin and end with what the sentence begins and ends with.
func TestSentencesPointIntoTheSource(t *testing.T) {
	for name, c := range map[string]struct{ source, want string }{
		"a.txt":  {"\ufeffOne is here.  Two\r\nis there.", "One is here.|Two\r\nis there."},
		"a.md":   {"> *One* is `x`.\n> Two &amp; [three](x).\n", "One* is `x`.|Two &amp; [three](x)."},
		"a.html": {"<p>One &eacute;t&eacute;. <b>Two</b> is&nbsp;here.</p>", "One &eacute;t&eacute;.|Two</b> is&nbsp;here."},
		"a.tex":  {"One \\'et\\'e. \\emph{Two} is 5\\%.\n\nCaf\\'e", "One \\'et\\'e.|Two} is 5\\%.|Caf\\'e"},
		"a.json": {"{\"text\": \"One\\tis caf\\u00e9. \\u00c9t\\u00e9 is \\\"two\\\".\"}",
			"One\\tis caf\\u00e9.|\\u00c9t\\u00e9 is \\\"two\\\"."},
	} {
		d := readOne(t, name, c.source, Options{})
		var got []string
		for _, s := range d.Sentences(sentences.Options{}) {
			got = append(got, c.source[s.From:s.To])
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("%s: found %q, expected %q", name, got, c.want)
		}
	}
}

func TestJSONLines(t *testing.T) {
	source := "{\"body\": \"One.\"}\n\n{\"body\": [\"Two.\", \"Three.\"]}\n"
	var texts []string
	err := Read(context.Background(), "x.jsonl", strings.NewReader(source), Options{Fields: []string{"body"}}, func(d *Document) error {
		for _, s := range d.Sentences(sentences.Options{}) {
			texts = append(texts, d.Name+" "+source[s.From:s.To])
		}
		return nil
	})
	if want := []string{"x.jsonl:1 One.", "x.jsonl:3 Two.", "x.jsonl:3 Three."}; err != nil || !reflect.DeepEqual(texts, want) {
		t.Errorf("found %q, %v; expected %q", texts, err, want)
	}
}

func TestIDs(t *testing.T) {
	for line, want := range map[string]string{
		`{"text": "One."}`: "", `{"id": null, "text": "One."}`: "", `{"id": 7, "text": "One."}`: "7",
		`{"text": "One.", "id": "a\u00e9"}`:                             `"a\u00e9"`,
		`{"id" : {"a": [1]} , "sections": [{"text": "One.", "id": 2}]}`: `{"a": [1]}`, `{"id": "One."}`: `"One."`,
	} {
		fields := []string{}
		if line == `{"id": "One."}` {
			fields = append(fields, "id")
		}
		d, err := ParseLine("x", line, fields...)
		if err != nil || d.ID != want || len(d.Notes) > 0 {
			t.Errorf("%s: found %+v, %v, expected the id %q and no notes", line, d, err, want)
		}
	}
	_, err := ParseLine("x", `{"id": 1, "body": "One."}`)
	if err == nil || !strings.Contains(err.Error(), "the line has the fields id, body") {
		t.Errorf("found %v", err)
	}
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"a  b\nc": "a b c", "exam-\nple-\r\n  s x": "examples x", "Foo-\nBar a- b": "Foo- Bar a- b", "soft\u00ad\nly": "softly", "x": "x",
		"-\na": "- a",
	} {
		if got := Clean(text); got != want {
			t.Errorf("%q: found %q, expected %q", text, got, want)
		}
	}
}

func TestReadUnpacks(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	fmt.Fprint(z, "{\"text\": \"One.\"}\n")
	z.Close()
	if d := readOne(t, "x.jsonl.gz", packed.String(), Options{}); d.Blocks[0].Text != "One." || d.Format != JSONLines {
		t.Errorf("found %+v", d)
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct {
		name, source string
		o            Options
		words        string
	}{
		{"a.txt", "", Options{}, "a.txt: the document is empty"},
		{"a.txt", " \n\t", Options{}, "the document is empty"},
		{"a.txt", "ab\xe9cd", Options{}, "found byte 0xe9 at byte 2, which is not UTF-8; convert the file"},
		{"a.txt", "\ufeffab\xe9cd", Options{}, "at byte 5"},
		{"a.txt", "ab\x00", Options{}, "found a zero byte at byte 2"},
		{"a.pdf", "%PDF-1.4\n", Options{},
			"found a PDF file, expected text, Markdown, LaTeX, HTML or JSON lines; take its text out first, with: pdftotext"},
		{"a.docx", "PK\x03\x04x", Options{}, "found a zip archive, as Word"},
		{"a.txt", "\xff\xfea\x00", Options{}, "found text in UTF-16"},
		{"a.txt", "\xff\xfe\x00\x00a\x00\x00\x00", Options{}, "found text in UTF-32"},
		{"a.txt", "a\x00b\x00", Options{}, "iconv -f UTF-16LE -t UTF-8"},
		{"a.docx", "PK\x05\x06", Options{}, "found an empty zip archive"},
		{"a.png", "\x89PNG\r\n", Options{}, "found a picture, expected text"},
		{"a.txt", "hello", Options{MaxBytes: 4}, "found more than 4 bytes, the largest document; split it, or allow more with --max-bytes"},
		{"a.jsonl", "{\"text\": \"a\"}\n{bad}\n", Options{}, "a.jsonl:2, column 2: invalid character 'b'"},
		{"a.jsonl", "[1]", Options{}, "a.jsonl:1: found [1], expected a JSON object"},
		{"a.jsonl", "{\"body\": \"a\"}", Options{}, "found no text in the fields text; the line has the fields body; name others with --fields"},
		{"a.jsonl", "{\"text\": 5}", Options{}, "found no text in the fields text"},
		{"a.gz", "\x1f\x8bxx", Options{}, "a.gz: the gzip file ends too early, or is damaged; fetch it again"},
		{"a.gz", "\x1f\x8bxxxxxxxxxx", Options{}, "a.gz: the gzip file is damaged; fetch it again"},
	} {
		err := Read(context.Background(), c.name, strings.NewReader(c.source), c.o, func(*Document) error { return nil })
		if err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s %q: found %v, expected %q", c.name, c.source, err, c.words)
		}
	}
	if err := Open(context.Background(), t.TempDir(), Options{}, nil); err == nil || !strings.Contains(err.Error(),
		"a folder, expected a file") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := ParseFormat("pdf"); err == nil || !strings.Contains(err.Error(), "expected one of [text markdown latex html json-lines]") {
		t.Errorf("a format: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if err := Read(ctx, "a", strings.NewReader("x"), Options{}, nil); err != context.Canceled {
		t.Errorf("after the end of the context: %v", err)
	}
}

// A pipe that nobody writes to is waited for until the context is done.
func TestReadOfAPipeStops(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	r, w := io.Pipe()
	defer w.Close()
	go stop()
	if err := Read(ctx, "-", r, Options{}, nil); err != context.Canceled {
		t.Errorf("found %v, expected %v", err, context.Canceled)
	}
}

func TestFormatOfContent(t *testing.T) {
	for source, want := range map[string]Format{
		"<!DOCTYPE html><p>a": HTML, "\n<html>": HTML, "% x\n\\documentclass{a}": LaTeX, "{\"text\": \"a\"}\n{": JSONLines, "{not": Text,
		"# a": Text,
	} {
		if got := formatOf("-", source); got != want {
			t.Errorf("%q: found %s, expected %s", source, got, want)
		}
	}
}
