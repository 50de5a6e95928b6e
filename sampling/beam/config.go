// Package beam searches for the most probable continuations of a prompt with several beams. It knows no model: a caller gives the logits of
// each beam and is told which beams go on.
//
// The search, the changes of the log-probabilities and their order are those of Hugging Face's transformers 4.57.6 (generate with
// num_beams), so that the same logits give the same sequences and scores. Of equal scores the earlier beam and the lower token come first;
// there transformers has no order. The names in brackets below are its settings.
package beam

import (
	"fmt"
	"math"
)

// MaxBeams is the largest number of beams: the memory of a search grows with it.
const MaxBeams = 64

// MaxTokens is the largest number of tokens in the settings: sums of them are numbers on every machine.
const MaxTokens = 1 << 29

// Early says when a search ends before the longest length. A search that has as many finished sequences as beams always ends when no
// running beam can become better than the worst of them, by an estimate of the score that the best running beam may reach.
type Early string

// The values of Early.
const (
	EarlyOff   Early = "false" // the estimate is the score at the present length; the default
	EarlyOn    Early = "true"  // the search ends with the first of as many finished sequences as beams
	EarlyNever Early = "never" // the estimate is the score at the longest length, where the length penalty is above 0
)

// Config sets a search. [Default] returns the settings that change nothing. Lengths are in tokens and count those of the prompt, unless
// their name says new. Ids are tokens of the model.
type Config struct {
	Beams         int     // 1 to MaxBeams; 1 takes the most probable token at each step [num_beams]
	Sequences     int     // that Best returns, 1 to Beams [num_return_sequences]
	LengthPenalty float64 // a finished sequence of n new tokens has the score Σ log p / n^LengthPenalty [length_penalty]
	Early         Early   // [early_stopping]; empty: EarlyOff

	MaxLength int // [max_length]; 0 with MaxNew alone
	MaxNew    int // in place of MaxLength [max_new_tokens]; 0: MaxLength holds
	MinLength int // no end before it [min_length]
	MinNew    int // in place of MinLength [min_new_tokens]; 0: MinLength holds

	Ends        []int32 // that end a sequence, and are part of it [eos_token_id]
	ForcedFirst *int32  // after a prompt of one token, as an encoder-decoder has [forced_bos_token_id]; nil: none
	ForcedLast  []int32 // at the longest length [forced_eos_token_id]

	NoRepeatNgram       int // n: no n tokens come twice in a sequence [no_repeat_ngram_size]; 0: they may
	SourceNoRepeatNgram int // n: no n tokens of the source come in a sequence [encoder_no_repeat_ngram_size]; 0: they may

	// RepetitionPenalty multiplies the log-probability of each token that the sequence has [repetition_penalty]. It is above 0; 1 changes
	// nothing.
	RepetitionPenalty float64

	BadWords        [][]int32 // sequences that must not come [bad_words_ids]
	Suppressed      []int32   // tokens that must not come [suppress_tokens]
	SuppressedFirst []int32   // tokens that must not come first [begin_suppress_tokens]
	Decay           *Decay    // [exponential_decay_length_penalty]; nil: none
	Renormalise     bool      // the changed log-probabilities become those of a distribution again [renormalize_logits]
}

// Decay makes ends more probable: after After+n new tokens, n > 0, the log-probability l of an end becomes l + |l|·(Factor^n − 1).
type Decay struct {
	After  int
	Factor float64
}

// Default returns the settings with one beam that change no probability. MaxNew or MaxLength must still be set.
func Default() Config {
	return Config{Beams: 1, Sequences: 1, LengthPenalty: 1, Early: EarlyOff, RepetitionPenalty: 1}
}

// Longest is the largest number of new tokens after a prompt; 0: the prompt alone is as long as a sequence may be, or no length is set.
func (c Config) Longest(prompt int) int {
	if c.MaxNew > 0 {
		return c.MaxNew
	}
	return max(0, c.MaxLength-prompt)
}

// Rules are the settings that change which token is the most probable one, by their names in transformers. Empty: none does.
func (c Config) Rules() (names []string) {
	for _, rule := range []struct {
		name string
		on   bool
	}{
		{"repetition_penalty", c.RepetitionPenalty != 1}, {"no_repeat_ngram_size", c.NoRepeatNgram > 0},
		{"encoder_no_repeat_ngram_size", c.SourceNoRepeatNgram > 0}, {"min_length", c.MinLength > 0}, {"min_new_tokens", c.MinNew > 0},
		{"forced_bos_token_id", c.ForcedFirst != nil}, {"forced_eos_token_id", len(c.ForcedLast) > 0},
		{"bad_words_ids", len(c.BadWords) > 0}, {"suppress_tokens", len(c.Suppressed) > 0},
		{"begin_suppress_tokens", len(c.SuppressedFirst) > 0}, {"exponential_decay_length_penalty", c.Decay != nil},
	} {
		if rule.on {
			names = append(names, rule.name)
		}
	}
	return names
}

// Check returns an error for a value that a field cannot have, and for an id that a model of vocab tokens does not have.
func (c Config) Check(vocab int) error {
	switch {
	case c.Beams < 1 || c.Beams > MaxBeams:
		return fmt.Errorf("beam: found %d beams, expected 1 to %d", c.Beams, MaxBeams)
	case c.Sequences < 1 || c.Sequences > c.Beams:
		return fmt.Errorf("beam: found %d sequences to return of %d beams, expected 1 to %[2]d", c.Sequences, c.Beams)
	case math.IsNaN(c.LengthPenalty) || math.IsInf(c.LengthPenalty, 0):
		return fmt.Errorf("beam: found the length penalty %g, expected a finite number", c.LengthPenalty)
	case c.Early != "" && c.Early != EarlyOff && c.Early != EarlyOn && c.Early != EarlyNever:
		return fmt.Errorf("beam: found early stopping %q, expected %s, %s or %s", c.Early, EarlyOff, EarlyOn, EarlyNever)
	case c.MaxLength < 1 && c.MaxNew < 1:
		return fmt.Errorf("beam: found the longest length %d and %d new tokens, expected one of them above 0", c.MaxLength, c.MaxNew)
	}
	if err := c.checkSizes(); err != nil {
		return err
	}
	if p := c.RepetitionPenalty; !(p > 0) || math.IsInf(p, 0) {
		return fmt.Errorf("beam: found the repetition penalty %g, expected a finite number above 0; 1 is no penalty", p)
	}
	if d := c.Decay; d != nil && (d.After < 0 || !(d.Factor > 0) || math.IsInf(d.Factor, 0)) {
		return fmt.Errorf("beam: found the decay factor %g after %d tokens, expected a finite factor above 0 after 0 tokens or more", d.Factor,
			d.After)
	}
	return c.checkIDs(vocab)
}

// checkSizes refuses numbers of tokens that are negative or above MaxTokens.
func (c Config) checkSizes() error {
	for _, s := range []struct {
		name string
		n    int
	}{{"longest length", c.MaxLength}, {"largest number of new tokens", c.MaxNew}, {"shortest length", c.MinLength},
		{"smallest number of new tokens", c.MinNew}, {"size of n-grams that must not repeat", c.NoRepeatNgram},
		{"size of n-grams of the source that must not come", c.SourceNoRepeatNgram}} {
		if s.n < 0 || s.n > MaxTokens {
			return fmt.Errorf("beam: found the %s %d, expected 0 to %d", s.name, s.n, MaxTokens)
		}
	}
	return nil
}

// checkIDs refuses ids outside the vocabulary.
func (c Config) checkIDs(vocab int) error {
	var first, bad []int32
	if c.ForcedFirst != nil {
		first = []int32{*c.ForcedFirst}
	}
	for _, words := range c.BadWords {
		if len(words) == 0 {
			return fmt.Errorf("beam: found a bad word of no tokens, expected at least one")
		}
		bad = append(bad, words...)
	}
	for _, list := range []struct {
		name string
		ids  []int32
	}{{"ends", c.Ends}, {"forced first tokens", first}, {"forced last tokens", c.ForcedLast}, {"suppressed tokens", c.Suppressed},
		{"suppressed first tokens", c.SuppressedFirst}, {"tokens of bad words", bad}} {
		for _, id := range list.ids {
			if id < 0 || int(id) >= vocab {
				return fmt.Errorf("beam: found %d among the %s, expected ids of the model, 0 to %d", id, list.name, vocab-1)
			}
		}
	}
	return nil
}
