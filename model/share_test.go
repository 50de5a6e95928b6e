package model

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// overRanks runs f on a goroutine for each of n ranks.
func overRanks(t *testing.T, n int, f func(e parallel.Engine) error) {
	t.Helper()
	errs := make([]error, n)
	var all sync.WaitGroup
	for i, e := range parallel.Local(n) {
		all.Go(func() {
			if errs[i] = f(e); errs[i] != nil {
				e.Abort(1, errs[i].Error())
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// shareable are the models of the zoo whose batches ranks can share, and two with global projections.
func shareable(t *testing.T) map[string]Spec {
	t.Helper()
	all := zoo()
	maps.DeleteFunc(all, func(_ string, c Config) bool {
		kind := c.WithDefaults().Kind
		return kind != Encoder && kind != Decoder
	})
	specs := map[string]Spec{}
	for name, c := range all {
		if c.MaxTokens > 0 {
			c.MaxTokens = 2048
		}
		s, err := c.Spec()
		if err != nil {
			t.Fatal(err)
		}
		if !s.Layers[0].Attention.HasSummaries() {
			specs[name] = s
		}
	}
	// Rotated queries of global tokens meet keys; others meet the tokens.
	for name, position := range map[string]string{"encoder global": "rotary", "encoder global tokens": "none"} {
		s, err := all["encoder mlm"].Spec()
		if err != nil {
			t.Fatal(err)
		}
		for i := range s.Layers {
			s.Layers[i].Attention.Position, s.Layers[i].Attention.Global = position, []int{0, 3, 515}
		}
		specs[name] = s
	}
	// A factor is of a whole sequence, whose tokens lie on several ranks.
	s, err := all["encoder mlm"].Spec()
	if err != nil {
		t.Fatal(err)
	}
	s.Embed.TokenDropout = &TokenDropout{Mask: 2, Trained: 0.12}
	specs["encoder token dropout"] = s
	return specs
}

// lengths of batches that ranks share: sequences of one row, cut ones, and more ranks than units.
var sharedLengths = [][]int{{1}, {7, 513}, {1200, 30, 600}}

// TestHiddenOverRanks checks that the hidden states of every rank have the bits of the whole.
func TestHiddenOverRanks(t *testing.T) {
	for name, c := range shareable(t) {
		m := newOf(t, c, Options{Train: true})
		for _, lengths := range sharedLengths {
			b := batch(3, lengths...)
			whole, err := m.NewSession(tensor.Exec{}).Hidden(b, StepOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, ranks := range []int{2, 3, 5} {
				overRanks(t, ranks, func(e parallel.Engine) error {
					s, err := parallel.NewShare(e, lengths)
					if err != nil {
						return err
					}
					got, err := m.NewSession(tensor.Exec{Pool: tensor.NewPool()}).Hidden(b, StepOptions{Share: s})
					if err != nil {
						return fmt.Errorf("%s, %v over %d ranks: %w", name, lengths, ranks, err)
					}
					lo, hi := s.Own()
					if want := whole.SliceRows(lo, hi); !slices.Equal(got.F32, want.F32) {
						return fmt.Errorf("%s, %v: rank %d of %d has other hidden states", name, lengths, e.Rank(), ranks)
					}
					return nil
				})
			}
		}
	}
}

// TestStepOverRanks checks that losses, predictions and gradients of the ranks add up to those of the whole: the predictions bit for bit,
// and the sums but for rounding.
func TestStepOverRanks(t *testing.T) {
	for name, c := range shareable(t) {
		c.Dropout = 0.1
		for _, lengths := range sharedLengths {
			b, run := batch(3, lengths...), StepOptions{Backward: true, Seed: 9}
			if c.Head.Kind == Tag || c.Head.Kind == LM {
				b.Targets[0] = data.Ignore
			}
			whole := newOf(t, c, Options{Train: true})
			result, err := whole.NewSession(tensor.Exec{}).Step(b, run)
			if err != nil {
				t.Fatal(err)
			}
			for _, split := range [][2]int{{2, 1}, {5, 1}, {1, 2}, {2, 2}} { // parts of the rows, and of the features
				m := newOf(t, c, Options{Train: true})
				if split[1] > 1 && m.checkTensor(split[1]) != nil {
					continue
				}
				ranks := split[0] * split[1]
				sum := make([]float64, 1+len(grads(m)))
				overRanks(t, ranks, func(e parallel.Engine) error {
					team, err := parallel.NewTeam(e, split[1])
					if err != nil {
						return err
					}
					run, err := shareOf(b, team)
					if err != nil {
						return err
					}
					run.Backward, run.Seed, run.Grads = true, 9, map[string]tensor.Mat{}
					for _, p := range m.Params() {
						run.Grads[p.Name] = tensor.New(tensor.F32, p.Grad.Rows, p.Grad.Cols)
					}
					result, err := m.NewSession(tensor.Exec{Pool: tensor.NewPool()}).Step(b, run)
					if err != nil {
						return fmt.Errorf("%s, %v over %d ranks: %w", name, lengths, ranks, err)
					}
					share := []float64{result.Loss}
					for _, p := range m.Params() {
						for _, g := range run.Grads[p.Name].F32 {
							share = append(share, float64(g))
						}
					}
					if err := parallel.SumFloat64(e, "test", share); err != nil {
						return err
					}
					if e.Rank() == 0 {
						copy(sum, share)
					}
					return nil
				})
				want := grads(whole)
				worst, size := math.Abs(sum[0]-result.Loss), result.Loss
				for i, g := range want {
					worst, size = max(worst, math.Abs(sum[1+i]-float64(g))), max(size, math.Abs(float64(g)))
				}
				if worst > 2e-6*size {
					t.Errorf("%s, %v: the sums over %v ranks differ by %.2g of %.2g", name, lengths, split, worst, size)
				}
			}
		}
	}
}

// TestEvalOverRanks checks that outcomes add up to that of the whole.
func TestEvalOverRanks(t *testing.T) {
	for name, c := range shareable(t) {
		m := newOf(t, c, Options{Train: true})
		b := batch(4, 700, 40, 600)
		want, err := m.Eval(tensor.Exec{}, b, 0)
		if err != nil {
			t.Fatal(err)
		}
		overRanks(t, 3, func(e parallel.Engine) error {
			o, err := m.EvalShare(tensor.Exec{}, b, 0, parallel.Team{All: e, Sequence: e, Tensor: parallel.Local(1)[0]})
			if err != nil {
				return err
			}
			sums := []float64{o.Loss, float64(o.Correct)}
			if err := parallel.SumFloat64(e, "test", sums); err != nil {
				return err
			}
			if math.Abs(sums[0]-want.Loss) > 1e-6*want.Loss || int64(sums[1]) != want.Correct || o.Targets != want.Targets {
				return fmt.Errorf("%s: loss %g, %g correct of %d, expected %+v", name, sums[0], sums[1], o.Targets, want)
			}
			return nil
		})
	}
}

func TestShareRefused(t *testing.T) {
	b := batch(1, 30)
	e := parallel.Local(2)[0]
	for name, c := range zoo() {
		if _, ok := shareable(t)[name]; ok || c.Kind == EncoderDecoder {
			continue
		}
		_, err := newModel(t, c, nil).TrainShare(tensor.Exec{}, b, data.Pass{}, parallel.Team{All: e, Sequence: e, Tensor: parallel.Local(1)[0]}, nil)
		if err == nil || !strings.Contains(err.Error(), "found sequences shared by several shards") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	s, err := parallel.NewShare(e, []int{31})
	if err != nil {
		t.Fatal(err)
	}
	_, err = newModel(t, zoo()["decoder"], nil).NewSession(tensor.Exec{}).Step(b, StepOptions{Share: s})
	if err == nil || !strings.Contains(err.Error(), "found a share of sequences of [31] tokens for a batch of [30]") {
		t.Errorf("another batch: got %v", err)
	}
}

// TestSessionOver checks that every rank has the whole results, with the bits of one.
func TestSessionOver(t *testing.T) {
	for name, c := range shareable(t) {
		m := newOf(t, c, Options{})
		for _, lengths := range sharedLengths {
			b := batch(3, lengths...)
			want, err := m.NewSession(tensor.Exec{}).Predict(b, StepOptions{})
			if err != nil {
				t.Fatal(err)
			}
			overRanks(t, 3, func(e parallel.Engine) error {
				s := m.NewSessionOver(tensor.Exec{Pool: tensor.NewPool()}, e)
				got, err := s.Predict(b, StepOptions{})
				if err != nil {
					return err
				}
				if !slices.Equal(got.F32, want.F32) {
					return fmt.Errorf("%s, %v: rank %d has other results", name, lengths, e.Rank())
				}
				return nil
			})
		}
	}
}

// TestScoreOver checks that windows that ranks share give the score, the losses and the last state of one rank, also from the middle.
func TestScoreOver(t *testing.T) {
	m, text := scored(t, 64, 700)
	tokens, err := m.ReadScored(text)
	if err != nil {
		t.Fatal(err)
	}
	read := func(s *Session, from ScoreState) (Score, []float32, []ScoreState, error) {
		var losses []float32
		var states []ScoreState
		o := ScoreOptions{From: from, Stride: 20, Context: 64}
		o.Losses = func(at int, more []float32) error {
			losses = append(losses, more...)
			return nil
		}
		o.Saved = func(s ScoreState) error {
			states = append(states, s)
			return nil
		}
		score, err := s.Score(context.Background(), tokens, o)
		return score, losses, states, err
	}
	want, losses, states, err := read(m.NewSession(tensor.Exec{}), ScoreState{})
	if err != nil {
		t.Fatal(err)
	}
	middle := states[len(states)/2]
	overRanks(t, 3, func(e parallel.Engine) error {
		for _, from := range []ScoreState{{}, middle} {
			got, gotLosses, gotStates, err := read(m.NewSessionOver(tensor.Exec{}, e), from)
			if err != nil {
				return err
			}
			if got != want || !slices.Equal(gotLosses, losses[from.Tokens:]) || gotStates[len(gotStates)-1] != states[len(states)-1] {
				return fmt.Errorf("from %d tokens on, rank %d: score %+v, expected %+v", from.Tokens, e.Rank(), got, want)
			}
		}
		return nil
	})
}

// Heads that share a norm cannot lie on several ranks.
func TestCanShareRefusesOneNorm(t *testing.T) {
	for text, want := range map[string]string{"nystrom(one_norm=1)": "heads share a norm", "nystrom(exact=1)": "", "nystrom": ""} {
		s, err := Config{Kind: Encoder, Vocab: 9, Width: 16, Heads: 2, Attention: []string{text}}.Spec()
		if err != nil {
			t.Fatal(err)
		}
		if err := CanShare(&s); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}
