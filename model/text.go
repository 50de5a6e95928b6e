package model

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/longspan/longspan/chat"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/sampling"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// GenerateOptions sets how text is generated. The zero value draws DefaultTokens tokens from the model's own distribution.
type GenerateOptions struct {
	Sampling sampling.Config
	Tokens   int // the largest number of tokens to draw; 0: DefaultTokens

	// Token is called after each token with the new text. The text is empty within a UTF-8 character, and where it may be the beginning of a
	// stop string. Text that was withheld at the end comes in a last call with the id tokenizer.None. Its error ends the generation and is
	// returned. Nil: not called.
	Token func(id int32, text string) error

	Messages []chat.Message // a conversation to answer, by the chat template; the prompt is then its last message, of a user, or empty
	Template string         // name of the chat template; empty: the usual one
	Chat     chat.Options   // of the chat template; Answer is set
	Raw      bool           // the prompt as it stands, without the special tokens of a document

	Stop    []string // texts that end the text, and are no part of it
	Ends    []int32  // tokens that end the text; nil: those of Model.Ends, and the one that ends an answer of the chat template
	PastEnd bool     // no token ends the text
}

// DefaultTokens is the default of GenerateOptions.Tokens.
const DefaultTokens = 200

// Reasons why a text ended: Generated.StoppedBy.
const (
	StoppedByEnd       = "end"       // the model ended it
	StoppedByStop      = "stop"      // a stop string came
	StoppedByTokens    = "tokens"    // as many tokens as wanted
	StoppedByPositions = "positions" // the model has no more learned positions
	StoppedByContext   = "interrupt" // the context was done
)

// Generated is the result of Generate.
type Generated struct {
	Text         string
	Tokens       []int32       // drawn tokens, with the one that ended the text
	PromptTokens int           // read before, with special tokens and those of a source
	StoppedBy    string        // one of the reasons above
	Stop         string        // the stop string that came
	PromptTime   time.Duration // until the first token was drawn
	Time         time.Duration // of all
}

// Generate is [Session.Generate] with a new session on all processors.
func (m *Model) Generate(ctx context.Context, prompt string, o GenerateOptions) (Generated, error) {
	return m.NewSession(tensor.Exec{Pool: tensor.NewPool()}).Generate(ctx, prompt, o)
}

// Generate continues the prompt until the model ends the document, a stop string comes, or o.Tokens tokens are drawn. An encoder-decoder
// reads the prompt as the source. With o.Messages the model answers a conversation. The same seed gives the same tokens, at any number of
// threads.
//
// When ctx is done it returns ctx's error and the text so far. It returns an error for a prompt that the tokenizer cannot read, for an
// empty prompt if the tokenizer has no token for the beginning of a document, for a conversation that the chat template refuses, and for a
// model without a tokenizer or without the head lm.
func (s *Session) Generate(ctx context.Context, prompt string, o GenerateOptions) (g Generated, err error) {
	p, err := s.m.Prompt(prompt, o)
	if err != nil {
		return g, err
	}
	return s.Continue(ctx, p, o)
}

// Continue is [Session.Generate] from the tokens of a prompt. Of o, what Prompt reads has no effect.
func (s *Session) Continue(ctx context.Context, p Prompt, o GenerateOptions) (g Generated, err error) {
	began := time.Now()
	if o.Tokens, err = o.check(); err != nil {
		return g, err
	}
	if s.m.tokenizer == nil {
		return g, s.m.textError()
	}
	if err := checkTarget(&data.Target{First: p.ForcedFirst, Last: p.ForcedLast}, s.m.spec.Vocab); err != nil {
		return g, fmt.Errorf("model: %w", err)
	}
	sampler, err := sampling.New(o.Sampling)
	if err != nil {
		return g, err
	}
	d, err := s.Decode(p.Source)
	if err != nil {
		return g, err
	}
	defer d.Close()
	g.PromptTokens = len(p.Source) + len(p.Tokens)
	text := textWriter{decoder: s.m.tokenizer.NewDecoder(), stops: stopper{stops: o.Stop}, token: o.Token}
	defer func() {
		if problem := text.finish(); err == nil {
			err = problem
		}
		g.Text, g.Stop, g.Time = text.all.String(), text.stops.found, time.Since(began)
	}()
	sampler.Observe(p.Tokens)
	g.StoppedBy = StoppedByTokens
	limit := s.m.MostTokens(len(p.Tokens), o.Tokens)
	if limit < o.Tokens {
		g.StoppedBy = StoppedByPositions
	}
	for next := p.Tokens; len(g.Tokens) < limit; next = g.Tokens[len(g.Tokens)-1:] {
		if err := ctx.Err(); err != nil {
			g.StoppedBy = StoppedByContext
			return g, err
		}
		logits, err := d.Step(next)
		if err != nil {
			return g, err
		}
		forced := p.forced(len(g.Tokens), limit)
		id, err := choose(forced, logits, sampler)
		if err != nil {
			return g, err
		}
		g.Tokens = append(g.Tokens, id)
		if len(g.Tokens) == 1 {
			g.PromptTime = time.Since(began)
		}
		if err := text.write(id); err != nil {
			return g, err
		}
		switch {
		case text.stops.found != "":
			g.StoppedBy = StoppedByStop
			return g, nil
		case slices.Contains(p.Ends, id) && len(forced) == 0:
			g.StoppedBy = StoppedByEnd
			return g, nil
		}
	}
	return g, nil
}

// forced are the tokens of which token i of a text of at most limit is one; none: it is drawn.
func (p Prompt) forced(i, limit int) []int32 {
	switch {
	case i == limit-1 && len(p.ForcedLast) > 0:
		return p.ForcedLast
	case i == 0 && p.ForcedFirst != nil:
		return []int32{*p.ForcedFirst}
	}
	return nil
}

// choose is a token: the most probable of the forced ones, or one that is drawn.
func choose(forced []int32, logits []float32, sampler *sampling.Sampler) (int32, error) {
	if len(forced) == 0 {
		id, err := sampler.Next(logits)
		return int32(id), err
	}
	best := forced[0]
	for _, id := range forced {
		if logits[id] > logits[best] {
			best = id
		}
	}
	sampler.Observe([]int32{best})
	return best, nil
}

// check returns the number of tokens to draw.
func (o GenerateOptions) check() (tokens int, err error) {
	if o.Tokens < 0 {
		return 0, fmt.Errorf("model: found %d tokens to draw, expected at least 1", o.Tokens)
	}
	if err := checkStops(o.Stop); err != nil {
		return 0, err
	}
	if o.Tokens == 0 {
		return DefaultTokens, nil
	}
	return o.Tokens, nil
}

// textWriter collects the text of tokens up to a stop string, and calls token with each piece.
type textWriter struct {
	decoder *tokenizer.Decoder
	stops   stopper
	all     strings.Builder
	token   func(id int32, text string) error
}

func (w *textWriter) write(id int32) error { return w.add(id, w.stops.next(w.decoder.Next(id))) }

func (w *textWriter) add(id int32, text string) error {
	w.all.WriteString(text)
	if w.token == nil {
		return nil
	}
	return w.token(id, text)
}

// finish writes what is withheld, unless a stop string has come.
func (w *textWriter) finish() error {
	if w.stops.found != "" {
		return nil
	}
	text := w.stops.next(w.decoder.Flush())
	if w.stops.found == "" {
		text += w.stops.finish()
	}
	if text == "" {
		return nil
	}
	return w.add(tokenizer.None, text)
}
