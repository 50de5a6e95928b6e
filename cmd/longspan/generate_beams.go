package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/sampling/beam"
	"github.com/longspan/longspan/tensor"
)

// beamFlags are the flags of a beam search. Those that are not given leave what the model's files say.
type beamFlags struct {
	beams, sequences    int
	lengthPenalty       float64
	early               string
	noRepeat, notSource int
	least               int
	changed             func(name string) bool
}

// ofFiles is the default of the flags that a model's files may set.
const ofFiles = " (default: the model's files)"

func (f *beamFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.IntVar(&f.beams, "beams", 0, "search with so many beams; 1 takes the most probable token"+ofFiles)
	flags.IntVar(&f.sequences, "sequences", 1, "number of texts of a search, at most as many as beams"+ofFiles)
	flags.Float64Var(&f.lengthPenalty, "length-penalty", 1, "of a search: above 0 longer texts are better, below 0 shorter ones"+ofFiles)
	flags.StringVar(&f.early, "early-stopping", "false", "when a search ends: true, false or never, as in transformers"+ofFiles)
	flags.IntVar(&f.noRepeat, "no-repeat-ngram", 0, "of a search: no so many tokens come twice"+ofFiles)
	flags.IntVar(&f.notSource, "no-source-ngram", 0, "of a search: no so many tokens of the source come in the text"+ofFiles)
	flags.IntVar(&f.least, "min-tokens", 0, "of a search: smallest number of tokens"+ofFiles)
	for name, zero := range map[string]string{"sequences": "0", "length-penalty": "0", "early-stopping": ""} {
		flags.Lookup(name).DefValue = zero // the help has the default in words
	}
	f.changed = flags.Changed
}

// names are the flags of a search.
func (f *beamFlags) names() []string {
	return []string{"beams", "sequences", "length-penalty", "early-stopping", "no-repeat-ngram", "no-source-ngram", "min-tokens"}
}

// given is a flag of a search that was given; empty: none.
func (f *beamFlags) given() string {
	for _, name := range f.names() {
		if f.changed(name) {
			return name
		}
	}
	return ""
}

// set changes the settings of a model by the flags that were given.
func (f *beamFlags) set(c *beam.Config) {
	if f.changed("beams") {
		c.Beams, c.Sequences = f.beams, min(c.Sequences, max(1, f.beams))
	}
	if f.changed("sequences") {
		c.Sequences = f.sequences
	}
	if f.changed("length-penalty") {
		c.LengthPenalty = f.lengthPenalty
	}
	if f.changed("early-stopping") {
		c.Early = beam.Early(f.early)
	}
	if f.changed("no-repeat-ngram") {
		c.NoRepeatNgram = f.noRepeat
	}
	if f.changed("no-source-ngram") {
		c.SourceNoRepeatNgram = f.notSource
	}
	if f.changed("min-tokens") {
		c.MinNew = f.least
	}
}

// setLength bounds the new tokens of a search: by the flag where it was given, else by the model's files, else by the default. A longest
// length of a decoder's file counts the prompt, and is of no use for prompts of any length.
func setLength(s *beam.Settings, kind string, tokens int, given bool) {
	if given || !s.LengthOf || kind != model.EncoderDecoder && s.MaxNew == 0 {
		s.MaxNew = tokens
	}
}

// foundText is a text of a search in the output of `generate`.
type foundText struct {
	Text   string  `json:"text"`
	Tokens []int32 `json:"tokens"`
	Score  float64 `json:"score"` // Σ log p / n^length_penalty, in nats
}

// searchReport is what a search adds to the output of `generate`.
type searchReport struct {
	Beams     int         `json:"beams"`
	Score     float64     `json:"score"`               // of the text
	Sequences []foundText `json:"sequences,omitempty"` // all texts, where more than one was asked for
}

// search writes the texts of a search when they are found.
func (g *generateOptions) search(o *output, m *model.Model, p model.Prompt, s beam.Settings, chat bool, r *generateReport) error {
	switch {
	case g.pastEnd:
		s.Ends = nil
	case chat:
		s.Ends = p.Ends
	}
	longest := m.MostTokens(len(p.Tokens), s.Longest(len(p.Tokens)))
	need, err := plan.Beams(*m.Spec(), plan.Search{Source: len(p.Source), Prompt: len(p.Tokens), Tokens: longest, Beams: s.Beams}, g.threads)
	if err != nil {
		return usage(err)
	}
	if err := fits(need.Bytes, g.memory, fmt.Sprintf("searching with %d beams", s.Beams),
		"use fewer --beams, fewer --tokens, or a shorter prompt"); err != nil {
		return err
	}
	r.StateBytes, r.PromptTokens = need.Bytes.Activations, len(p.Source)+len(p.Tokens)
	for _, n := range s.Notes {
		r.Notes = append(r.Notes, "the model's files say, and a search does not follow: "+n)
	}
	ctx, end := untilStopped()
	defer end()
	bar := o.progress("tokens")
	began := time.Now()
	found, err := m.NewSession(tensor.Exec{Threads: g.threads, Pool: reservedPool(need.Bytes)}).Search(ctx, p, s.Config,
		func(tokens, longest int) error {
			if r.PromptSeconds == 0 {
				r.PromptSeconds = time.Since(began).Seconds()
			}
			bar.step(tokens, longest)
			return nil
		})
	bar.finish()
	r.Seconds = time.Since(began).Seconds()
	if err != nil && (ctx.Err() == nil || len(found) == 0) {
		return stoppedOr(ctx, err)
	}
	r.found(found, s.Beams, longest, s.Longest(len(p.Tokens)), ctx.Err() != nil)
	if o.json {
		return nil
	}
	texts := make([]string, len(found))
	for i, f := range found {
		texts[i] = f.Text
	}
	_, err = io.WriteString(o.out, strings.Join(texts, "\n\n"))
	return err
}

// stoppedOr is the error of a command that a signal has ended, or err.
func stoppedOr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

// found sets the texts of a search.
func (r *generateReport) found(all []model.Found, beams, longest, wanted int, interrupted bool) {
	best := all[0]
	r.searchReport = &searchReport{Beams: beams, Score: best.Score}
	r.Text, r.Tokens = best.Text, best.Tokens
	switch {
	case best.Ended:
		r.StoppedBy = model.StoppedByEnd
	case interrupted:
		r.StoppedBy = model.StoppedByContext
	case longest < wanted:
		r.StoppedBy = model.StoppedByPositions
	default:
		r.StoppedBy = model.StoppedByTokens
	}
	if n := len(best.Tokens); n > 1 && r.Seconds > r.PromptSeconds {
		r.TokensPerSecond = float64(n-1) / (r.Seconds - r.PromptSeconds)
	}
	if len(all) == 1 {
		return
	}
	for _, f := range all {
		r.Sequences = append(r.Sequences, foundText{f.Text, f.Tokens, f.Score})
	}
}

// beamsOf names a number of beams.
func beamsOf(n int) string {
	if n == 1 {
		return "one beam"
	}
	return fmt.Sprintf("%d beams", n)
}

// ofSearch is how a text was found, for people.
func (r *searchReport) ofSearch() string {
	parts := []string{fmt.Sprintf("%s, score %.4f", beamsOf(r.Beams), r.Score)}
	for _, f := range r.Sequences[min(1, len(r.Sequences)):] {
		parts = append(parts, fmt.Sprintf("%.4f", f.Score))
	}
	return strings.Join(parts, ", ")
}
