package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/tokenizer/vocab"
)

// corpus is the documents of files and of standard input, to be read once.
type corpus struct {
	parts   []text.Files // in order; standard input is a part of its own
	fields  []string
	notes   []string
	skipped int   // lines without text
	size    int64 // bytes of the files; 0 where it is not known, as of gzip
}

// openCorpus finds the files of paths. Standard input is JSON lines if lines is set, else text.
func openCorpus(paths, fields []string, lines bool) (*corpus, error) {
	c := &corpus{fields: fields}
	known, stdins := true, 0
	for _, path := range paths {
		if path == "-" {
			if stdins++; stdins > 1 {
				return nil, errors.New("found - twice, expected standard input once")
			}
			c.parts, known = append(c.parts, standardInput(lines)), false
			continue
		}
		files, notes, err := text.List(path)
		if err != nil {
			return nil, err
		}
		c.parts, c.notes = append(c.parts, files), append(c.notes, notes...)
		for _, name := range files.Names {
			info, err := os.Stat(name)
			if err != nil {
				return nil, err
			}
			c.size += info.Size()
			known = known && info.Mode().IsRegular() && !strings.HasSuffix(strings.ToLower(name), ".gz")
		}
	}
	if !known {
		c.size = 0
	}
	return c, nil
}

// standardInput is standard input as a file whose name tells its format.
func standardInput(lines bool) text.Files {
	name := "standard input"
	if lines {
		name += ".jsonl"
	}
	return text.Files{FS: stdinFS{}, Names: []string{name}}
}

// stdinFS has standard input under every name.
type stdinFS struct{}

func (stdinFS) Open(string) (fs.File, error) { return os.Stdin, nil }

// documents gives each document a reader.
func (c *corpus) documents(yield func(io.Reader, error) bool) {
	for _, files := range c.parts {
		if !c.each(text.NewReader(files, c.fields...), yield) {
			return
		}
	}
}

// each gives each document of a reader. It is false where yield or an error ended the reading.
func (c *corpus) each(r *text.Reader, yield func(io.Reader, error) bool) bool {
	defer func() { c.skipped += r.Skipped() }()
	defer r.Close()
	for {
		d, err := r.Next()
		if err == io.EOF {
			return true
		}
		if err != nil {
			yield(nil, err)
			return false
		}
		more := yield(named{d}, nil)
		if err := d.Close(); err != nil && more {
			yield(nil, err)
			return false
		}
		if !more {
			return false
		}
	}
}

// named is a document that errors of package vocab name.
type named struct{ *text.Document }

func (d named) String() string {
	if d.At.Line > 0 {
		return fmt.Sprintf("%s: line %d", d.Name, d.At.Line)
	}
	return d.Name
}

// allNotes are the notes on what was left out.
func (c *corpus) allNotes() []string {
	if c.skipped == 0 {
		return c.notes
	}
	return append(c.notes, fmt.Sprintf("passed over %d lines without text in the fields %s", c.skipped, strings.Join(c.fields, ", ")))
}

// explain is an error of counting, with what was left out where that may be the cause.
func (c *corpus) explain(err error) error {
	if c.skipped > 0 && !errors.Is(err, context.Canceled) {
		err = fmt.Errorf("%w; %s", err, c.allNotes()[len(c.allNotes())-1])
	}
	return mistake(err)
}

// mistake is an error of package vocab: one of the user's, or an interruption.
func mistake(err error) error {
	if errors.Is(err, context.Canceled) {
		return errInterrupted
	}
	return usage(err)
}

// trainingProgress shows the stages of a training.
type trainingProgress struct {
	o       *output
	corpus  *corpus
	stage   vocab.Stage
	current *progress
}

func (p *trainingProgress) step(stage vocab.Stage, done, total int64) {
	if stage == vocab.Reading {
		total = p.corpus.size
		done, total = done>>20, total>>20 // in MiB, so that they fit an int anywhere
	}
	if stage != p.stage {
		p.finish()
		name := string(stage)
		if stage == vocab.Reading {
			name += ", MiB"
		}
		p.stage, p.current = stage, p.o.progress(name)
	}
	if total > 0 {
		p.current.step(int(min(done, total)), int(total))
	}
}

func (p *trainingProgress) finish() {
	if p.current != nil {
		p.current.finish()
		p.current = nil
	}
}
