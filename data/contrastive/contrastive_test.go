package contrastive

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tokenizer"
)

// lines writes a file of JSON lines.
func lines(t *testing.T, text ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.jsonl")
	if err := os.WriteFile(path, []byte(strings.Join(text, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func checkAndOpen(c *Config, o data.OpenOptions) (*data.Bundle, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	return c.Open(o)
}

func TestBatch(t *testing.T) {
	path := lines(t, `{"query":"ab","passage":"xyzzy"}`, `{"passage":"12345678","query":"é"}`)
	sets, err := checkAndOpen(&Config{Train: []string{path}, Validation: []string{path}, Tokens: 6, TooLong: "truncate",
		QueryPrompt: "q:"}, data.OpenOptions{Batch: 2, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	source, err := sets.Validation()
	if err != nil {
		t.Fatal(err)
	}
	var b data.Batch
	if err := source.Next(&b); err != nil {
		t.Fatal(err)
	}
	want := data.Batch{
		Tokens: []int32{256, 'q', ':', 'a', 'b', 256, 'x', 'y', 'z', 'z', 'y',
			256, 'q', ':', 0xc3, 0xa9, 256, '1', '2', '3', '4', '5'},
		Lengths: []int{5, 6, 5, 6},
	}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Errorf("the batch (-want +got):\n%s", diff)
	}
	var notes []string
	for _, part := range []string{"train", "validation"} {
		notes = append(notes, part+": of 2 texts (passage), 1 are longer than 6 tokens, and were truncated: 3 tokens are left out")
	}
	if !cmp.Equal(sets.Notes, notes) || !sets.Pairs || sets.Tokens != 6 {
		t.Errorf("notes %q, pairs %t, tokens %d; want %q, true and 6", sets.Notes, sets.Pairs, sets.Tokens, notes)
	}
}

// A model's tokenizer makes the tokens, and its special tokens stay where a text is cut.
func TestTokenizerOfTheModel(t *testing.T) {
	own, err := tokenizer.Bytes().WithTemplate(tokenizer.Template{Before: []int32{256}, After: []int32{256}})
	if err != nil {
		t.Fatal(err)
	}
	path := lines(t, `{"title":"A","sections":[{"sentences":["Bcd","E"]},{"sentences":["fghi"]}]}`, `{"title":"Z","sections":["Y"]}`)
	sets, err := checkAndOpen(&Config{Train: []string{path}, Validation: []string{path}, Query: []string{"title"},
		Passage: []string{"sections"}, Tokens: 7, TooLong: "truncate"},
		data.OpenOptions{Batch: 2, Seed: 1, Encoder: &data.Encoder{Tokenizer: own, LowerCase: true}})
	if err != nil {
		t.Fatal(err)
	}
	source, err := sets.Test()
	if err != nil {
		t.Fatal(err)
	}
	var b data.Batch
	if err := source.Next(&b); err != nil {
		t.Fatal(err)
	}
	want := []int32{256, 'a', 256, 256, 'b', 'c', 'd', '\n', 'e', 256, 256, 'z', 256, 256, 'y', 256}
	if !cmp.Equal(b.Tokens, want) || sets.Tokenizer != own {
		t.Errorf("tokens %v, want %v", b.Tokens, want)
	}
}

// Evaluations compare all pairs of a part, whatever the batch.
func TestCandidates(t *testing.T) {
	var all []string
	for i := range 9 {
		all = append(all, `{"query":"`+strings.Repeat("a", i+1)+`","passage":"b"}`)
	}
	for candidates, want := range map[int]int{0: 9, 4: 4} {
		path := lines(t, all...)
		sets, err := checkAndOpen(&Config{Train: []string{path}, Validation: []string{path}, Candidates: candidates}, data.OpenOptions{Batch: 2})
		if err != nil {
			t.Fatal(err)
		}
		source, err := sets.Test()
		if err != nil {
			t.Fatal(err)
		}
		var b data.Batch
		if err := source.Next(&b); err != nil || b.Sequences() != 2*want {
			t.Errorf("%d candidates: found %d sequences, %v, want %d", candidates, b.Sequences(), err, 2*want)
		}
	}
}

func TestRefuses(t *testing.T) {
	two := []string{`{"query":"abcdef","passage":"x"}`, `{"query":"b","passage":"y"}`}
	for _, c := range []struct {
		c    Config
		line []string
		want string
	}{
		{Config{Tokens: 6}, two, "line 1: the query has 6 tokens, and with tokens: 6 a text has room for 5; " +
			"raise tokens, or set too_long: truncate"},
		{Config{Tokens: 6, TooLong: "truncate", QueryPrompt: "query"}, two,
			"query_prompt has 5 tokens, and a query has room for 5: no text is left; shorten it, or raise tokens"},
		{Config{Tokens: 6, TooLong: "truncate", PassagePrompt: "passage"}, two, "passage_prompt has 7 tokens, and a passage has room for 5"},
		{Config{Passage: []string{"answer"}}, two, "found no text in the fields answer; the line has the fields query, passage"},
		{Config{}, []string{`{"query":"a","passage":3}`}, "the field passage is 3; expected text"},
		{Config{}, []string{`{"query":"","passage":"x"}`}, "found no text in the fields query"},
		{Config{}, two[:1], "train: found 1 pair, expected at least 2"},
		{Config{TooLong: "split"}, two, `too_long is "split"; use error or truncate`},
		{Config{Passage: []string{"query"}}, two, "passage and query are both the field query"},
		{Config{Tokens: 2}, two, "tokens is 2"},
		{Config{Candidates: 1}, two, "candidates is 1"},
		{Config{HoldOut: 2}, two, "hold_out and validation are given together"},
		{Config{Query: []string{"a"}}, nil, "given without train"},
	} {
		p := c.c
		if c.line != nil {
			p.Train = []string{lines(t, c.line...)}
			p.Validation = p.Train
		}
		if _, err := checkAndOpen(&p, data.OpenOptions{Batch: 2}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error\n  %v\nwant one with\n  %s", c.c, err, c.want)
		}
	}
	if _, err := checkAndOpen(&Config{}, data.OpenOptions{Batch: 1}); err == nil || !strings.Contains(err.Error(), "found a batch of 1 pair") {
		t.Errorf("a batch of one: error %v", err)
	}
}

// The documents in the program are pairs of titles and texts.
func TestDocumentsOfTheProgram(t *testing.T) {
	sets, err := checkAndOpen(&Config{Tokens: 512, TooLong: "truncate"}, data.OpenOptions{Batch: 4, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	var b data.Batch
	if err := sets.Train.Next(&b); err != nil || b.Sequences() != 8 {
		t.Errorf("found %d sequences, %v, want 8", b.Sequences(), err)
	}
}
