package pairs

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

func checkAndOpen(c *Config, batch int) (*data.Bundle, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	return c.Open(data.OpenOptions{Batch: batch, Seed: 1})
}

func open(t *testing.T, batch int, c *Config) *data.Bundle {
	t.Helper()
	b, err := checkAndOpen(c, batch)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBatch(t *testing.T) {
	path := lines(t, `{"source":"abc","target":"xy"}`, `{"target":"é","source":"defg"}`, `{"source":"12345678","target":"987654"}`)
	sets := open(t, 3, &Config{Train: []string{path}, Validation: []string{path}, Tokens: 6, TooLong: "truncate"})
	source, err := sets.Validation()
	if err != nil {
		t.Fatal(err)
	}
	var b data.Batch
	if err := source.Next(&b); err != nil {
		t.Fatal(err)
	}
	if err := b.Check(sets.Tokenizer.Vocab()); err != nil {
		t.Fatal(err)
	}
	want := data.Batch{
		Tokens:  []int32{256, 'x', 'y', 256, 0xc3, 0xa9, 256, '9', '8', '7', '6', '5'},
		Targets: []int32{'x', 'y', 256, 0xc3, 0xa9, 256, '9', '8', '7', '6', '5', data.Ignore},
		Lengths: []int{3, 3, 6},
		Source: &data.Batch{
			Tokens:  []int32{256, 'a', 'b', 'c', 256, 256, 'd', 'e', 'f', 'g', 256, 256, '1', '2', '3', '4', 256},
			Lengths: []int{5, 6, 6},
		},
	}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Errorf("the batch (-want +got):\n%s", diff)
	}
	var notes []string
	for _, part := range []string{"train", "validation"} {
		notes = append(notes, part+": 1 of 3 sources are longer than 6 tokens, and were truncated: 4 bytes are left out",
			part+": 1 of 3 targets are longer than 6 tokens, and were truncated: 1 bytes are left out")
	}
	if !cmp.Equal(sets.Notes, notes) {
		t.Errorf("notes %q, want %q", sets.Notes, notes)
	}
	if got, err := sets.Tokenizer.EncodeDocument("abc"); err != nil || !cmp.Equal(got.IDs, want.Source.Tokens[:5]) {
		t.Errorf("a prompt is read as %v, %v; want the source %v", got.IDs, err, want.Source.Tokens[:5])
	}
	// A batch that is read again holds nothing of what it held.
	if err := sets.Train.Next(&b); err != nil || b.Source.Sequences() != 3 || b.Check(sets.Tokenizer.Vocab()) != nil {
		t.Errorf("read again, the batch has %d sources: %v", b.Source.Sequences(), err)
	}
}

// A model's tokenizer makes the tokens, the special ones of sources and of targets stay where a text is cut, and the two sides have lengths
// of their own.
func TestTokenizerOfTheModel(t *testing.T) {
	own, err := tokenizer.Bytes().WithTemplate(tokenizer.Template{Before: []int32{256}, After: []int32{256}})
	if err != nil {
		t.Fatal(err)
	}
	e := &data.Encoder{Tokenizer: own, LowerCase: true, Target: &data.Around{Start: 3, Before: []int32{4}, After: []int32{5, 6}}}
	path := lines(t, `{"source":"ABCDE","target":"xy"}`, `{"source":"f","target":"1234"}`)
	c := &Config{Train: []string{path}, Validation: []string{path}, SourcePrompt: "q:", Tokens: 7, TargetTokens: 6, TooLong: "truncate"}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	sets, err := c.Open(data.OpenOptions{Batch: 2, Seed: 1, Encoder: e})
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
		Tokens:  []int32{3, 4, 'x', 'y', 5, 3, 4, '1', '2', '3'},
		Targets: []int32{4, 'x', 'y', 5, 6, 4, '1', '2', '3', data.Ignore},
		Lengths: []int{5, 5},
		Source:  &data.Batch{Tokens: []int32{256, 'q', ':', 'a', 'b', 'c', 256, 256, 'q', ':', 'f', 256}, Lengths: []int{7, 5}},
	}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Errorf("the batch (-want +got):\n%s", diff)
	}
	notes := strings.Join(sets.Notes, "\n")
	for _, note := range []string{"train: 1 of 2 sources are longer than 7 tokens, and were truncated: 2 tokens are left out",
		"train: 1 of 2 targets are longer than 6 tokens, and were truncated: 1 tokens are left out"} {
		if !strings.Contains(notes, note) || sets.Tokens != 7 || sets.Targets != 6 || sets.Tokenizer != own {
			t.Errorf("notes %q, tokens %d and %d; want %q", notes, sets.Tokens, sets.Targets, note)
		}
	}
	c.TooLong = ""
	for _, r := range []struct {
		tokens, targets int
		e               *data.Encoder
		want            string
	}{
		{20, 6, e, "line 2: the target has 4 tokens, and with target_tokens: 6 a sequence has room for 3; raise target_tokens, or set too_long"},
		{20, 3, e, "found targets of 3 tokens, of which 3 are special, expected more; raise target_tokens"},
		{20, 9, &data.Encoder{Tokenizer: own}, "found the tokenizer of a model that reads no source, expected that of an encoder-decoder"},
	} {
		c.Tokens, c.TargetTokens = r.tokens, r.targets
		if _, err := c.Open(data.OpenOptions{Batch: 2, Encoder: r.e}); err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%+v: error %v, want one with %q", r, err, r.want)
		}
	}
}

func TestRefuses(t *testing.T) {
	one := []string{`{"source":"abcdef","target":"x"}`}
	for _, c := range []struct {
		p    Config
		line []string
		want string
	}{
		{Config{Tokens: 7}, one, "line 1: the source has 6 bytes, and with tokens: 7 a sequence has room for " +
			"5; raise tokens, or set too_long: truncate"},
		{Config{Tokens: 3, Source: "target", Target: "source"}, one,
			"line 1: the target has 6 bytes, and with tokens: 3 a sequence has room for 2"},
		{Config{Target: "answer"}, one, "found no text in the fields answer; the line has the fields source, target"},
		{Config{}, []string{`{"source":"a","target":3}`}, "the field target is 3; expected text"},
		{Config{TooLong: "split"}, one, `too_long is "split"; use error or truncate`},
		{Config{Target: "source"}, one, "target and source are both the field source"},
		{Config{Tokens: 2}, one, "tokens is 2"},
		{Config{TargetTokens: 1}, one, "target_tokens is 1; a target needs at least 2"},
		{Config{HoldOut: 2}, one, "hold_out and validation are given together"},
		{Config{Source: "a"}, nil, "given without train"},
	} {
		p := c.p
		if c.line != nil {
			p.Train = []string{lines(t, c.line...)}
			p.Validation = p.Train
		}
		if _, err := checkAndOpen(&p, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error\n  %v\nwant one with\n  %s", c.p, err, c.want)
		}
	}
}
