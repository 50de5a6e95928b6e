package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longspan/longspan/model"
)

// A text may have many more bytes than tokens: what is planned for it never exceeds the learned positions.
func TestPredictPlansWithinTheLearnedPositions(t *testing.T) {
	texts := []input{{name: "a", text: "a"}, {name: "b", text: strings.Repeat("b", 100)}}
	for positions, want := range map[int]int{0: 102, 64: 64, 512: 102} {
		if got := longestOf(&model.Spec{Embed: model.Embedding{Positions: positions}}, texts); got != want {
			t.Errorf("%d positions: planned %d tokens, want %d", positions, got, want)
		}
	}
}

// Inputs are read as the model's tokenizer takes them: records of FASTA, lines of JSON, or whole texts.
func TestPredictReadsInputs(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	p := inputFlags{fields: []string{"body"}}
	read := func(name, content string, bases bool) string {
		texts, err := p.readFile(write(name, content), bases)
		if err != nil {
			return err.Error()
		}
		var all []string
		for _, text := range texts {
			all = append(all, strings.TrimPrefix(text.name, dir+string(filepath.Separator))+"="+text.text)
		}
		return strings.Join(all, " ")
	}
	for _, c := range []struct {
		name, content string
		bases         bool
		want          string
	}{
		{"a.fa", ">one x\nACGT\nAC\n>two\nGG\n", true, "a.fa:one=ACGTAC a.fa:two=GG"},
		{"b.txt", "ACG T\r\nA\n", true, "b.txt=ACGTA"},
		{"c.txt", "some text\n", false, "c.txt=some text\n"},
		{"d.jsonl", "{\"body\":\"one\"}\n{\"body\":\"two\"}\n", false, "d.jsonl:1=one d.jsonl:2=two"},
		{"e.jsonl", "{\"text\":\"one\"}\n", false, "found no text in the fields body"},
		{"f.txt.gz", "\x1f\x8b", false, "is a gzip file, expected text"},
	} {
		if got := read(c.name, c.content, c.bases); !strings.Contains(got, c.want) {
			t.Errorf("%s is read as %q, want %q", c.name, got, c.want)
		}
	}
}
