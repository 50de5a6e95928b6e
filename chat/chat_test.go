package chat_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/longspan/longspan/chat"
)

// golden is a case of testdata/golden.json, which golden.py makes.
type golden struct {
	Template  string                     `json:"template"`
	Name      string                     `json:"name"`
	Messages  json.RawMessage            `json:"messages"`
	Answer    bool                       `json:"answer"`
	Variables map[string]json.RawMessage `json:"variables"`
	Text      string                     `json:"text"`
	Error     string                     `json:"error"`
}

func goldens(t testing.TB) (all []golden) {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func template(t testing.TB, name string) *chat.Template {
	t.Helper()
	source, err := os.ReadFile("testdata/templates/" + name + ".jinja")
	if err != nil {
		t.Fatal(err)
	}
	made, err := chat.Parse(name, string(source), map[string]string{"bos_token": "<s>", "eos_token": "</s>"})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

var fixed = time.Date(2026, 3, 9, 14, 5, 6, 0, time.UTC)

func TestRenderIsThatOfTransformers(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.Template+"/"+g.Name, func(t *testing.T) {
			messages, err := chat.ParseMessages(g.Messages)
			if err != nil {
				t.Fatal(err)
			}
			text, err := template(t, g.Template).Render(messages, chat.Options{Answer: g.Answer, Variables: ordered(g.Variables), Now: fixed})
			if (err != nil) != (g.Error != "") || text != g.Text {
				t.Errorf("found %q\n%v\nexpected %q\n%s", text, err, g.Text, g.Error)
			}
			if strings.HasPrefix(g.Error, "Conversation roles") && !strings.Contains(err.Error(), g.Error) {
				t.Errorf("found the error %v, expected the words of the template: %s", err, g.Error)
			}
		})
	}
}

// ordered keeps the order of keys.
func ordered(variables map[string]json.RawMessage) map[string]any {
	all := map[string]any{}
	for name, v := range variables {
		all[name] = v
	}
	return all
}

func TestAfterAnswer(t *testing.T) {
	for name, want := range map[string]string{"smollm2": "<|im_end|>\n", "gemma3": "<end_of_turn>\n", "llama3_2": "<|eot_id|>",
		"zephyr": "</s>\n", "mistral": "</s>"} {
		if got := template(t, name).AfterAnswer(); got != want {
			t.Errorf("%s: found %q behind an answer, expected %q", name, got, want)
		}
	}
	if got := parse(t, "{{ raise_exception('no') }}").AfterAnswer(); got != "" {
		t.Errorf("found %q behind an answer that the template refuses, expected nothing", got)
	}
}

func parse(t testing.TB, source string) *chat.Template {
	t.Helper()
	made, err := chat.Parse("here", source, nil)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func refused(t *testing.T, what string, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: found no error, expected one with %q", what, parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: found the error %q, expected %q in it", what, err, part)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for source, part := range map[string]string{
		"{% include 'x' %}":                      `the tag "include"`,
		"{% import '/etc/passwd' as x %}":        `the tag "import"`,
		"{% extends 'x' %}":                      `the tag "extends"`,
		"{% for x in y recursive %}{% endfor %}": "recursive loop",
		"{{ f(*x) }}":                            "before an argument",
		"{{ 1 +":                                 "a tag without end",
		"a\n{{ 'x }}":                            "line 2",
		"{# x":                                   "a comment without end",
		"{% if x %}":                             "endif",
		"{{ }}":                                  "expected an expression",
		"{% break %}":                            "outside of a loop",
		"{{ 99999999999999999999 }}":             "64 bits",
		"{{ '\\ud800' }}":                        "the escape",
		"{{ " + strings.Repeat("(", 999) + "1" + strings.Repeat(")", 999) + " }}": "within one another",
		strings.Repeat("x", 2<<20): "1048576",
	} {
		_, err := chat.Parse("here", source, nil)
		refused(t, source[:min(40, len(source))], err, "chat template of here", part)
	}
}

func TestRenderRefuses(t *testing.T) {
	for source, part := range map[string]string{
		"{{ raise_exception('bad ' ~ 1) }}":               "refuses the conversation: bad 1",
		"\n{{ nope.x }}":                                  "line 2: found the attribute x of nope",
		"{{ messages.append(1) }}":                        "append, which changes",
		"{{ 'x'.zfill(3) }}":                              "zfill",
		"{{ 1 + 'x' }}":                                   "an int + a string",
		"{{ ('b' | safe).x }}":                            "the attribute x of text behind",
		"{{ 'b' | safe | trim }}":                         "before the filter strip",
		"{{ x | shout }}":                                 `the filter "shout"`,
		"{{ x is mood }}":                                 `the test "mood"`,
		"{{ '{x}'.format(1) }}":                           "the field {x}",
		"{{ '{'.format(1) }}":                             "a single brace",
		"{{ 1 // 0 }}":                                    "division by 0",
		"{{ nope() }}":                                    "a call of nope",
		"{{ 9223372036854775807 + 1 }}":                   "64 bits",
		"{{ strftime_now('%Q') }}":                        "directive",
		"{{ [1, 'a'] | sort }}":                           "to compare",
		"{{ 'x' | map('nope') }}":                         `the filter "nope"`,
		"{{ messages | tojson(indnt=2) }}":                "the argument indnt",
		"{{ range(1000000) }}":                            "more than 100000",
		"{{ 'x' * 1000000000 * 1000000000 }}":             "bytes of text",
		"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}": "within one another",
		"{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}":                     "steps",
		"{% set n = namespace(x='x') %}{% for a in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}":      "bytes of text",
		"{% set n = namespace(x=[]) %}{% for a in range(999) %}{% set n.x = [n.x] %}{% endfor %}{{ n.x }}": "lists or dicts within",
		"{{ " + strings.Repeat("1+", 9999) + "1 }}":                                                        "within one another",
	} {
		_, err := parse(t, source).Render([]chat.Message{{Role: "user", Content: "x"}}, chat.Options{})
		refused(t, source[:min(60, len(source))], err, "chat template of here", part)
	}
	x := parse(t, "{{ messages }}")
	_, err := x.Render([]chat.Message{{Role: "user", Content: "\xff"}}, chat.Options{})
	refused(t, "bytes", err, "message 0", "UTF-8")
	_, err = x.Render([]chat.Message{{JSON: json.RawMessage("[]")}}, chat.Options{})
	refused(t, "a list as a message", err, "no object")
	_, err = x.Render(nil, chat.Options{Variables: map[string]any{"messages": 1}})
	refused(t, "a variable", err, "messages")
	_, err = x.Render(nil, chat.Options{Variables: map[string]any{"x": func() {}}})
	refused(t, "a function", err, "the variable x")
}

func TestParseMessages(t *testing.T) {
	messages, err := chat.ParseMessages([]byte(`[{"role":"user","content":"a"},{"role":"user","content":null},` +
		`{"content":"b","role":"x","name":"n"}]`))
	if err != nil || len(messages) != 3 || messages[0].Content != "a" || messages[0].JSON != nil || messages[1].JSON == nil ||
		messages[2].JSON == nil {
		t.Errorf("found %+v, %v", messages, err)
	}
	for document, part := range map[string]string{"{}": "array", "[]": "without messages", "[1]": "message 0", "[null]": "message 0",
		`[{"role":"user","content":"a"},{}]`: "message 1: found no role", "[": "JSON"} {
		_, err := chat.ParseMessages([]byte(document))
		refused(t, document, err, part)
	}
}

// FuzzRender looks for a panic, and for work without bounds.
func FuzzRender(f *testing.F) {
	seen := map[string]bool{}
	for _, g := range goldens(f) {
		source, err := os.ReadFile("testdata/templates/" + g.Template + ".jinja")
		if err != nil {
			f.Fatal(err)
		}
		if !seen[g.Template] {
			f.Add(string(source), string(g.Messages))
		}
		seen[g.Template] = true
	}
	f.Add("{% for a, b in messages[0].items() %}{{ a[::-1] ~ b | indent(2) }}{% endfor %}", `[{"role":"user","content":["a",{"b":1.5}]}]`)
	f.Fuzz(func(t *testing.T, source, conversation string) {
		made, err := chat.Parse("fuzz", source, map[string]string{"bos_token": "<s>"})
		if err != nil {
			return
		}
		messages, err := chat.ParseMessages([]byte(conversation))
		if err != nil {
			messages = []chat.Message{{Role: "user", Content: strings.ToValidUTF8(conversation, "")}}
		}
		_, _ = made.Render(messages, chat.Options{Answer: true, Now: fixed})
		_ = made.AfterAnswer()
	})
}
