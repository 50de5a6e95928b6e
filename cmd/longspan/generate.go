package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/sampling"
	"github.com/longspan/longspan/sampling/beam"
	"github.com/longspan/longspan/tensor"
)

// generateReport is the output of `generate`.
type generateReport struct {
	Model           string   `json:"model"`
	Text            string   `json:"text"`
	Tokens          []int32  `json:"tokens"`        // drawn, with the one that ended the text
	PromptTokens    int      `json:"prompt_tokens"` // all of them are read
	StoppedBy       string   `json:"stopped_by"`    // end, stop, tokens, positions or interrupt
	Stop            string   `json:"stop,omitempty"`
	Seconds         float64  `json:"seconds"`
	PromptSeconds   float64  `json:"prompt_seconds"`
	TokensPerSecond float64  `json:"tokens_per_second"` // after the first
	StateBytes      int64    `json:"state_bytes"`       // of the layers, at the end
	*searchReport            // of a search
	Notes           []string `json:"notes,omitempty"`
}

// generateOptions are the flags of `generate`.
type generateOptions struct {
	modelFlags
	mechanismFlags
	promptFlags
	beamFlags
	draw    sampling.Config
	tokens  int
	stop    []string
	pastEnd bool
}

func newGenerate(o *output) *cobra.Command {
	var g generateOptions
	c := &cobra.Command{
		Use:   "generate MODEL [PROMPT]",
		Short: "Write text with a language model, or answer a conversation",
		Long: `Write text with a decoder: a folder of this program or in Hugging Face's form, a GGUF file, or a repo of the hub's cache.
The prompt is PROMPT, a file, or standard input. Text is printed as it is made. It ends where the model ends it, before a stop string,
or after --tokens. The same seed gives the same text, at any number of threads. An encoder-decoder, such as BART or LED, reads the prompt
as its source, and writes a text of its own; --global 0 makes the first token of LED's source a global one.

  longspan generate SmolLM2-135M-Instruct.Q4_1.gguf 'Once upon a time' --tokens 100
  longspan generate Qwen/Qwen3-0.6B --chat 'Why is the sky blue?' --temperature 0.7 --top-p 0.9
  longspan generate model.gguf --system 'Be brief.' --message 'Hello' --message 'Hi!' --message 'Who are you?'
  longspan generate model.gguf --file report.txt --stop '###' --json

With --chat, and with --system, --message or --messages, the model answers by its chat template. Without them it continues the prompt,
after the special tokens that begin a document; with --raw not even these are added. One line end at the end of a file is not part of the
prompt, except with --raw.

With --beams, and for models whose files ask for it, the text is searched for: the best of several continuations, as generate of
transformers finds it. It is printed when it is found. A generation_config.json gives the settings that no flag gives. A decoder follows its
rules, such as no_repeat_ngram_size, at temperature 0. What is not followed is named in the reply.

  longspan generate facebook/bart-large-cnn --file report.txt
  longspan generate gpt2 'Once upon a time' --beams 4 --no-repeat-ngram 3 --length-penalty 1.2 --sequences 2`,
		Args: arguments(cobra.RangeArgs(1, 2)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := g.check(c); err != nil {
				return usage(err)
			}
			r, err := g.run(o, args)
			if err != nil {
				return err
			}
			if !o.json {
				r.summary(o.err)
			}
			return o.print(r, func(w io.Writer) { fmt.Fprintln(w) })
		},
	}
	f := c.Flags()
	g.promptFlags.add(c)
	f.IntVar(&g.tokens, "tokens", model.DefaultTokens,
		fmt.Sprintf("largest number of tokens to draw (default: an encoder-decoder's files, or %d)", model.DefaultTokens))
	f.Lookup("tokens").DefValue = "0" // the help has the default in words
	f.Float64Var(&g.draw.Temperature, "temperature", 0, "0 takes the most probable token; 1 draws as the model has it; below 1 sharper")
	f.IntVar(&g.draw.TopK, "top-k", 0, "draw from the k most probable tokens only")
	f.Float64Var(&g.draw.TopP, "top-p", 0, "draw from the fewest tokens with this share of the probability, 0 to 1")
	f.Float64Var(&g.draw.MinP, "min-p", 0, "draw from tokens with this share of the probability of the most probable one, 0 to 1")
	f.Float64Var(&g.draw.RepetitionPenalty, "repetition-penalty", 1,
		"above 1: tokens that were there before are less probable (default: the model's files at temperature 0, or 1)")
	f.Lookup("repetition-penalty").DefValue = "0"
	f.Uint64Var(&g.draw.Seed, "seed", 1, "seed of the draws")
	f.StringArrayVar(&g.stop, "stop", nil, "a text that ends the text and is not printed; may be given several times")
	f.BoolVar(&g.pastEnd, "past-end", false, "go on past the tokens that end a text")
	g.beamFlags.add(c)
	g.mechanismFlags.add(c)
	g.modelFlags.add(c)
	g.addPrecision(c)
	return c
}

// check refuses flags that have no effect, or a value that they cannot have.
func (g *generateOptions) check(c *cobra.Command) error {
	if g.draw.Greedy = g.draw.Temperature == 0; g.draw.Greedy {
		for _, name := range []string{"top-k", "top-p", "min-p", "seed"} {
			if c.Flags().Changed(name) {
				return fmt.Errorf("found --%s at temperature 0, which takes the most probable token; set --temperature, such as 0.7", name)
			}
		}
	}
	if g.draw.RepetitionPenalty == 0 {
		return errors.New("found --repetition-penalty 0, expected a number above 0; 1 is no penalty")
	}
	if g.tokens < 1 || g.tokens > beam.MaxTokens {
		return fmt.Errorf("found --tokens %d, expected 1 to %d", g.tokens, beam.MaxTokens)
	}
	for _, s := range g.stop {
		if s == "" {
			return errors.New("found an empty --stop, expected a text")
		}
	}
	return g.draw.Check()
}

// run opens the model and generates, if that fits the memory.
func (g *generateOptions) run(o *output, args []string) (r generateReport, err error) {
	options := model.GenerateOptions{Sampling: g.draw, Tokens: g.tokens, Stop: g.stop, PastEnd: g.pastEnd}
	text, err := g.read(&options, args[1:])
	if err != nil {
		return r, usage(err)
	}
	m, path, err := openModel(o, args[0], g.modelFlags, g.mechanismFlags)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	p, err := m.Prompt(text, options)
	if err != nil {
		return r, usage(err)
	}
	c, err := g.course(m)
	if err != nil {
		return r, usage(err)
	}
	if c.search {
		r.Model, r.Notes = path, beyond(m, len(p.Tokens)+c.settings.Longest(len(p.Tokens))-1)
		return r, g.search(o, m, p, c.settings, len(options.Messages) > 0, &r)
	}
	g.begin(m, c.settings.Config, &p, &options)
	most := m.MostTokens(len(p.Tokens), options.Tokens)
	need, err := plan.Generation(*m.Spec(), max(len(p.Source), len(p.Tokens)), most, g.threads)
	if err != nil {
		return r, usage(err)
	}
	if err := fits(need.Bytes, g.memory, "continuing the prompt", "use fewer --tokens, or a shorter prompt"); err != nil {
		return r, err
	}
	r = generateReport{Model: path, StateBytes: need.Bytes.Activations,
		Notes: append(beyond(m, len(p.Tokens)+most-1), c.notes...)} // the last one is not read
	return r, g.generate(o, m.NewSession(tensor.Exec{Threads: g.threads, Pool: reservedPool(need.Bytes)}), p, options, &r)
}

// beyond notes that a sequence is longer than what the model was made for.
func beyond(m *model.Model, tokens int) []string {
	if made := m.Answers().Tokens; made > 0 && tokens > made {
		return []string{fmt.Sprintf("up to %d tokens: the model was made for %d, and what it learned may not hold beyond", tokens, made)}
	}
	return nil
}

// generate writes each piece of text at once, unless the output is JSON. A signal ends it, and the report has the text so far.
func (g *generateOptions) generate(o *output, s *model.Session, p model.Prompt, options model.GenerateOptions, r *generateReport) error {
	options.Token = func(_ int32, text string) error {
		if o.json || text == "" {
			return nil
		}
		_, err := io.WriteString(o.out, text)
		return err
	}
	ctx, end := untilStopped()
	defer end()
	made, err := s.Continue(ctx, p, options)
	if err != nil && ctx.Err() == nil {
		return err
	}
	r.Text, r.Tokens, r.PromptTokens, r.StoppedBy, r.Stop = made.Text, made.Tokens, made.PromptTokens, made.StoppedBy, made.Stop
	r.Seconds, r.PromptSeconds = made.Time.Seconds(), made.PromptTime.Seconds()
	if n := len(made.Tokens); n > 1 {
		r.TokensPerSecond = float64(n-1) / (r.Seconds - r.PromptSeconds)
	}
	return nil
}

// summary says how the text was made.
func (r generateReport) summary(w io.Writer) {
	reasons := map[string]string{
		model.StoppedByEnd: "the model ended the text", model.StoppedByStop: fmt.Sprintf("the stop string %q came", r.Stop),
		model.StoppedByTokens: "as many as --tokens", model.StoppedByPositions: "the model has no more positions",
		model.StoppedByContext: "interrupted",
	}
	parts := []string{fmt.Sprintf("%d tokens read in %.2f s", r.PromptTokens, r.PromptSeconds), fmt.Sprintf("%d drawn", len(r.Tokens))}
	if r.TokensPerSecond > 0 {
		parts[1] += fmt.Sprintf(" at %.1f a second", r.TokensPerSecond)
	}
	if r.searchReport != nil {
		parts = append(parts, r.ofSearch())
	}
	parts = append(append(parts, reasons[r.StoppedBy]), r.Notes...)
	fmt.Fprintf(w, "\n%s\n", strings.Join(parts, "; "))
}
