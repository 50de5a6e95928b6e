package model

import (
	"errors"
	"fmt"
	"slices"

	"github.com/longspan/longspan/chat"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tokenizer"
)

// Prompt is what a generation begins with.
type Prompt struct {
	Text   string  // that the tokens are of, as the chat template made it
	Source []int32 // of an encoder-decoder
	Tokens []int32 // that the model continues
	Ends   []int32 // tokens that end the text

	ForcedFirst *int32  // the first token after Tokens; nil: any
	ForcedLast  []int32 // a text of the largest number of tokens ends with one of them; nil: with any token
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
		p.force(m.answers.Target, o)
	}
	if err != nil {
		return p, err
	}
	p.Ends, err = m.endsOf(o)
	return p, err
}

// force sets the tokens that a text of an encoder-decoder must begin and end with; a nil target has none.
func (p *Prompt) force(t *data.Target, o GenerateOptions) {
	if t == nil {
		return
	}
	p.ForcedFirst = t.First
	if !o.PastEnd {
		p.ForcedLast = t.Last
	}
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
		return p, m.textError()
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
		return nil, m.textError()
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

// checkPrompt refuses a prompt, or the source of an encoder-decoder, of more tokens than the model has learned positions for it.
func (m *Model) checkPrompt(tokens []int32) error {
	what, n, advice := "prompt", m.spec.MaxTokens(), ""
	if m.spec.Kind == EncoderDecoder {
		what, n, advice = "source", m.spec.MaxSource(), "; longspan summarize reads a longer document in pieces"
	}
	if n > 0 && len(tokens) > n {
		return fmt.Errorf("model: found a %s of %d tokens, expected at most %d, the learned positions%s", what, len(tokens), n, advice)
	}
	return nil
}

// ReadPrompt returns the first tokens of a generation: those of the prompt, or for an encoder-decoder the source and the first token of the
// target: decoder_start_token_id, or where no file has it the token for the beginning of a document. Errors are those of
// [Session.Generate].
func (m *Model) ReadPrompt(prompt string) (source, first []int32, err error) {
	if m.spec.Head.Kind != LM {
		return nil, nil, m.notLM()
	}
	e, err := m.encodeDocument(prompt)
	if err != nil {
		return nil, nil, err
	}
	if err := m.checkPrompt(e.IDs); m.spec.Kind != EncoderDecoder || err != nil {
		return nil, e.IDs, err
	}
	if m.generation.err != nil {
		return nil, nil, m.generation.err
	}
	first, err = m.TargetStart()
	return e.IDs, first, err
}

// MostTokens is the number of tokens that can be drawn after the first ones, up to wanted: learned positions bound the sequence.
func (m *Model) MostTokens(first, wanted int) int {
	limit := m.spec.MaxTokens()
	if limit == 0 {
		return wanted
	}
	return min(wanted, max(0, limit-first+1)) // the last token drawn is not read
}
