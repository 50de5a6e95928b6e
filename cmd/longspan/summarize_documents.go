package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	reader "github.com/longspan/longspan/document"
)

// documentFlags say how documents are read.
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

// options are those of the reader.
func (f *documentFlags) options() (o reader.Options, err error) {
	if f.maxBytes < 1 {
		return o, fmt.Errorf("found --max-bytes %d, expected a positive number", f.maxBytes)
	}
	o = reader.Options{Fields: f.fields, MaxBytes: f.maxBytes}
	if f.format != "" {
		if o.Format, err = reader.ParseFormat(f.format); err != nil {
			return o, fmt.Errorf("--format: %w", err)
		}
	}
	return o, nil
}

// sources are the files that the arguments of a command stand for.
type sources struct {
	options reader.Options
	files   []string // - is standard input
	missing []error  // of arguments that stand for no file
}

func (s sources) several() bool { return len(s.files)+len(s.missing) > 1 }

// find finds the files of names: a folder stands for the documents below it, and no name for standard input. A name that stands for no file
// is an error only if it is alone.
func (f *documentFlags) find(o *output, names []string) (s sources, err error) {
	if s.options, err = f.options(); err != nil {
		return s, err
	}
	if len(names) == 0 {
		names = []string{"-"}
	}
	for _, name := range names {
		files, notes, err := []string{name}, []string(nil), error(nil)
		if name != "-" {
			files, notes, err = reader.List(name)
		}
		for _, n := range notes {
			fmt.Fprintln(o.err, n)
		}
		switch {
		case err == nil:
			s.files = append(s.files, files...)
		case len(names) == 1:
			return s, err
		default:
			s.missing = append(s.missing, err)
		}
	}
	return s, nil
}

// tally counts the documents of a command.
type tally struct {
	several    bool // files
	made, left int  // documents that were summarised, and that could not be
	began      time.Time
}

// next counts a document and returns the seconds since the one before.
func (t *tally) next() float64 {
	seconds := time.Since(t.began).Seconds()
	t.made, t.began = t.made+1, time.Now()
	return seconds
}

// leave reports a document of several files that cannot be summarised, and counts it. The error of a single file is returned, and that of a
// command that was stopped.
func (t *tally) leave(ctx context.Context, o *output, err error) error {
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case !t.several:
		return usage(err)
	}
	fmt.Fprintf(o.err, "longspan: %v%s\n", err, lookedFor(err))
	t.left, t.began = t.left+1, time.Now()
	return nil
}

// failure is the error of a command that has left documents.
func (t *tally) failure() error {
	return usage(fmt.Errorf("%d of %d documents could not be summarised", t.left, t.made+t.left))
}

// each gives the documents to use. An error of use ends the work. A file that cannot be read is left to t.
func (f *documentFlags) each(ctx context.Context, o *output, t *tally, from sources, use func(*reader.Document) error) error {
	for _, err := range from.missing {
		if err := t.leave(ctx, o, err); err != nil {
			return err
		}
	}
	var other []string // documents that have no fields
	for _, file := range from.files {
		var stop error
		err := openDocuments(ctx, file, from.options, func(d *reader.Document) error {
			if d.Format != reader.JSONLines {
				other = append(other, d.Name)
			}
			stop = use(d)
			return stop
		})
		if err == nil {
			continue
		}
		if stop != nil && ctx.Err() == nil {
			return stop
		}
		if t.several {
			err = ofLine(file, err)
		}
		if err := t.leave(ctx, o, err); err != nil {
			return err
		}
	}
	if len(f.fields) > 0 && len(other) > 0 {
		fmt.Fprintf(o.err, "note: --fields is for JSON lines; %d documents are none and were read whole, such as %s\n", len(other), other[0])
	}
	return nil
}

// ofLine says of an error in a line of JSON lines that the file does not go on, as other files do. Such an error begins with the number of
// the line after the name.
func ofLine(file string, err error) error {
	rest, ok := strings.CutPrefix(err.Error(), file+":")
	if !ok || strings.HasPrefix(rest, " ") {
		return err
	}
	return fmt.Errorf("%w; the lines after it are not read", err)
}

// openDocuments reads the documents of a file, or of standard input.
func openDocuments(ctx context.Context, file string, options reader.Options, use func(*reader.Document) error) error {
	if file != "-" {
		return reader.Open(ctx, file, options, use)
	}
	err := reader.Read(ctx, file, os.Stdin, options, use)
	if errors.Is(err, reader.ErrEmpty) {
		return errors.New("standard input is empty, expected a document; name a file, or write one to standard input")
	}
	return err
}
