package model

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/chat"
	"github.com/longspan/longspan/sampling"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// talker is a byte model in a folder with a chat template.
func talker(t *testing.T, template string) *Model {
	t.Helper()
	m, err := New(Config{Kind: Decoder, Vocab: 257, Width: 16, Layers: 1, Heads: 1}, Options{Tokenizer: tokenizer.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := m.Save(dir, tensor.F32); err != nil {
		t.Fatal(err)
	}
	if template != "" {
		if err := os.WriteFile(filepath.Join(dir, "chat_template.jinja"), []byte(template), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	opened, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	return opened
}

func TestPromptOfAConversation(t *testing.T) {
	m := talker(t, "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}>{{ x }}{% endif %}")
	o := GenerateOptions{Messages: []chat.Message{{Role: "system", Content: "s"}}, Chat: chat.Options{Variables: map[string]any{"x": "!"}}}
	p, err := m.Prompt("hi", o)
	if err != nil {
		t.Fatal(err)
	}
	if p.Text != "[system]s[user]hi>!" || len(p.Tokens) != len(p.Text) || !slices.Equal(p.Ends, []int32{256}) {
		t.Errorf("found %+v", p)
	}
	o.Ends = []int32{'x'}
	if p, err := m.Prompt("hi", o); err != nil || !slices.Equal(p.Ends, o.Ends) {
		t.Errorf("found the ends %v, %v, expected those of the options", p.Ends, err)
	}
	o.Ends, o.PastEnd = nil, true
	if p, err := m.Prompt("hi", o); err != nil || len(p.Ends) > 0 {
		t.Errorf("found the ends %v, %v, expected none", p.Ends, err)
	}
	raw, err := m.Prompt("hi", GenerateOptions{Raw: true})
	if err != nil || len(raw.Tokens) != 2 {
		t.Errorf("as it stands: found %+v, %v, expected 2 tokens", raw, err)
	}
}

func TestPromptRefuses(t *testing.T) {
	talk := []chat.Message{{Role: "user", Content: "a"}}
	bare, err := New(Config{Kind: Decoder, Vocab: 257, Width: 16, Layers: 1, Heads: 1}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for part, c := range map[string]struct {
		m      *Model
		prompt string
		o      GenerateOptions
	}{
		"has no chat template":    {talker(t, ""), "", GenerateOptions{Messages: talk}},
		"no chat template \"x\"":  {talker(t, "a"), "", GenerateOptions{Messages: talk, Template: "x"}},
		"as it stands":            {talker(t, "a"), "", GenerateOptions{Messages: talk, Raw: true}},
		"include":                 {talker(t, "{% include 'a' %}"), "", GenerateOptions{Messages: talk}},
		"refuses the conversatio": {talker(t, "{{ raise_exception('x') }}"), "", GenerateOptions{Messages: talk}},
		"the prompt is empty":     {talker(t, "{{ nothing }}"), "", GenerateOptions{Messages: talk}},
		"without a tokenizer":     {bare, "", GenerateOptions{Messages: talk}},
		"an empty stop string":    {bare, "a", GenerateOptions{Stop: []string{""}}},
		"found -1 tokens":         {bare, "a", GenerateOptions{Tokens: -1}},
	} {
		if _, err := c.m.Prompt(c.prompt, c.o); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: found the error %v", part, err)
		}
	}
}

// A saved model keeps its chat templates and its ends.
func TestSavedModelsKeepTheirTemplates(t *testing.T) {
	m := talker(t, "{{ bos_token }}[{{ messages[0].content }}]")
	m.generation.chat.Tokens["bos_token"] = "<s>"
	m.generation.chat.Templates["tool_use"] = "other"
	m.generation.ends = []int32{7, 256}
	dir := t.TempDir()
	if err := m.Save(dir, tensor.F32); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	p, err := again.Prompt("hi", GenerateOptions{Messages: []chat.Message{{Role: "user", Content: "a"}}})
	if err != nil || p.Text != "<s>[a]" || !slices.Equal(p.Ends, []int32{7, 256}) || !slices.Equal(again.ChatTemplates(), m.ChatTemplates()) {
		t.Errorf("found %+v, %v and the templates %q", p, err, again.ChatTemplates())
	}
	again.generation.err = os.ErrInvalid
	if err := again.Save(t.TempDir(), tensor.F32); err == nil {
		t.Error("saved a model whose templates could not be read")
	}
}

// A text ends at a stop string, which may come across tokens, and is no part of it.
func TestGenerateStops(t *testing.T) {
	m := talker(t, "")
	o := GenerateOptions{Tokens: 60, PastEnd: true, Sampling: sampling.Config{Seed: 3}}
	all, err := m.Generate(context.Background(), "a", o)
	if err != nil || all.StoppedBy != StoppedByTokens || len(all.Tokens) != 60 || all.PromptTokens != 2 {
		t.Fatalf("found %+v, %v", all, err)
	}
	middle := []rune(all.Text)
	at := len(string(middle[:20]))
	o.Stop = []string{all.Text[at : at+len(string(middle[20:24]))], "never in the text of a model"}
	first := strings.Index(all.Text, o.Stop[0])
	var live strings.Builder
	o.Token = func(_ int32, text string) error { live.WriteString(text); return nil }
	got, err := m.Generate(context.Background(), "a", o)
	if err != nil || got.StoppedBy != StoppedByStop || got.Stop != o.Stop[0] || got.Text != all.Text[:first] || live.String() != got.Text {
		t.Errorf("found %+v, %v and %q live, expected %q", got, err, live.String(), all.Text[:first])
	}
	o = GenerateOptions{Tokens: 60, Ends: []int32{all.Tokens[9]}, Sampling: o.Sampling}
	got, err = m.Generate(context.Background(), "a", o)
	if n := slices.Index(all.Tokens, all.Tokens[9]) + 1; err != nil || got.StoppedBy != StoppedByEnd || len(got.Tokens) != n {
		t.Errorf("found %d tokens, %s, %v, expected %d", len(got.Tokens), got.StoppedBy, err, n)
	}
}

// The ids that end a text come from the files beside the weights.
func TestReadEnds(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.json")
	for text, want := range map[string][]int32{`{"eos_token_id": 7}`: {7}, `{"eos_token_id": [1, 106]}`: {1, 106},
		`{"eos_token_id": null}`: nil, `{}`: nil} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := readEnds(path); !slices.Equal(got, want) || err != nil {
			t.Errorf("%s: found %v, %v, expected %v", text, got, err, want)
		}
	}
	for text, part := range map[string]string{`{"eos_token_id": "x"}`: "expected an id or a list", "{": "JSON"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := readEnds(path); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: found the error %v, expected %q in it", text, err, part)
		}
	}
	if ids, err := readEnds(filepath.Join(dir, "none")); ids != nil || err != nil {
		t.Errorf("a file that is not there gives %v, %v", ids, err)
	}
}
