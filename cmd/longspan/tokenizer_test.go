package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An error of a document has its place: the file, and the line of JSON lines.
func TestTokenizerTrainNamesTheDocument(t *testing.T) {
	dir := t.TempDir()
	lines := filepath.Join(dir, "a.jsonl")
	broken := filepath.Join(dir, "b.txt")
	for path, content := range map[string]string{lines: "{\"text\":\"good\"}\n", broken: "so\xff"} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out, stderr strings.Builder
	status := run([]string{"tokenizer", "train", lines, broken, "--out", filepath.Join(dir, "out")}, &out, &stderr)
	const want = "b.txt: the document is not UTF-8: found the byte 0xff at byte 2"
	if status != exitUsage || !strings.Contains(stderr.String(), want) {
		t.Errorf("status %d, %q; want %q", status, stderr.String(), want)
	}
}
