package model

import (
	"context"
	"errors"
	"fmt"

	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// ScoreOptions set how a text is scored. The zero value reads the text as one sequence, up to the learned positions.
type ScoreOptions struct {
	// Context is the largest number of tokens that the model reads at a time. A longer text is read in windows of so many: each begins with
	// the special tokens of a document, and shares tokens with the window before, which predict its first ones. 0: the learned positions,
	// and the whole text for a model without.
	Context int
	Stride  int // tokens of the text from one window to the next; 0: half of those of a window

	From ScoreState // where to go on; the zero value begins

	// Losses is called with the losses of tokens, in order: those at the places from, from+1 … of the text. A loss of 0 at the beginning of
	// a sequence may mean that nothing predicts the token; see Scored. Nil: not called.
	Losses func(from int, losses []float32) error
	// Saved is called with a state from which to go on, at least once for 4,096 tokens. Nil: not called.
	Saved func(ScoreState) error
}

// ScoreState is how far a score is. A score that goes on from it has the bits of one that never stopped: sums are exact, the borders of
// steps are the same, and the state of the layers is computed anew from the tokens before, without their losses. In windows that is one
// window at most; else it takes as long as reading them did, less the head.
type ScoreState struct {
	Tokens int     `json:"tokens"` // of the text that are done
	Scored int     `json:"scored"` // of those, that something predicted
	Nats   float64 `json:"nats"`   // sum of −log p
}

// Score is the probability of a text under a language model.
type Score struct {
	ScoreState
	Bytes   int    `json:"bytes"`            // of the scored tokens
	Windows int    `json:"windows"`          // 1: the text was read as one sequence
	Window  int    `json:"window,omitempty"` // tokens of a window, with special tokens; 0: the text was read as one sequence
	Stride  int    `json:"stride,omitempty"`
	How     string `json:"how"` // for people
}

// ScoreText is how a text becomes the tokens that are scored.
type ScoreText struct {
	Text   string
	Before []int32 // special tokens that begin a sequence, and are not scored
	tokenizer.Encoding
}

// scoreStep is the number of tokens between two states, and of a run of a generation.
const scoreStep = promptTokens

// ReadScored returns the tokens of a text to score. It returns an error for a text that the tokenizer cannot read, and for an empty one.
func (m *Model) ReadScored(text string) (t ScoreText, err error) {
	if m.tokenizer == nil {
		return t, m.textError()
	}
	t.Text, t.Before = text, m.tokenizer.Template().Before
	if t.Encoding, err = m.tokenizer.Encode(text); err != nil {
		return t, fmt.Errorf("model: the text: %w", err)
	}
	if len(t.IDs) == 0 {
		return t, errors.New("model: the text is empty, expected something to score")
	}
	return t, m.checkVocabulary(t.Encoding)
}

// Score is [Session.Score] with a new session on all processors.
func (m *Model) Score(ctx context.Context, text string, o ScoreOptions) (Score, error) {
	t, err := m.ReadScored(text)
	if err != nil {
		return Score{}, err
	}
	return m.NewSession(tensor.Exec{Pool: tensor.NewPool()}).Score(ctx, t, o)
}

// Score returns the log-probability of a text of any length, token by token, each by those before it. Memory is that of the state of the
// layers and of steps of 4,096 tokens. The special tokens that begin a document are not scored.
//
// When ctx is done it returns ctx's error and the score so far. It returns an error for a model that does not predict the next token.
func (s *Session) Score(ctx context.Context, t ScoreText, o ScoreOptions) (Score, error) {
	if err := s.m.CheckScore(t, o); err != nil {
		return Score{}, err
	}
	w, err := s.m.windows(t, o)
	if err != nil {
		return Score{}, err
	}
	score := Score{ScoreState: o.From, Windows: 1, How: asOneSequence}
	if w.several() {
		score.Windows, score.Window, score.Stride = w.count(), w.size, w.stride
		score.How = fmt.Sprintf("%d windows of %d tokens, one every %d: behind the first window each token has at least %d before it",
			score.Windows, w.size, w.stride, w.size-w.stride)
	}
	r := scoring{session: s, text: t, options: o, windows: w, state: o.From}
	err = r.run(ctx)
	score.ScoreState = r.state
	score.Bytes = r.bytes()
	return score, err
}

// asOneSequence is Score.How of a text that is not cut into windows.
const asOneSequence = "as one sequence"

// CheckScore returns the errors of [Session.Score] that do not come from its work: of the model and of options.
func (m *Model) CheckScore(t ScoreText, o ScoreOptions) error {
	if err := m.scores(); err != nil {
		return err
	}
	_, err := m.windows(t, o)
	return err
}

// scores refuses models without a probability of the next token.
func (m *Model) scores() error {
	switch {
	case m.spec.Head.Kind == MaskedLM:
		return errors.New("model: found the head mlm, expected lm: a masked language model predicts hidden tokens by those on both sides, " +
			"and gives a text no probability; compare texts with fill or embed, or use a decoder")
	case m.spec.Head.Kind != LM:
		return fmt.Errorf("model: found the head %s, expected lm: only a language model gives a text a probability", m.spec.Head.Kind)
	case m.spec.Kind == EncoderDecoder:
		return errors.New("model: found an encoder-decoder, expected a decoder: it gives a text a probability only after a source; use " +
			"generate --beams 1, which has the score of what it writes, or eval for a model that was trained here")
	}
	return nil
}

// windows are the parts of a text that are read as sequences.
type windows struct {
	text   int // tokens
	before int // special tokens of each
	size   int // tokens of a window, with the special ones; 0: the text is one sequence
	stride int
}

// windows checks the options.
func (m *Model) windows(t ScoreText, o ScoreOptions) (w windows, err error) {
	w = windows{text: len(t.IDs), before: len(t.Before)}
	limit := m.spec.MaxTokens()
	size := o.Context
	if size == 0 {
		size = limit
	}
	switch {
	case o.Context < 0 || o.Stride < 0:
		return w, fmt.Errorf("model: found a context of %d tokens and a stride of %d, expected at least 1, or 0 for the default", o.Context,
			o.Stride)
	case limit > 0 && size > limit:
		return w, fmt.Errorf("model: found a context of %d tokens, expected at most %d, the learned positions", size, limit)
	case size > 0 && size < w.before+2:
		return w, fmt.Errorf("model: found a context of %d tokens, expected at least %d: the special tokens and two of the text",
			size, w.before+2)
	case o.From.Tokens < 0 || o.From.Tokens > w.text || o.From.Scored > o.From.Tokens:
		return w, fmt.Errorf("model: found a state after %d tokens of a text of %d, expected one of this text", o.From.Tokens, w.text)
	}
	room := size - w.before
	stride := o.Stride
	if stride == 0 {
		stride = max(1, room/2)
	}
	if w.before == 0 {
		room-- // a token of the window before predicts the first new one
	}
	if size > 0 && stride > room {
		return w, fmt.Errorf("model: found a stride of %d tokens, expected at most %d, those of the text that a window can add", stride, room)
	}
	if size > 0 && w.before+w.text > size {
		w.size, w.stride = size, stride
	} else if o.Stride > 0 && size == 0 {
		return w, errors.New("model: found a stride and no context, expected both")
	}
	return w, nil
}

func (w windows) several() bool { return w.size > 0 }

// room is the number of tokens of the text in a window.
func (w windows) room() int { return w.size - w.before }

// count is the number of windows.
func (w windows) count() int { return 1 + (w.text-w.room()+w.stride-1)/w.stride }

// at is window i: it reads the tokens [from, to) of the text, of which those from done on are scored.
func (w windows) at(i int) (from, done, to int) {
	from = i * w.stride
	to = min(w.text, from+w.room())
	if i > 0 {
		done = min(w.text, (i-1)*w.stride+w.room())
	}
	return from, done, to
}
