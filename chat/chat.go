// Package chat turns a conversation into the text that a chat model reads, by the chat template of the model.
//
//	t, err := chat.Parse("tokenizer_config.json", source, map[string]string{"bos_token": "<s>"})
//	text, err := t.Render([]chat.Message{{Role: "user", Content: "Why is the sky blue?"}}, chat.Options{Answer: true})
//
// A template is written in Jinja. What a template uses and this package does not have is an error that names it; the text is never a
// guess. A template reads nothing but the conversation: its work and its text are bounded.
package chat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/longspan/longspan/chat/internal/jinja"
)

// Message is what one side says. The usual roles are system, user and assistant; a template may refuse others.
type Message struct {
	Role    string
	Content string

	// JSON is the whole message, an object, where it has more than a role and a text: parts of several kinds, calls of tools, reasoning.
	// Role and Content are then not read. Nil: it has not.
	JSON json.RawMessage
}

// Template is a chat template. Any number of goroutines may use it.
type Template struct {
	name   string
	parsed *jinja.Template
	tokens map[string]string
}

// Options set what a text is rendered for. The zero value renders the conversation as it stands.
type Options struct {
	Answer    bool           // the text ends where the assistant's answer begins: add_generation_prompt
	Variables map[string]any // more variables of the template, such as enable_thinking and tools, as JSON has them
	Now       time.Time      // the time of templates that write the date; zero: that of the call
}

// Parse parses a template. name says where it comes from, for errors. tokens are the special tokens that the template may write, by the
// names of tokenizer_config.json, such as bos_token.
func Parse(name, source string, tokens map[string]string) (*Template, error) {
	parsed, err := jinja.Parse(source)
	if err != nil {
		return nil, fmt.Errorf("chat: the chat template of %s: %w", name, err)
	}
	return &Template{name: name, parsed: parsed, tokens: tokens}, nil
}

// Render returns the text of a conversation. It returns an error if the template refuses the conversation, as many do where roles do not
// alternate, if it uses what is not supported, and if its work has no bounds.
func (t *Template) Render(messages []Message, o Options) (string, error) {
	variables, size, err := t.variables(messages, o)
	if err != nil {
		return "", err
	}
	text, err := t.parsed.Render(variables, size)
	if raised := (*jinja.Raised)(nil); errors.As(err, &raised) {
		return "", fmt.Errorf("chat: the chat template of %s refuses the conversation: %s", t.name, raised.Message)
	}
	if err != nil {
		return "", fmt.Errorf("chat: the chat template of %s: %w", t.name, err)
	}
	return text, nil
}

// variables are those of the template, and their bytes.
func (t *Template) variables(messages []Message, o Options) (variables map[string]any, size int, err error) {
	list := []any{}
	for i, m := range messages {
		if err := m.check(); err != nil {
			return nil, 0, fmt.Errorf("chat: message %d: %w", i, err)
		}
		if m.JSON != nil {
			list = append(list, m.JSON)
			continue
		}
		list = append(list, struct {
			Role    string `json:"role"`
			Content string `json:"content"`
		}{m.Role, m.Content})
	}
	// As transformers has it, tools and documents are always defined.
	given := map[string]any{"messages": list, "add_generation_prompt": o.Answer, "tools": nil, "documents": nil}
	for name, token := range t.tokens {
		given[name] = token
	}
	for name, v := range o.Variables {
		if name == "messages" || name == "add_generation_prompt" {
			return nil, 0, fmt.Errorf("chat: found the variable %s, expected others: it is set by the conversation", name)
		}
		given[name] = v
	}
	variables = map[string]any{}
	for name, v := range given {
		document, err := marshal(v)
		if err != nil {
			return nil, 0, fmt.Errorf("chat: the variable %s: %w", name, err)
		}
		size += len(document)
		if variables[name], err = jinja.FromJSON(document); err != nil {
			return nil, 0, fmt.Errorf("chat: the variable %s: %w", name, err)
		}
	}
	now := o.Now
	if now.IsZero() {
		now = time.Now()
	}
	variables["strftime_now"] = jinja.Function("strftime_now", func(format string) (string, error) { return strftime(now, format) })
	return variables, size, nil
}

// check refuses text that JSON would change silently.
func (m Message) check() error {
	if !utf8.ValidString(m.Role) || !utf8.ValidString(m.Content) || !utf8.Valid(m.JSON) {
		return errors.New("found bytes that are not UTF-8, expected text")
	}
	if m.JSON == nil {
		return nil
	}
	if t := bytes.TrimSpace(m.JSON); len(t) == 0 || t[0] != '{' {
		return fmt.Errorf("found a message that is no object of JSON, expected one, such as %s", `{"role": "user", "content": "Hello"}`)
	}
	return nil
}

// marshal is JSON without escapes for HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// ParseMessages reads a conversation: a JSON array of messages, as chat services take them.
func ParseMessages(document []byte) ([]Message, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(document, &raw); err != nil {
		return nil, fmt.Errorf("chat: the conversation: %w; expected a JSON array such as %s", err, `[{"role": "user", "content": "Hello"}]`)
	}
	if len(raw) == 0 {
		return nil, errors.New("chat: found a conversation without messages, expected at least one")
	}
	messages := make([]Message, len(raw))
	for i, r := range raw {
		var keys map[string]json.RawMessage
		if err := json.Unmarshal(r, &keys); err != nil || keys == nil {
			return nil, fmt.Errorf("chat: message %d: found %.40s, expected an object with a role and a content", i, r)
		}
		m := &messages[i]
		if err := json.Unmarshal(keys["role"], &m.Role); keys["role"] == nil || err != nil || m.Role == "" {
			return nil, fmt.Errorf("chat: message %d: found no role, expected a text such as user", i)
		}
		if len(keys) == 2 && json.Unmarshal(keys["content"], &m.Content) == nil && string(keys["content"]) != "null" {
			continue
		}
		m.JSON = r
	}
	return messages, nil
}

// answerMark stands for an answer; no template has it.
const answerMark = "\x02longspan\x03"

// AfterAnswer returns what the template writes behind the answer of the assistant: the special token that ends it, and more. A chat model
// ends its answer with that token. It is empty if the template cannot tell.
func (t *Template) AfterAnswer() string {
	messages := []Message{{Role: "user", Content: "Hello"}, {Role: "assistant", Content: answerMark}}
	text, err := t.Render(messages, Options{})
	if err != nil {
		return ""
	}
	_, after, found := bytes.Cut([]byte(text), []byte(answerMark))
	if !found {
		return ""
	}
	return string(after)
}
