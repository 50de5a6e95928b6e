package model

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/longspan/longspan/sampling"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// GenerateOptions sets how text is generated. The zero value draws DefaultTokens tokens from the model's own distribution.
type GenerateOptions struct {
	Sampling sampling.Config
	Tokens   int // the largest number of tokens to draw; 0: DefaultTokens

	// Token is called after each token with the new text, which is empty within a UTF-8 character. Its error ends the generation and is
	// returned. Nil: not called.
	Token func(id int32, text string) error
}

// DefaultTokens is the default of GenerateOptions.Tokens.
const DefaultTokens = 200

// Generated is the result of Generate.
type Generated struct {
	Text   string
	Tokens []int32 // drawn tokens, with the end of the document if it was drawn
}

// Generate is [Session.Generate] with a new session on all processors.
func (m *Model) Generate(ctx context.Context, prompt string, o GenerateOptions) (Generated, error) {
	return m.NewSession(tensor.Exec{Pool: tensor.NewPool()}).Generate(ctx, prompt, o)
}

// Generate continues the prompt until the model ends the document, or o.Tokens tokens are drawn. An encoder-decoder reads the prompt as the
// source. The same seed gives the same tokens, at any number of threads.
//
// When ctx is done it returns ctx's error and the text so far. It returns an error for a prompt that the tokenizer cannot read, for an
// empty prompt if the tokenizer has no token for the beginning of a document, and for a model without a tokenizer or without the head lm.
func (s *Session) Generate(ctx context.Context, prompt string, o GenerateOptions) (g Generated, err error) {
	if o.Tokens == 0 {
		o.Tokens = DefaultTokens
	}
	if o.Tokens < 0 {
		return g, fmt.Errorf("model: found %d tokens to draw, expected at least 1", o.Tokens)
	}
	sampler, err := sampling.New(o.Sampling)
	if err != nil {
		return g, err
	}
	source, first, err := s.m.ReadPrompt(prompt)
	if err != nil {
		return g, err
	}
	d, err := s.Decode(source)
	if err != nil {
		return g, err
	}
	defer d.Close()
	text := textWriter{decoder: s.m.tokenizer.NewDecoder(), token: o.Token}
	defer func() { g.Text = text.finish() }()
	end := s.m.tokenizer.Specials().End
	for next, limit := first, s.m.MostTokens(len(first), o.Tokens); len(g.Tokens) < limit; next = g.Tokens[len(g.Tokens)-1:] {
		if err := ctx.Err(); err != nil {
			return g, err
		}
		logits, err := d.Step(next)
		if err != nil {
			return g, err
		}
		id, err := sampler.Next(logits)
		if err != nil {
			return g, err
		}
		g.Tokens = append(g.Tokens, int32(id))
		if err := text.write(int32(id)); err != nil {
			return g, err
		}
		if int32(id) == end {
			break
		}
	}
	return g, nil
}

// ReadPrompt returns the first tokens of a generation: those of the prompt, or for an encoder-decoder the source and the first token of the
// target. Errors are those of [Session.Generate].
func (m *Model) ReadPrompt(prompt string) (source, first []int32, err error) {
	if m.spec.Head.Kind != LM {
		return nil, nil, fmt.Errorf("model: found the head %s, expected lm: only a language model can generate", m.spec.Head.Kind)
	}
	e, err := m.encodeDocument(prompt)
	if err != nil {
		return nil, nil, err
	}
	if n := m.spec.MaxTokens(); n > 0 && len(e.IDs) > n {
		return nil, nil, fmt.Errorf("model: found a prompt of %d tokens, expected at most %d, the learned positions", len(e.IDs), n)
	}
	if m.spec.Kind != EncoderDecoder {
		return nil, e.IDs, nil
	}
	begin := m.tokenizer.Specials().Begin
	if begin == tokenizer.None {
		return nil, nil, errors.New("model: found a tokenizer without a token for the beginning of a document, " +
			"which starts the target of an encoder-decoder")
	}
	return e.IDs, []int32{begin}, nil
}

// MostTokens is the number of tokens that can be drawn after the first ones, up to wanted: learned positions bound the sequence.
func (m *Model) MostTokens(first, wanted int) int {
	limit := m.spec.MaxTokens()
	if limit == 0 {
		return wanted
	}
	return min(wanted, max(0, limit-first+1)) // the last token drawn is not read
}

// textWriter collects the text of tokens, and calls token with each piece.
type textWriter struct {
	decoder *tokenizer.Decoder
	all     strings.Builder
	token   func(id int32, text string) error
}

func (w *textWriter) write(id int32) error {
	piece := w.decoder.Next(id)
	w.all.WriteString(piece)
	if w.token == nil {
		return nil
	}
	return w.token(id, piece)
}

func (w *textWriter) finish() string {
	w.all.WriteString(w.decoder.Flush())
	return w.all.String()
}
