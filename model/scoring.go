package model

import (
	"context"
	"fmt"
	"math"
)

// scoring is a score at work.
type scoring struct {
	session *Session
	text    ScoreText
	options ScoreOptions
	windows windows
	state   ScoreState
}

// run scores what is left.
func (r *scoring) run(ctx context.Context) error {
	if r.state.Tokens == r.windows.text {
		return nil
	}
	if !r.windows.several() {
		return r.sequence(ctx, 0, 0, r.windows.text)
	}
	if e := r.session.ranks; e != nil {
		return r.runOver(ctx, e)
	}
	for i := range r.windows.count() {
		from, done, to := r.windows.at(i)
		if to <= r.state.Tokens {
			continue
		}
		if err := r.sequence(ctx, from, done, to); err != nil {
			return err
		}
	}
	return nil
}

// sequence reads the tokens [from, to) of the text behind the special ones. Those from done on are scored, unless they are by the state.
// The borders of steps do not depend on the state.
func (r *scoring) sequence(ctx context.Context, from, done, to int) error {
	g, err := r.session.Decode(nil)
	if err != nil {
		return err
	}
	defer g.Close()
	before := len(r.text.Before)
	all := append(append(make([]int32, 0, before+to-from), r.text.Before...), r.text.IDs[from:to]...)
	known := 0 // tokens that are read to predict others
	if done > from {
		known = before + done - from
	}
	for at := 0; at < len(all); {
		if err := ctx.Err(); err != nil {
			return err
		}
		end := min(at+scoreStep, len(all))
		if at < known {
			end = min(end, known) // losses begin with a step
		}
		if err := r.step(g, all[at:end], from+at-before, done); err != nil {
			return err
		}
		at = end
	}
	return nil
}

// step reads tokens, of which the first is at the place at of the text; places below 0 are those of special tokens.
func (r *scoring) step(g *Generation, tokens []int32, at, done int) error {
	if at+len(tokens) <= max(done, r.state.Tokens) {
		return g.Append(tokens)
	}
	if at < r.state.Tokens && r.state.Tokens > done {
		return fmt.Errorf("model: found a state after %d tokens, within a step of tokens %d to %d; expected one that these options gave",
			r.state.Tokens, max(at, 0), at+len(tokens))
	}
	predicted := g.Tokens() > 0
	losses, err := g.Score(tokens)
	if err != nil {
		return err
	}
	if at < 0 {
		losses, at, predicted = losses[-at:], 0, true
	}
	if err := r.add(losses, at, predicted); err != nil {
		return err
	}
	if r.options.Losses != nil {
		if err := r.options.Losses(at, losses); err != nil {
			return err
		}
	}
	if r.options.Saved != nil {
		return r.options.Saved(r.state)
	}
	return nil
}

// add takes in the losses of tokens, of which the first is at the place at of the text; predicted says whether something predicted it.
func (r *scoring) add(losses []float32, at int, predicted bool) error {
	for i, loss := range losses {
		if math.IsNaN(float64(loss)) || math.IsInf(float64(loss), 0) {
			return fmt.Errorf("model: found the loss %g of token %d, expected a finite number; the weights are damaged, or fp16 overflowed",
				loss, at+i)
		}
		if predicted || i > 0 {
			r.state.Scored++
		}
		r.state.Nats += float64(loss)
	}
	r.state.Tokens = at + len(losses)
	return nil
}

// bytes are those of the tokens that are scored: all of the text up to there, less those that nothing predicts.
func (r *scoring) bytes() int {
	if r.state.Tokens == 0 {
		return 0
	}
	all := int(r.text.Offsets[r.state.Tokens-1].To)
	if r.state.Tokens == len(r.text.IDs) {
		all = len(r.text.Text)
	}
	if len(r.text.Before) == 0 {
		all -= int(r.text.Offsets[0].To)
	}
	return max(0, all)
}
