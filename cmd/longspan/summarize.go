package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	reader "github.com/longspan/longspan/document"
	"github.com/longspan/longspan/internal/durable"
	"github.com/longspan/longspan/summarize"
)

// quotedRow is a summary in the output of `summarize`.
type quotedRow struct {
	ID    json.RawMessage `json:"id,omitempty"` // of the line of JSON lines
	Texts []string        `json:"summary"`      // of the sentences, as `rouge` reads them
	*summarize.Summary
	Seconds float64 `json:"seconds"` // reading, scoring and choosing
}

func newQuotedRow(d *reader.Document, r *summarize.Summary, seconds float64) quotedRow {
	row := quotedRow{ID: json.RawMessage(d.ID), Summary: r, Seconds: seconds}
	for _, c := range r.Sentences {
		row.Texts = append(row.Texts, c.Text)
	}
	return row
}

// summarizeOptions are the flags of `summarize`.
type summarizeOptions struct {
	documentFlags
	scorerFlags
	writer  writerFlags
	options summarize.Options
	html    string
}

func newSummarize(o *output) *cobra.Command {
	var s summarizeOptions
	c := &cobra.Command{
		Use:   "summarize [FILE…]",
		Short: "Quote the sentences of long documents that say most, or write summaries with an encoder-decoder",
		Long: `Quote the sentences of a document that say most of it, whole and in their order; with an encoder-decoder, write a summary.
Plain text, Markdown, LaTeX, HTML and JSON lines are read, packed with gzip too; a folder stands for such files below it. Without files the
document is standard input. Nothing is cut: the whole document is read, however long it is, and the reply says how much that was. Of several
files those that cannot be read are named on standard error; the others go on, and the exit status is 2.

  longspan summarize paper.tex --words 150
  longspan summarize report.html --query 'cost of storage' --sentences 5
  longspan summarize book.txt --html book-summary.html           # the document with the sentences lit, and a map of the scores
  pdftotext paper.pdf - | longspan summarize --json              # with places in bytes, sections and scores
  longspan summarize papers.jsonl --json > system.json           # each with its field id, as longspan rouge reads it

The scorer that chooses is in the program. It learned from papers and proposals in English; of other languages it says so. With --model an
encoder reads the document too, and a --query need not share words with what answers it:

  longspan summarize paper.tex --model org/encoder --query 'what does it cost?'

An encoder-decoder, such as LED, BART or T5, writes the summary instead, by beam search with the settings of its files. A document of more
tokens than it has positions is read in pieces that overlap, which is said:

  longspan summarize paper.tex --model allenai/led-large-16384-arxiv
  longspan summarize report.html --model facebook/bart-large-cnn --beams 4 --no-repeat-ngram 3`,
		Args: arguments(cobra.ArbitraryArgs),
		RunE: func(c *cobra.Command, args []string) error { return s.run(o, c, args) },
	}
	f := c.Flags()
	f.IntVar(&s.options.Words, "words", summarize.DefaultWords, "most words of a summary")
	f.IntVar(&s.options.Sentences, "sentences", 0, "number of sentences, instead of words")
	f.StringVar(&s.options.Query, "query", "", "what you want to know: sentences with its words come first")
	f.StringVar(&s.html, "html", "", "file for a page with the document, the sentences lit and a map of the scores")
	s.writer.add(c)
	s.scorerFlags.add(c)
	s.documentFlags.add(c)
	c.AddCommand(newSummarizeTrain(o), newSummarizeEvaluate(o))
	return c
}

// check refuses flags that contradict each other.
func (s *summarizeOptions) check(c *cobra.Command) error {
	words, count := c.Flags().Changed("words"), c.Flags().Changed("sentences")
	switch {
	case words && count:
		return errors.New("found --words and --sentences, expected one of them")
	case words && s.options.Words < 1:
		return fmt.Errorf("found --words %d, expected a positive number", s.options.Words)
	case count && s.options.Sentences < 1:
		return fmt.Errorf("found --sentences %d, expected a positive number", s.options.Sentences)
	case count:
		s.options.Words = 0
	}
	if c.Flags().Changed("query") && strings.TrimSpace(s.options.Query) == "" {
		return errors.New("found an empty --query, expected what you want to know; leave it out for a summary of the whole document")
	}
	return nil
}

func (s *summarizeOptions) run(o *output, c *cobra.Command, args []string) (err error) {
	if err := s.check(c); err != nil {
		return usage(err)
	}
	from, err := s.find(o, args)
	if err == nil && s.html != "" && from.several() {
		err = fmt.Errorf("found --html and %d files, expected one", len(from.files)+len(from.missing))
	}
	if err == nil && s.html != "" {
		err = checkFile("--html "+s.html, s.html, from.files...)
	}
	if err != nil {
		return usage(err)
	}
	scorer, m, done, err := s.openAny(o, c, s.writer.globals(s.model))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	if err := s.writer.check(c, scorer == nil); err != nil {
		return err
	}
	var w *summarize.Writer
	if scorer == nil {
		if w, err = summarize.NewWriter(m, s.writer.options(s.reader, s.threads)); err != nil {
			return usage(fmt.Errorf("--model %s: %w", s.model, err))
		}
	}
	ctx, end := untilStopped()
	defer end()
	s.options.Threads = s.threads
	t := tally{several: from.several(), began: time.Now()}
	err = o.list(func(add func(any, func(io.Writer)) error) error {
		err := s.each(ctx, o, &t, from, func(d *reader.Document) error {
			if w != nil {
				return s.writeSummary(ctx, o, w, m, d, &t, add)
			}
			return s.quote(ctx, o, scorer, d, &t, add)
		})
		if err == nil && t.made == 0 && t.left > 0 {
			err = t.failure() // without a summary it is all that JSON has
		}
		return err
	})
	if err != nil || t.left == 0 {
		return err
	}
	err = t.failure()
	if o.json { // the array of the others is complete
		fmt.Fprintf(o.err, "longspan: %v\n", err)
		return errors.Join(reported{err}, err)
	}
	return err
}

// quote summarises a document and gives the summary to add.
func (s *summarizeOptions) quote(ctx context.Context, o *output, m *summarize.Summarizer, d *reader.Document, t *tally,
	add func(any, func(io.Writer)) error) error {
	if t.made > 0 && s.html != "" {
		return usage(errors.New("found --html and several documents, expected one; give one file, without JSON lines of several"))
	}
	if s.model != "" { // the scorer in the program takes no time to speak of
		s.options.Progress = bar(o, "bytes of text").step64
	}
	r, err := m.Summarize(ctx, d, s.options)
	if err != nil {
		return t.leave(ctx, o, err)
	}
	if s.html != "" {
		if err := durable.Write(s.html, r.WriteHTML); err != nil {
			return usage(err)
		}
	}
	row, number := newQuotedRow(d, r, t.next()), t.made
	return add(row, func(w io.Writer) { s.write(o, w, row, number) })
}

// write prints a summary, a sentence a line, on standard output, and what was read on standard error, so that a file gets the summary
// alone.
func (s *summarizeOptions) write(o *output, w io.Writer, r quotedRow, number int) {
	if number > 1 {
		fmt.Fprintln(w)
	}
	if number > 1 || r.Name != "-" && len(r.Title) > 0 {
		fmt.Fprintf(w, "# %s\n", harmless(titleOf(r.Summary)))
	}
	for _, c := range r.Sentences {
		fmt.Fprintln(w, harmless(c.Text))
	}
	fmt.Fprintf(o.err, "%s: %d words of %d in %d of %d sentences; read whole, %d bytes and %d tokens, in %.2f s\n", r.Name, r.Words,
		r.Read.Words, len(r.Sentences), r.Read.Sentences, r.Read.Bytes, r.Read.Tokens, r.Seconds)
	for _, n := range r.Notes {
		fmt.Fprintf(o.err, "note: %s: %s\n", r.Name, n)
	}
	if s.html != "" {
		fmt.Fprintf(o.err, "wrote %s\n", s.html)
	}
}

// harmless is a text without the characters that steer a terminal, as logs in colours have them. JSON has them as they are, escaped.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

func titleOf(r *summarize.Summary) string {
	if r.Title != "" {
		return r.Title
	}
	return r.Name
}
