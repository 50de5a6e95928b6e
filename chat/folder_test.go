package chat_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/chat"
)

// folder writes files to a new folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a[b]*")
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadFolder(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		names []string
		text  string // of the usual template
	}{
		"one": {map[string]string{"tokenizer_config.json": `{"chat_template": "{{ bos_token }}one", "bos_token": {"content": "<b>"}}`},
			[]string{"default"}, "<b>one"},
		"several": {map[string]string{"tokenizer_config.json": `{"bos_token": null, "chat_template": [
			{"name": "default", "template": "{{ bos_token }}two"}, {"name": "tool_use", "template": "x"}]}`},
			[]string{"default", "tool_use"}, "two"},
		"file first": {map[string]string{"tokenizer_config.json": `{"chat_template": "one", "eos_token": "</s>"}`,
			"chat_template.jinja": "three{{ eos_token }}", "additional_chat_templates/rag.jinja": "r"}, []string{"default", "rag"}, "three</s>"},
	} {
		s, err := chat.ReadFolder(folder(t, c.files))
		if err != nil || !slices.Equal(s.Names(), c.names) {
			t.Errorf("%s: found the templates %v, %v, expected %v", name, s.Names(), err, c.names)
			continue
		}
		made, err := s.Template("")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if text, err := made.Render(nil, chat.Options{}); text != c.text || err != nil {
			t.Errorf("%s: found %q, %v, expected %q", name, text, err, c.text)
		}
	}
}

func TestReadFolderRefuses(t *testing.T) {
	for part, text := range map[string]string{"end of JSON": "{", "chat_template": `{"chat_template": 7}`,
		"more than 16777216 bytes": strings.Repeat(" ", 17<<20)} {
		_, err := chat.ReadFolder(folder(t, map[string]string{"tokenizer_config.json": text}))
		refused(t, part, err, part, "tokenizer_config.json")
	}
	s, err := chat.ReadFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Template("")
	refused(t, "none", err, "no chat template", "base model")
	s.Templates["a"] = "{% nope %}"
	_, err = s.Template("")
	refused(t, "no usual one", err, `no chat template "default"`, "expected one of a")
	_, err = s.Template("a")
	refused(t, "a bad one", err, "nope")
}

// FuzzReadFolder looks for a panic in tokenizer_config.json.
func FuzzReadFolder(f *testing.F) {
	f.Add(`{"chat_template": "{{ bos_token }}one", "bos_token": {"content": "<b>"}}`)
	f.Add(`{"bos_token": null, "chat_template": [{"name": "default", "template": "x"}, {"name": "tool_use", "template": 7}]}`)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := chat.ReadFolder(dir)
		if err != nil {
			return
		}
		for _, name := range append(s.Names(), "") {
			if made, err := s.Template(name); err == nil {
				_, _ = made.Render(nil, chat.Options{Answer: true})
			}
		}
	})
}

// FuzzParseMessages looks for a panic, and for messages that a template cannot have.
func FuzzParseMessages(f *testing.F) {
	f.Add(`[{"role":"user","content":"a"},{"role":"user","content":null,"n":[1,{"b":1e3}]}]`)
	template := parse(f, "{% for m in messages %}{{ m.role }}{{ m.content }}{{ m | tojson }}{% endfor %}")
	f.Fuzz(func(t *testing.T, document string) {
		messages, err := chat.ParseMessages([]byte(document))
		if err == nil {
			_, _ = template.Render(messages, chat.Options{})
		}
	})
}
