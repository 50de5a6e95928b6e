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
	"github.com/longspan/longspan/tensor"
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
	draw      sampling.Config
	weights   string
	precision string
	memory    string
	prompt    string
	tokens    int
	threads   int
}

func newSample(o *output) *cobra.Command {
	var s sampleOptions
	c := &cobra.Command{
		Use:   "sample MODEL",
		Short: "Generate text with a language model",
		Long: `Generate text with the language model in a folder. The folder is all it needs: the data of its training may be gone, and the folder may
have been moved. The same seed gives the same tokens, at any number of threads.

  longspan sample runs/ecoli --prompt ATGAAACGC --tokens 300 --temperature 0.8
  longspan sample runs/papers --prompt 'We show that' --top-p 0.9

Text ends where the model ends the document, or after --tokens. An encoder-decoder reads the prompt as its source.`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("temperature") && s.draw.Temperature == 0 { // which sampling takes for its default, and others for greedy
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
	f.StringVar(&s.weights, "weights", "", "final, latest, best or a file (default: final, or latest while there is none)")
	f.StringVar(&s.precision, "precision", "", "f32, bf16 or fp16 (default: the model's)")
	addMaxMemory(c, &s.memory, "the available memory")
	f.IntVar(&s.threads, "threads", 0, "threads (default: all processors); the result does not depend on them")
	f.StringVar(&s.prompt, "prompt", "", "what to go on from, or the source (default: the beginning of a document; DNA needs some bases)")
	f.IntVar(&s.tokens, "tokens", 200, "tokens to draw")
	f.Float64Var(&s.draw.Temperature, "temperature", 1, "below 1 sharper, above 1 flatter")
	f.BoolVar(&s.draw.Greedy, "greedy", false, "always take the most probable token")
	f.IntVar(&s.draw.TopK, "top-k", 0, "draw from the k most probable tokens only")
	f.Float64Var(&s.draw.TopP, "top-p", 0, "draw from the fewest tokens that hold this much probability")
	f.Uint64Var(&s.draw.Seed, "seed", 1, "seed of the draws")
	return c
}

// run opens the model and generates, if that fits the memory.
func (s *sampleOptions) run(o *output, dir string) (r sampleReport, err error) {
	path, err := findWeights(o, dir, s.weights)
	if err != nil {
		return r, err
	}
	m, err := model.OpenWith(dir, model.OpenOptions{Weights: path, Precision: s.precision})
	if err != nil {
		return r, usage(err)
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	need, err := s.need(m)
	if err != nil {
		return r, usage(err)
	}
	if err := fits(need, s.memory, "going on with the prompt", "use fewer --tokens, or a shorter prompt"); err != nil {
		return r, err
	}
	r = sampleReport{Weights: path, Prompt: s.prompt}
	err = s.generate(o, m.NewSession(tensor.Exec{Threads: s.threads, Pool: reservedPool(need)}), m.Spec().Kind, &r)
	return r, err
}

// need is the memory of the prompt and the tokens after it.
func (s *sampleOptions) need(m *model.Model) (plan.Bytes, error) {
	source, first, err := m.ReadPrompt(s.prompt)
	if err != nil {
		return plan.Bytes{}, err
	}
	e, err := plan.Generation(*m.Spec(), max(len(source), len(first)), m.MostTokens(len(first), s.tokens), s.threads)
	return e.Bytes, err
}

// generate writes the text as it comes, unless JSON is wanted. Ctrl-C ends it, with what there is.
func (s *sampleOptions) generate(o *output, session *model.Session, kind string, r *sampleReport) error {
	live := func(piece string) error {
		if o.json {
			return nil
		}
		_, err := fmt.Fprint(o.out, piece)
		return err
	}
	if kind != model.EncoderDecoder {
		if err := live(s.prompt); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	began := time.Now()
	g, err := session.Generate(ctx, s.prompt, model.GenerateOptions{Sampling: s.draw, Tokens: s.tokens,
		Token: func(_ int32, text string) error { return live(text) }})
	if err != nil && ctx.Err() == nil {
		return err
	}
	r.Text, r.Tokens, r.Seconds = g.Text, g.Tokens, time.Since(began).Seconds()
	r.TokensPerSecond = float64(len(r.Tokens)) / r.Seconds
	return nil
}
