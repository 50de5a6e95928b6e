package model

import (
	"errors"
	"fmt"
	"slices"

	"github.com/longspan/longspan/chat"
	"github.com/longspan/longspan/tokenizer"
)

// Prompt is what a generation begins with.
type Prompt struct {
	Text   string  // that the tokens are of, as the chat template made it
	Source []int32 // of an encoder-decoder
	Tokens []int32 // that the model continues
	Ends   []int32 // tokens that end the text
}

// Prompt returns what a generation begins with. Errors are those of [Session.Generate].
func (m *Model) Prompt(prompt string, o GenerateOptions) (p Prompt, err error) {
	if _, err := o.check(); err != nil {
		return p, err
	}
	p.Text = prompt
	switch {
	case len(o.Messages) > 0 && o.Raw:
		return p, errors.New("model: found a conversation and a prompt as it stands, expected one of them")
	case len(o.Messages) > 0:
		return m.chatPrompt(prompt, o)
	case o.Raw:
		p.Tokens, err = m.plain(prompt)
	default:
		p.Source, p.Tokens, err = m.ReadPrompt(prompt)
	}
	if err != nil {
		return p, err
	}
	p.Ends, err = m.endsOf(o)
	return p, err
}

// endsOf are the tokens that end a text by options.
func (m *Model) endsOf(o GenerateOptions) ([]int32, error) {
	if o.PastEnd || o.Ends != nil {
		return o.Ends, nil
	}
	return m.Ends()
}

// chatPrompt is the prompt of a conversation.
func (m *Model) chatPrompt(prompt string, o GenerateOptions) (p Prompt, err error) {
	if m.tokenizer == nil {
		return p, errNoTokenizer
	}
	t, err := m.ChatTemplate(o.Template)
	if err != nil {
		return p, err
	}
	messages := o.Messages
	if prompt != "" {
		messages = append(slices.Clone(messages), chat.Message{Role: "user", Content: prompt})
	}
	o.Chat.Answer = true
	if p.Text, err = t.Render(messages, o.Chat); err != nil {
		return p, err
	}
	if p.Tokens, err = m.plain(p.Text); err != nil {
		return p, err
	}
	if p.Ends, err = m.endsOf(o); err != nil {
		return p, err
	}
	if end := m.chatEnd(t); end != tokenizer.None && o.Ends == nil && !o.PastEnd && !slices.Contains(p.Ends, end) {
		p.Ends = append(p.Ends, end)
	}
	return p, nil
}

// plain are the tokens of a text without those of a document, for a decoder.
func (m *Model) plain(text string) ([]int32, error) {
	switch {
	case m.spec.Head.Kind != LM:
		return nil, m.notLM()
	case m.spec.Kind == EncoderDecoder:
		return nil, errors.New("model: found a conversation or a prompt as it stands for an encoder-decoder, expected a text: its source")
	case m.tokenizer == nil:
		return nil, errNoTokenizer
	}
	e, err := m.tokenizer.Encode(text)
	if err != nil {
		return nil, fmt.Errorf("model: the prompt: %w", err)
	}
	if len(e.IDs) == 0 {
		return nil, errors.New("model: the prompt is empty, expected at least one token")
	}
	return e.IDs, m.checkPrompt(e.IDs)
}

func (m *Model) notLM() error {
	return fmt.Errorf("model: found the head %s, expected lm: only a language model can generate", m.spec.Head.Kind)
}

// checkPrompt refuses a prompt of more tokens than the model has learned positions.
func (m *Model) checkPrompt(tokens []int32) error {
	if n := m.spec.MaxTokens(); n > 0 && len(tokens) > n {
		return fmt.Errorf("model: found a prompt of %d tokens, expected at most %d, the learned positions", len(tokens), n)
	}
	return nil
}

// ReadPrompt returns the first tokens of a generation: those of the prompt, or for an encoder-decoder the source and the first token of the
// target. Errors are those of [Session.Generate].
func (m *Model) ReadPrompt(prompt string) (source, first []int32, err error) {
	if m.spec.Head.Kind != LM {
		return nil, nil, m.notLM()
	}
	e, err := m.encodeDocument(prompt)
	if err != nil {
		return nil, nil, err
	}
	if m.spec.Kind != EncoderDecoder {
		return nil, e.IDs, m.checkPrompt(e.IDs)
	}
	if n := m.spec.MaxSource(); n > 0 && len(e.IDs) > n {
		return nil, nil, fmt.Errorf("model: found a source of %d tokens, expected at most %d, the learned positions; longspan summarize reads a "+
			"longer document in pieces", len(e.IDs), n)
	}
	first, err = m.TargetStart()
	return e.IDs, first, err
}

// TargetStart is the token that the target of an encoder-decoder begins with: decoder_start_token_id of the model's files, or else
// bos_token_id, or the token that begins a document. It returns an error if there is none.
func (m *Model) TargetStart() ([]int32, error) {
	s, _, err := m.SearchSettings("")
	switch {
	case err != nil:
		return nil, err
	case s.Start != nil:
		return []int32{*s.Start}, nil
	case s.Begin != nil:
		return []int32{*s.Begin}, nil
	}
	if m.tokenizer != nil {
		if begin := m.tokenizer.Specials().Begin; begin != tokenizer.None {
			return []int32{begin}, nil
		}
	}
	return nil, errors.New("model: found a tokenizer without a token for the beginning of a document, " +
		"which starts the target of an encoder-decoder, and no decoder_start_token_id")
}

// MostTokens is the number of tokens that can be drawn after the first ones, up to wanted: learned positions bound the sequence.
func (m *Model) MostTokens(first, wanted int) int {
	limit := m.spec.MaxTokens()
	if limit == 0 {
		return wanted
	}
	return min(wanted, max(0, limit-first+1)) // the last token drawn is not read
}
