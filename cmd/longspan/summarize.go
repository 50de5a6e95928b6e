package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
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
	*summarize.Summary
	Seconds float64 `json:"seconds"` // reading, scoring and choosing
}

// summarizeOptions are the flags of `summarize`.
type summarizeOptions struct {
	documentFlags
	scorerFlags
	options summarize.Options
	html    string
}

func newSummarize(o *output) *cobra.Command {
	var s summarizeOptions
	c := &cobra.Command{
		Use:   "summarize [FILE…]",
		Short: "Quote the sentences of long documents that say most",
		Long: `Quote the sentences of a document that say most of it, whole and in their order. Plain text, Markdown, LaTeX, HTML and JSON
lines are read, packed with gzip too; a folder stands for such files below it. Without files the document is standard input. Nothing is
cut: the whole document is read, however long it is, and the reply says how much that was.

  longspan summarize paper.tex --words 150
  longspan summarize report.html --query 'cost of storage' --sentences 5
  longspan summarize book.txt --html book-summary.html           # the document with the sentences lit, and a map of the scores
  pdftotext paper.pdf - | longspan summarize --json              # with places in bytes, sections and scores

The scorer that chooses is in the program. It learned from papers and proposals in English; of other languages it says so. With --model an
encoder reads the document too, and a --query need not share words with what answers it:

  longspan summarize paper.tex --model org/encoder --query 'what does it cost?'`,
		Args: arguments(cobra.ArbitraryArgs),
		RunE: func(c *cobra.Command, args []string) error { return s.run(o, c, args) },
	}
	f := c.Flags()
	f.IntVar(&s.options.Words, "words", summarize.DefaultWords, "most words of a summary")
	f.IntVar(&s.options.Sentences, "sentences", 0, "number of sentences, instead of words")
	f.StringVar(&s.options.Query, "query", "", "what you want to know: sentences with its words come first")
	f.StringVar(&s.html, "html", "", "file for a page with the document, the sentences lit and a map of the scores")
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
	return nil
}

func (s *summarizeOptions) run(o *output, c *cobra.Command, args []string) (err error) {
	if err := s.check(c); err != nil {
		return usage(err)
	}
	m, done, err := s.open(o, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	ctx, end := untilStopped()
	defer end()
	made := 0
	s.options.Threads = s.threads
	return o.list(func(add func(any, func(io.Writer)) error) error {
		began := time.Now()
		return s.each(ctx, o, args, func(d *reader.Document) error {
			if made++; made > 1 && s.html != "" {
				return usage(errors.New("found --html and several documents, expected one; give one file, without JSON lines of several"))
			}
			if s.model != "" { // the scorer in the program takes no time to speak of
				s.options.Progress = bar(o, "bytes of text").step64
			}
			r, err := m.Summarize(ctx, d, s.options)
			if err != nil {
				return s.failed(ctx, err)
			}
			if s.html != "" {
				if err := durable.Write(s.html, r.WriteHTML); err != nil {
					return err
				}
			}
			row := quotedRow{r, time.Since(began).Seconds()}
			began = time.Now()
			return add(row, func(w io.Writer) { s.write(o, w, row, made) })
		})
	})
}

// failed makes an error of a document's a mistake of the user's, unless the command was stopped.
func (s *summarizeOptions) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	return usage(err)
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

// documentFlags say where documents come from.
type documentFlags struct {
	format   string
	fields   []string
	maxBytes int64
}

func (f *documentFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.format, "format", "", "text, markdown, latex, html or json-lines (default: by the name and the content)")
	flags.StringSliceVar(&f.fields, "fields", nil, "fields of JSON lines that are the document (default: text, or title and sections)")
	flags.Int64Var(&f.maxBytes, "max-bytes", reader.DefaultMaxBytes, "largest document, unpacked; memory grows with it")
}

// each gives the documents of files, of folders or of standard input to use.
func (f *documentFlags) each(ctx context.Context, o *output, names []string, use func(*reader.Document) error) error {
	options := reader.Options{Fields: f.fields, MaxBytes: f.maxBytes}
	if f.maxBytes < 1 {
		return usage(fmt.Errorf("found --max-bytes %d, expected a positive number", f.maxBytes))
	}
	if f.format != "" {
		format, err := reader.ParseFormat(f.format)
		if err != nil {
			return usage(fmt.Errorf("--format: %w", err))
		}
		options.Format = format
	}
	if len(names) == 0 {
		names = []string{"-"}
	}
	for _, name := range names {
		if name == "-" {
			if err := f.asked(ctx, reader.Read(ctx, name, os.Stdin, options, use)); err != nil {
				return err
			}
			continue
		}
		files, notes, err := reader.List(name)
		if err != nil {
			return usage(err)
		}
		for _, n := range notes {
			fmt.Fprintln(o.err, n)
		}
		for _, file := range files {
			if err := f.asked(ctx, reader.Open(ctx, file, options, use)); err != nil {
				return err
			}
		}
	}
	return nil
}

// asked makes an error of reading a mistake of the user's, unless the command was stopped.
func (f *documentFlags) asked(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return errInterrupted
	}
	return usage(err)
}
