package model

import (
	"context"

	"github.com/longspan/longspan/parallel"
)

// runOver scores windows by turns of as many as there are ranks: each rank reads one, and all get the losses of all. Losses, sums and
// states are those of one rank. A text that is one sequence is read by every rank.
func (r *scoring) runOver(ctx context.Context, e parallel.Engine) error {
	for first := 0; first < r.windows.count(); first += e.Size() {
		last := min(first+e.Size(), r.windows.count())
		if _, _, to := r.windows.at(last - 1); to <= r.state.Tokens {
			continue
		}
		parts, scored, err := r.turn(ctx, e, first, last)
		if err != nil {
			return err
		}
		for i := first; i < last; i++ {
			if err := r.take(parts[i-first], int(scored[i-first]), i); err != nil {
				return err
			}
		}
	}
	return nil
}

// turn reads windows first … last−1, one a rank. It returns the losses of each and the number of its tokens that something predicted.
func (r *scoring) turn(ctx context.Context, e parallel.Engine, first, last int) (parts [][]float32, scored []float64, err error) {
	parts, scored = make([][]float32, e.Size()), make([]float64, e.Size())
	for i := first; i < last; i++ {
		_, done, to := r.windows.at(i)
		parts[i-first] = make([]float32, max(0, to-max(done, r.state.Tokens)))
	}
	if mine := first + e.Rank(); mine < last && len(parts[e.Rank()]) > 0 {
		from, done, to := r.windows.at(mine)
		one := scoring{session: r.session, text: r.text, windows: r.windows, state: ScoreState{Tokens: max(done, r.state.Tokens)}}
		begin := one.state.Tokens
		one.options.Losses = func(at int, losses []float32) error {
			copy(parts[e.Rank()][at-begin:], losses)
			return nil
		}
		if err := one.sequence(ctx, from, done, to); err != nil {
			return nil, nil, err
		}
		scored[e.Rank()] = float64(one.state.Scored)
	}
	if err := parallel.AllGather(e, "losses of windows", parts); err != nil {
		return nil, nil, err
	}
	return parts, scored, parallel.SumFloat64(e, "scored tokens", scored)
}

// take adds the losses of window i to the score.
func (r *scoring) take(losses []float32, scored, i int) error {
	if len(losses) == 0 {
		return nil
	}
	for _, loss := range losses {
		r.state.Nats += float64(loss)
	}
	_, _, to := r.windows.at(i)
	r.state.Scored, r.state.Tokens = r.state.Scored+scored, to
	if r.options.Losses != nil {
		if err := r.options.Losses(to-len(losses), losses); err != nil {
			return err
		}
	}
	if r.options.Saved != nil {
		return r.options.Saved(r.state)
	}
	return nil
}
