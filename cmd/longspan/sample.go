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

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/sampling"
)

// sampleReport is the output of `sample`.
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
	modelFlags
	draw   sampling.Config
	prompt string
	tokens int
}

func newSample(o *output) *cobra.Command {
	var s sampleOptions
	c := &cobra.Command{
		Use:   "sample MODEL",
		Short: "Generate text with a language model",
		Long: `Generate text with the language model in a folder. No other file is needed: the training data may
be deleted, and the folder moved. The same seed gives the same tokens, at any number of threads.

  longspan sample runs/ecoli --prompt ATGAAACGC --tokens 300 --temperature 0.8
  longspan sample runs/papers --prompt 'We show that' --top-p 0.9

Text ends where the model ends the document, or after --tokens. An encoder-decoder reads the prompt as its source.`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("temperature") && s.draw.Temperature == 0 { // it is the default in package sampling, and greedy in other tools
				return usage(errors.New("found --temperature 0, expected a number above 0; use --greedy for the most probable token"))
			}
			if _, err := sampling.New(s.draw); err != nil {
				return usage(err)
			}
			if s.tokens < 1 {
				return usage(fmt.Errorf("found --tokens %d, expected at least 1", s.tokens))
			}
			r, err := s.run(o, args[0])
			if err != nil {
				return err
			}
			return o.print(r, func(w io.Writer) { fmt.Fprintln(w) })
		},
	}
	f := c.Flags()
	s.modelFlags.add(c)
	s.addPrecision(c)
	f.StringVar(&s.prompt, "prompt", "", "text to continue, or the source (default: the beginning of a document; DNA needs some bases)")
	f.IntVar(&s.tokens, "tokens", 200, "largest number of tokens to draw")
	f.Float64Var(&s.draw.Temperature, "temperature", 1, "below 1 sharper, above 1 flatter")
	f.BoolVar(&s.draw.Greedy, "greedy", false, "always take the most probable token")
	f.IntVar(&s.draw.TopK, "top-k", 0, "draw from the k most probable tokens only")
	f.Float64Var(&s.draw.TopP, "top-p", 0, "draw from the fewest tokens with this share of the probability, 0 to 1")
	f.Uint64Var(&s.draw.Seed, "seed", 1, "seed of the draws")
	return c
}

// run opens the model and generates, if that fits the memory.
func (s *sampleOptions) run(o *output, dir string) (r sampleReport, err error) {
	m, err := s.open(o, dir, "continuing the prompt", "use fewer --tokens, or a shorter prompt", s.need)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	r = sampleReport{Weights: m.weights, Prompt: s.prompt}
	return r, s.generate(o, m, &r)
}

// need is the memory of the prompt and the tokens after it.
func (s *sampleOptions) need(m *model.Model) (e plan.Estimate, err error) {
	source, first, err := m.ReadPrompt(s.prompt)
	if err != nil {
		return e, err
	}
	return plan.Generation(*m.Spec(), max(len(source), len(first)), m.MostTokens(len(first), s.tokens), s.threads)
}

// generate writes each piece of text at once, unless the output is JSON. Ctrl-C ends it, and the report has the text so far.
func (s *sampleOptions) generate(o *output, m *openedModel, r *sampleReport) error {
	live := func(piece string) error {
		if o.json {
			return nil
		}
		_, err := fmt.Fprint(o.out, piece)
		return err
	}
	if m.Spec().Kind != model.EncoderDecoder {
		if err := live(s.prompt); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	began := time.Now()
	g, err := m.session.Generate(ctx, s.prompt, model.GenerateOptions{Sampling: s.draw, Tokens: s.tokens,
		Token: func(_ int32, text string) error { return live(text) }})
	if err != nil && ctx.Err() == nil {
		return err
	}
	r.Text, r.Tokens, r.Seconds = g.Text, g.Tokens, time.Since(began).Seconds()
	r.TokensPerSecond = float64(len(r.Tokens)) / r.Seconds
	return nil
}
