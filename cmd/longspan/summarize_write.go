package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	reader "github.com/longspan/longspan/document"
	"github.com/longspan/longspan/hub"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/sampling/beam"
	"github.com/longspan/longspan/summarize"
)

// writerFlags say how an encoder-decoder writes summaries.
type writerFlags struct {
	beamFlags
	tokens int
	prefix string
	global []int
	note   string // of the global tokens
}

func (f *writerFlags) add(c *cobra.Command) {
	flags := c.Flags()
	f.beamFlags.add(c)
	flags.IntVar(&f.tokens, "tokens", 0, "largest number of tokens of a summary"+ofFiles)
	flags.StringVar(&f.prefix, "prefix", "", "text before the document, such as 'summarize: '"+ofFiles)
	flags.IntSliceVar(&f.global, "global", nil, "positions of global tokens, of LED (default: 0, as the cards of these models ask)")
	for _, name := range f.names() {
		flag := flags.Lookup(name)
		flag.Usage = "of an encoder-decoder: " + flag.Usage
	}
}

// names are the flags that mean nothing without an encoder-decoder.
func (f *writerFlags) names() []string {
	return append(f.beamFlags.names(), "tokens", "prefix", "global")
}

// options are those of a Writer.
func (f *writerFlags) options(o summarize.EncoderOptions, threads int) summarize.WriterOptions {
	w := summarize.WriterOptions{Tokens: f.tokens, Chunk: o.Chunk, Threads: threads, Settings: func(s *beam.Settings) { f.set(&s.Config) }}
	if f.changed("prefix") {
		w.Prefix = &f.prefix
	}
	return w
}

// forQuotes are the flags of summaries that quote.
var forQuotes = []string{"words", "sentences", "query", "html"}

// check refuses flags of the other kind of summary.
func (f *writerFlags) check(c *cobra.Command, writes bool) error {
	names, expected := f.names(), "expected --model with an encoder-decoder, which writes summaries"
	if writes {
		names, expected = forQuotes, "expected it for summaries that quote: an encoder-decoder writes as --tokens and its files say"
	}
	for _, name := range names {
		switch {
		case name == "words" && c.Flags().Changed(name):
			return usage(errors.New("found --words, which is for summaries that quote; an encoder-decoder writes tokens: use --tokens N"))
		case c.Flags().Changed(name):
			return usage(fmt.Errorf("found --%s, %s", name, expected))
		}
	}
	if f.changed("tokens") && f.tokens < 1 {
		return usage(fmt.Errorf("found --tokens %d, expected at least 1", f.tokens))
	}
	return nil
}

// globals are the global tokens of a model: those of the flag, or for LED the first one. Its transformers class has none by itself, and the
// cards of its checkpoints ask for the first.
func (f *writerFlags) globals(name string) mechanismFlags {
	switch {
	case !summarize.IsEncoder(name):
		return mechanismFlags{}
	case len(f.global) > 0:
		return mechanismFlags{global: f.global}
	}
	path, err := hub.Resolve(name)
	if err != nil {
		return mechanismFlags{} // opening the model says it
	}
	text, err := os.ReadFile(filepath.Join(path, "config.json"))
	if own, problem := isOwn(path); err != nil || problem != nil || own {
		return mechanismFlags{}
	}
	var config struct {
		Type string `json:"model_type"`
	}
	if json.Unmarshal(text, &config) == nil && config.Type == "led" {
		f.note = "the first token is global, as the cards of LED ask; --global names others"
		return mechanismFlags{global: []int{0}}
	}
	return mechanismFlags{}
}

// writtenRow is a summary in the output of `summarize` with an encoder-decoder.
type writtenRow struct {
	ID    json.RawMessage `json:"id,omitempty"` // of the line of JSON lines
	Texts []string        `json:"summary"`      // the sentences, as `rouge` reads them
	*summarize.Written
	Seconds float64 `json:"seconds"` // reading and writing
}

// writeSummary writes the summary of a document, if that fits the memory, and gives it to add.
func (s *summarizeOptions) writeSummary(ctx context.Context, o *output, w *summarize.Writer, m *model.Model, d *reader.Document, t *tally,
	add func(any, func(io.Writer)) error) error {
	source, err := w.Read(d)
	if err != nil {
		return t.leave(ctx, o, err)
	}
	settings := w.Settings()
	need, err := plan.Beams(*m.Spec(), plan.Search{Source: source.Longest(), Prompt: source.First(), Beams: settings.Beams,
		Tokens: m.MostTokens(source.First(), settings.Longest(source.First()))}, s.threads)
	if err != nil {
		return t.leave(ctx, o, err)
	}
	if err := fits(need.Bytes, s.memory, fmt.Sprintf("reading %d tokens at once", source.Longest()),
		"use --chunk with fewer tokens, or fewer --beams"); err != nil {
		return err
	}
	p := o.progress("tokens")
	r, err := w.Write(ctx, source, reservedPool(need.Bytes), p.step)
	p.finish()
	if err != nil {
		return t.leave(ctx, o, err)
	}
	if s.writer.note != "" {
		r.Notes = append(r.Notes, s.writer.note)
	}
	row, number := writtenRow{ID: json.RawMessage(d.ID), Texts: r.Sentences(), Written: r, Seconds: t.next()}, t.made
	return add(row, func(out io.Writer) { row.write(o, out, number) })
}

// write prints a summary on standard output, and what was read on standard error.
func (r writtenRow) write(o *output, w io.Writer, number int) {
	if number > 1 {
		fmt.Fprintln(w)
	}
	title := r.Title
	if title == "" {
		title = r.Name
	}
	if number > 1 || r.Name != "-" && len(r.Title) > 0 {
		fmt.Fprintf(w, "# %s\n", harmless(title))
	}
	for _, p := range r.Pieces {
		fmt.Fprintln(w, harmless(p.Text))
	}
	how := "read whole"
	if r.Read.Pieces > 1 {
		how = fmt.Sprintf("read whole, in %d pieces", r.Read.Pieces)
	}
	fmt.Fprintf(o.err, "%s: wrote %d words of %d with %s; %s, %d bytes and %d tokens, in %.2f s\n", r.Name, r.Words, r.Read.Words,
		beamsOf(r.Pieces[0].Beams), how, r.Read.Bytes, r.Read.Tokens, r.Seconds)
	for _, n := range r.Notes {
		fmt.Fprintf(o.err, "note: %s: %s\n", r.Name, n)
	}
}

// errWrites is the error of commands that score sentences, of a model that writes summaries.
var errWrites = errors.New("found an encoder-decoder, which writes summaries; expected an encoder. Write with longspan summarize --json, " +
	"and measure with longspan rouge")
