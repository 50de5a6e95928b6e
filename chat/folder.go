package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/longspan/longspan/internal/smallfile"
)

// Source is the chat templates of a model as its files have them. They are parsed when they are asked for: a model is of use without them.
type Source struct {
	Where     string            // the file or folder, for errors
	Templates map[string]string // by name; the usual one is Default
	Tokens    map[string]string // special tokens by the names of tokenizer_config.json, such as bos_token
}

// Default is the name of the usual template of a model. Some have others beside it, such as tool_use.
const Default = "default"

// Template parses a template; an empty name is Default.
func (s Source) Template(name string) (*Template, error) {
	if name == "" {
		name = Default
	}
	text, ok := s.Templates[name]
	switch {
	case ok:
		return Parse(s.Where, text, s.Tokens)
	case len(s.Templates) == 0:
		return nil, fmt.Errorf("chat: %s has no chat template, expected one in tokenizer_config.json or chat_template.jinja; "+
			"it may be a base model, which continues text", s.Where)
	}
	return nil, fmt.Errorf("chat: %s has no chat template %q, expected one of %s", s.Where, name, strings.Join(s.Names(), ", "))
}

// Names lists the templates, in order.
func (s Source) Names() []string {
	var names []string
	for name := range s.Templates {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// The files of a folder in Hugging Face's form that have templates. The file of a template counts more than the key chat_template.
const (
	configFile     = "tokenizer_config.json"
	templateFile   = "chat_template.jinja"
	templateFolder = "additional_chat_templates"
)

// maxFile is the largest number of bytes of a file. The tokenizer_config.json of Gemma 3 has 1.2 MB.
const maxFile = 16 << 20

// ReadFolder reads the templates of a folder. A folder without any is no error.
func ReadFolder(dir string) (Source, error) {
	s := Source{Where: dir, Templates: map[string]string{}, Tokens: map[string]string{}}
	if err := s.readConfig(filepath.Join(dir, configFile)); err != nil {
		return s, err
	}
	paths, err := filepath.Glob(filepath.Join(escapeGlob(dir), templateFolder, "*.jinja"))
	if err != nil {
		return s, fmt.Errorf("chat: %w", err)
	}
	for _, path := range append([]string{filepath.Join(dir, templateFile)}, paths...) {
		text, err := readFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return s, err
		}
		name := Default
		if filepath.Base(path) != templateFile || filepath.Dir(path) != filepath.Clean(dir) {
			name = strings.TrimSuffix(filepath.Base(path), ".jinja")
		}
		s.Templates[name] = string(text)
	}
	return s, nil
}

// escapeGlob makes a path a pattern of itself.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// readFile reads a file of at most maxFile bytes.
func readFile(path string) ([]byte, error) {
	text, err := smallfile.Read(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	return text, nil
}

// Config is the text of a tokenizer_config.json that has the templates and the special tokens of s: ReadFolder reads them from it.
func (s Source) Config() ([]byte, error) {
	type named struct {
		Name     string `json:"name"`
		Template string `json:"template"`
	}
	templates := []named{}
	for _, name := range s.Names() {
		templates = append(templates, named{name, s.Templates[name]})
	}
	keys := map[string]any{}
	if len(templates) > 0 {
		keys["chat_template"] = templates
	}
	for name, token := range s.Tokens {
		keys[name] = token
	}
	text, err := json.MarshalIndent(keys, "", "  ")
	return append(text, '\n'), err
}

// tokenNames are the keys of special tokens.
var tokenNames = []string{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}

// readConfig reads the templates and the special tokens of tokenizer_config.json.
func (s *Source) readConfig(path string) error {
	text, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		return fmt.Errorf("chat: %s: %w", path, err)
	}
	for _, name := range tokenNames {
		if token, ok := tokenText(keys[name]); ok {
			s.Tokens[name] = token
		}
	}
	if err := s.addTemplates(keys["chat_template"]); err != nil {
		return fmt.Errorf("chat: %s: %w", path, err)
	}
	return nil
}

// tokenText is the text of a special token: a text, or an object with its content.
func tokenText(raw json.RawMessage) (string, bool) {
	var text *string
	if json.Unmarshal(raw, &text) == nil && text != nil {
		return *text, true
	}
	var object struct {
		Content *string `json:"content"`
	}
	if json.Unmarshal(raw, &object) == nil && object.Content != nil {
		return *object.Content, true
	}
	return "", false
}

// addTemplates reads one template, or several with names.
func (s *Source) addTemplates(raw json.RawMessage) error {
	if raw == nil || string(raw) == "null" {
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		s.Templates[Default] = text
		return nil
	}
	var several []struct{ Name, Template string }
	if err := json.Unmarshal(raw, &several); err != nil {
		return errors.New("chat_template: found neither a text nor a list of objects with name and template, expected one of them")
	}
	for _, t := range several {
		s.Templates[t.Name] = t.Template
	}
	return nil
}
