package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/sampling"
)

// sampleReport is what `sample` prints.
type sampleReport struct {
	Weights         string  `json:"weights"`
	Prompt          string  `json:"prompt"` // of an encoder-decoder: the source
	Text            string  `json:"text"`
	Tokens          []int32 `json:"tokens"` // after the prompt
	Seconds         float64 `json:"seconds"`
	TokensPerSecond float64 `json:"tokens_per_second"`
}

// sampleOptions are the flags of `sample`.
type sampleOptions struct {
	runFlags
	draw   sampling.Config
	prompt string
	tokens int
}

func newSample(o *output) *cobra.Command {
	var s sampleOptions
	c := &cobra.Command{
		Use:   "sample RUN",
		Short: "Let the language model of a run go on with a text",
		Long: `Draw tokens, one after the other, from the model in the folder of a run. The same seed gives the same tokens, whatever the number of threads.

  longspan sample runs/ecoli --prompt ATGAAACGC --tokens 300 --temperature 0.8
  longspan sample runs/papers --prompt 'We show that' --top-p 0.9

An encoder-decoder reads the prompt as the source, and writes what it makes of it, to the end or up to --tokens.`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("temperature") && s.draw.Temperature == 0 { // which sampling takes for its default, and others for greedy
				return usage(errors.New("found --temperature 0, expected a number above 0; use --greedy for the most probable token"))
			}
			sampler, err := sampling.New(s.draw)
			if err != nil {
				return usage(err)
			}
			if s.tokens < 1 {
				return usage(fmt.Errorf("found --tokens %d, expected at least 1", s.tokens))
			}
			t, err := s.open(o, args[0], work{"going on with the prompt", "use fewer --tokens, or a shorter prompt", s.need})
			if err != nil {
				return err
			}
			r, err := s.generate(o, t, sampler)
			if err = errors.Join(err, t.close()); err != nil {
				return err
			}
			return o.print(r, func(w io.Writer) { fmt.Fprintln(w) })
		},
	}
	s.add(c)
	f := c.Flags()
	f.StringVar(&s.prompt, "prompt", "", "what to go on from, or the source (default: the beginning of a document; DNA needs some bases)")
	f.IntVar(&s.tokens, "tokens", 200, "tokens to draw")
	f.Float64Var(&s.draw.Temperature, "temperature", 1, "below 1 sharper, above 1 flatter")
	f.BoolVar(&s.draw.Greedy, "greedy", false, "always take the most probable token")
	f.IntVar(&s.draw.TopK, "top-k", 0, "draw from the k most probable tokens only")
	f.Float64Var(&s.draw.TopP, "top-p", 0, "draw from the fewest tokens that hold this much probability")
	f.Uint64Var(&s.draw.Seed, "seed", 1, "seed of the draws")
	return c
}

// need is what the prompt and the tokens after it take.
func (s *sampleOptions) need(t *trained) (plan.Bytes, error) {
	prompt, err := t.sets.Read(s.prompt)
	if err != nil {
		return plan.Bytes{}, fmt.Errorf("--prompt: %w", err)
	}
	if len(prompt) == 0 {
		return plan.Bytes{}, errors.New("--prompt is empty, expected something to go on from")
	}
	e, err := plan.Generation(t.recipe.Model, len(prompt), s.limit(t), s.threads)
	return e.Bytes, err
}

// generate writes the text as it comes, unless JSON is wanted.
func (s *sampleOptions) generate(o *output, t *trained, sampler *sampling.Sampler) (r sampleReport, err error) {
	r = sampleReport{Weights: t.weights, Prompt: s.prompt}
	live := func(piece string) {
		if !o.json {
			fmt.Fprint(o.out, piece)
		}
	}
	next, err := t.sets.Read(s.prompt)
	if err != nil {
		return r, err
	}
	var source []int32
	if t.sets.Pairs {
		source, next = next, []int32{text.End}
	} else {
		live(s.prompt)
	}
	g, err := t.model.NewSession(t.exec).Generate(source)
	if err != nil {
		return r, usage(err)
	}
	defer g.Close()
	ended := false
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	began := time.Now()
	for limit := s.limit(t); len(r.Tokens) < limit && !ended && ctx.Err() == nil; {
		logits, err := g.Step(next)
		if err != nil {
			return r, err
		}
		token, err := sampler.Next(logits)
		if err != nil {
			return r, err
		}
		r.Tokens = append(r.Tokens, int32(token))
		next = r.Tokens[len(r.Tokens)-1:]
		live(t.sets.Show(next))
		ended = t.sets.Pairs && token == text.End
	}
	r.Text = t.sets.Show(r.Tokens)
	r.Seconds = time.Since(began).Seconds()
	r.TokensPerSecond = float64(len(r.Tokens)) / r.Seconds
	return r, nil
}

// limit is how many tokens are drawn at most: where a target has learned positions, no more than there are.
func (s *sampleOptions) limit(t *trained) int {
	if most := t.recipe.Model.MaxTokens; t.sets.Pairs && most > 0 {
		return min(s.tokens, most)
	}
	return s.tokens
}
