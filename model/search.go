package model

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/longspan/longspan/sampling/beam"
)

// Found is a text that a search has found.
type Found struct {
	Text string // without special tokens; empty without a tokenizer
	beam.Sequence
}

// Search continues a prompt by beam search, or with one beam by the most probable tokens, and returns the best continuations by falling
// score. The prompt is read once, and its state copied for each beam. Learned positions bound the length. Of an encoder-decoder
// p.Tokens begins the target.
//
// step is called after each step of all beams, with the number of new tokens and the largest one; its error ends the search. Nil: it is not
// called. When ctx is done, Search returns ctx's error and what has been found, or else the best running beam.
//
// It returns an error for settings that beam.Config.Check refuses, for a prompt that fills the learned positions, where the rules leave
// no continuation, and where the settings make scores that are not finite.
func (s *Session) Search(ctx context.Context, p Prompt, c beam.Config, step func(tokens, longest int) error) ([]Found, error) {
	if s.x.Pool.Dry() {
		return nil, errors.New("model: found a session with a dry pool, which computes nothing; expected a pool with memory")
	}
	search, err := s.m.newSearch(p, c)
	if err != nil {
		return nil, err
	}
	g, err := s.Decode(p.Source)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	logits, err := g.Step(p.Tokens)
	if err != nil {
		return nil, err
	}
	var next func([]beam.Move) ([][]float32, error)
	if c.Beams == 1 {
		next = func(moves []beam.Move) ([][]float32, error) {
			logits, err := g.Step([]int32{moves[0].Token})
			return [][]float32{logits}, err
		}
	} else {
		beams, err := g.Fork(c.Beams)
		if err != nil {
			return nil, err
		}
		defer beams.Close()
		next = beams.Step
	}
	err = walk(ctx, search, [][]float32{logits}, next, step)
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	found := s.m.found(search)
	if err == nil && len(found) == 0 {
		err = errors.New("model: found no continuation, expected at least one: the settings allow none; lower no_repeat_ngram_size, or ban less")
	}
	return found, errors.Join(err, checkScores(found))
}

// checkScores refuses scores that overflow, which some settings make of any log-probabilities.
func checkScores(found []Found) error {
	for _, f := range found {
		if math.IsInf(f.Score, 0) || math.IsNaN(f.Score) {
			return fmt.Errorf("model: found a text with the score %g, expected a finite one; lower the factor of "+
				"exponential_decay_length_penalty, or set length_penalty nearer to 1", f.Score)
		}
	}
	return nil
}

// newSearch makes the search of a prompt, within the learned positions.
func (m *Model) newSearch(p Prompt, c beam.Config) (*beam.Search, error) {
	if err := c.Check(m.spec.Vocab); err != nil {
		return nil, err
	}
	if c.MaxNew > 0 {
		c.MaxLength, c.MaxNew = len(p.Tokens)+c.MaxNew, 0
	}
	if most := len(p.Tokens) + m.MostTokens(len(p.Tokens), c.MaxLength); c.MaxLength > most {
		c.MaxLength = most
	}
	if c.MaxLength == len(p.Tokens) && c.MaxLength > 0 && m.MostTokens(len(p.Tokens), 1) == 0 {
		return nil, fmt.Errorf("model: found a prompt of %d tokens, expected fewer: the model has %d learned positions", len(p.Tokens),
			m.spec.MaxTokens())
	}
	source := p.Source
	if m.spec.Kind != EncoderDecoder {
		source = p.Tokens // transformers takes the prompt of a decoder for its source
	}
	return beam.New(c, m.spec.Vocab, p.Tokens, source)
}

// walk takes the steps of a search.
func walk(ctx context.Context, search *beam.Search, logits [][]float32, next func([]beam.Move) ([][]float32, error),
	step func(tokens, longest int) error) error {
	for tokens := 1; ; tokens++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		moves, err := search.Next(logits)
		if err != nil {
			return err
		}
		if step != nil {
			if err := step(tokens, search.Longest()); err != nil {
				return err
			}
		}
		if search.Done() {
			return nil
		}
		if logits, err = next(moves); err != nil {
			return err
		}
	}
}

// found are the sequences of a search with their texts; of one that was ended early that has found none, its best beam.
func (m *Model) found(search *beam.Search) (all []Found) {
	best := search.Best()
	if running := search.Running(); !search.Done() && len(best) == 0 && len(running.Tokens) > 0 {
		best = []beam.Sequence{running}
	}
	for _, b := range best {
		f := Found{Sequence: b}
		if m.tokenizer != nil {
			f.Text = m.tokenizer.Decode(b.Tokens)
		}
		all = append(all, f)
	}
	return all
}
