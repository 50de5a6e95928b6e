package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/chat"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tokenizer"
)

// promptFlags are the flags of a prompt or a conversation.
type promptFlags struct {
	file      string
	raw, chat bool
	system    string
	turns     []string
	messages  string
	template  string
	set       []string
}

func (p *promptFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&p.file, "file", "", "file of the prompt; - is standard input")
	f.BoolVar(&p.raw, "raw", false, "continue the prompt as it stands, without special tokens")
	f.BoolVar(&p.chat, "chat", false, "answer the prompt by the chat template")
	f.StringVar(&p.system, "system", "", "what the system says before a conversation")
	f.StringArrayVar(&p.turns, "message", nil, "what the user says; given several times, user and assistant take turns")
	f.StringVar(&p.messages, "messages", "", "file of a conversation: a JSON array of objects with role and content; - is standard input")
	f.StringVar(&p.template, "template", "", "name of the chat template, of models that have several (default: the usual one)")
	f.StringArrayVar(&p.set, "template-set", nil, "a variable of the chat template, such as enable_thinking=false; the value is JSON")
}

// conversation reports whether the model answers, and does not continue.
func (p *promptFlags) conversation() bool {
	return p.chat || p.system != "" || len(p.turns) > 0 || p.messages != ""
}

// read returns the prompt, and sets the conversation of options.
func (p *promptFlags) read(o *model.GenerateOptions, prompt []string) (text string, err error) {
	switch {
	case p.raw && p.conversation():
		return "", errors.New("found --raw and a conversation, expected one of them")
	case !p.conversation() && (p.template != "" || len(p.set) > 0):
		return "", errors.New("found --template or --template-set without a conversation, expected --chat too")
	case len(prompt) > 0 && p.file != "":
		return "", errors.New("found a prompt and --file, expected one of them")
	case p.file == "-" && p.messages == "-":
		return "", errors.New("found --file - and --messages -, expected one of them: there is one standard input")
	case len(prompt) > 0:
		text = prompt[0]
	case p.file != "":
		text, err = readText(p.file)
	case len(p.turns) == 0 && p.messages == "" && !isTerminal(os.Stdin):
		text, err = readText("-")
	}
	if err != nil {
		return "", err
	}
	if len(prompt) == 0 && !p.raw {
		text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	}
	o.Raw = p.raw
	if !p.conversation() {
		return text, nil
	}
	return "", p.converse(o, text)
}

// converse sets the conversation of options, which a text ends.
func (p *promptFlags) converse(o *model.GenerateOptions, text string) (err error) {
	if p.messages != "" {
		document, err := readText(p.messages)
		if err != nil {
			return err
		}
		if o.Messages, err = chat.ParseMessages([]byte(document)); err != nil {
			return fmt.Errorf("--messages %s: %w", p.messages, err)
		}
	}
	if p.system != "" {
		o.Messages = append([]chat.Message{{Role: "system", Content: p.system}}, o.Messages...)
	}
	for i, turn := range p.turns {
		o.Messages = append(o.Messages, chat.Message{Role: []string{"user", "assistant"}[i%2], Content: turn})
	}
	if text != "" {
		o.Messages = append(o.Messages, chat.Message{Role: "user", Content: text})
	}
	if n := len(o.Messages); n == 0 || o.Messages[n-1].Role == "system" {
		return errors.New("found nothing that the user says, expected a prompt or --message")
	}
	o.Template = p.template
	o.Chat.Variables, err = p.variables()
	return err
}

// variables are those of --template-set.
func (p *promptFlags) variables() (map[string]any, error) {
	all := map[string]any{}
	for _, s := range p.set {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" || !json.Valid([]byte(value)) {
			return nil, fmt.Errorf("found --template-set %s, expected a name, = and a value of JSON, such as enable_thinking=false", s)
		}
		all[name] = json.RawMessage(value)
	}
	return all, nil
}

// readText reads a file, or standard input for -, of at most as many bytes as a tokenizer reads.
func readText(name string) (string, error) {
	in := os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, tokenizer.MaxText+1))
	if err == nil && len(text) > tokenizer.MaxText {
		err = fmt.Errorf("%s: found more than %d bytes, expected at most so many", name, tokenizer.MaxText)
	}
	return string(text), err
}
