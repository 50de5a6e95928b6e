package data

import (
	"fmt"
	"slices"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"github.com/longspan/longspan/tokenizer"
)

// Encoder turns texts into the tokens that a checkpoint reads.
type Encoder struct {
	Tokenizer *tokenizer.Tokenizer
	Vocab     int   // tokens of the model, which may be fewer than the tokenizer's; 0: as many
	LowerCase bool  // texts are put into lower case first
	Causal    bool  // of a decoder, whose documents end with End
	End       int32 // tokenizer.None: no token ends a document

	Target *Around // of an encoder-decoder: what stands around its targets; nil: of other models
}

// Around are the special tokens of a target in training. The decoder reads Start, Before and the tokens of the text, and is to predict
// Before, the tokens and After.
type Around struct {
	Start         int32
	Before, After []int32 // After has at least one
}

// Room is the number of tokens of a text in a target of so many tokens, which is as long for what reads it as for what it predicts.
func (a *Around) Room(tokens int) int { return tokens - len(a.Before) - len(a.After) }

// Append adds a target of the text ids to dst: what the decoder reads, and what it is to predict. The end of a text that was cut is not
// predicted.
func (a *Around) Append(dst *Batch, ids []int32, cut bool) {
	first := len(dst.Tokens)
	dst.Tokens = append(append(append(dst.Tokens, a.Start), a.Before...), ids...)
	dst.Targets = append(append(dst.Targets, a.Before...), ids...)
	if cut {
		dst.Targets = append(dst.Targets, Ignore)
	} else {
		dst.Tokens = append(dst.Tokens, a.After[:len(a.After)-1]...)
		dst.Targets = append(dst.Targets, a.After...)
	}
	dst.Lengths = append(dst.Lengths, len(dst.Tokens)-first)
}

// Tokens are the tokens of a text, without the special tokens around a document. Errors are those of [tokenizer.Tokenizer.Encode], and
// that the model lacks a token.
func (e *Encoder) Tokens(text string) ([]int32, error) {
	if e.LowerCase {
		text = cases.Lower(language.Und).String(text)
	}
	encoding, err := e.Tokenizer.Encode(text)
	if err == nil && e.Vocab > 0 {
		err = e.Tokenizer.CheckBelow(e.Vocab, encoding)
	}
	return encoding.IDs, err
}

// Around are the special tokens before and after the tokens of a document. A decoder's documents end with End.
func (e *Encoder) Around() (before, after []int32) {
	t := e.Tokenizer.Template()
	if e.Causal && e.End != tokenizer.None && !slices.Contains(t.After, e.End) {
		t.After = append(t.After, e.End)
	}
	return t.Before, t.After
}

// Room is the number of tokens of a document between the special ones, in a sequence of so many tokens.
func (e *Encoder) Room(tokens int) (int, error) {
	before, after := e.Around()
	room := tokens - len(before) - len(after)
	if room < 1 {
		return 0, fmt.Errorf("found sequences of %d tokens, of which %d are special, expected more", tokens, len(before)+len(after))
	}
	return room, nil
}
