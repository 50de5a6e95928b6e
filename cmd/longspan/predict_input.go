package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/tokenizer"
)

// input is a text to predict about.
type input struct{ name, text string }

// inputFlags are the flags of commands that read texts.
type inputFlags struct {
	text    string
	fields  []string
	command *cobra.Command
}

func (p *inputFlags) add(c *cobra.Command) {
	p.command = c
	c.Flags().StringVar(&p.text, "text", "", "the text, instead of files")
	c.Flags().StringSliceVar(&p.fields, "fields", []string{"text"}, "fields of JSON lines that are the text")
}

// read reads the texts that the arguments name, for the tokenizer t of the model; nil: it has none, which is an error of the answer.
func (p *inputFlags) read(t *tokenizer.Tokenizer, files []string) (texts []input, err error) {
	bases, given := readsBases(t), p.command.Flags().Changed("text")
	switch {
	case given && len(files) > 0:
		return nil, errors.New("found --text and files, expected one of them")
	case given:
		return []input{{"--text", clean(p.text, bases)}}, nil
	case len(files) == 0:
		files = []string{"-"}
	}
	for _, name := range files {
		some, err := p.readFile(name, bases)
		if err != nil {
			return nil, err
		}
		texts = append(texts, some...)
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("found no text in %s", strings.Join(files, ", "))
	}
	return texts, nil
}

// readsBases reports whether t is the tokenizer of DNA.
func readsBases(t *tokenizer.Tokenizer) bool {
	if t == nil {
		return false
	}
	_, a := t.ID("A")
	return a && t.Vocab() == tokenizer.DNA().Vocab()
}

// readFile reads the texts of a file: the records of FASTA, the lines of JSON, or the whole.
func (p *inputFlags) readFile(name string, bases bool) (texts []input, err error) {
	if kind := strings.TrimSuffix(strings.ToLower(name), ".gz"); strings.HasSuffix(kind, ".jsonl") || strings.HasSuffix(kind, ".ndjson") {
		return p.readLines(name)
	}
	read := func() ([]byte, error) { return os.ReadFile(name) }
	if name == "-" {
		read = func() ([]byte, error) { return io.ReadAll(os.Stdin) }
	}
	content, err := read()
	if err != nil {
		return nil, err
	}
	if zipped := bytes.HasPrefix(content, []byte{0x1f, 0x8b}); zipped && !bases {
		return nil, fmt.Errorf("%s is a gzip file, expected text; unpack it", name)
	} else if !bases || !zipped && !bytes.HasPrefix(content, []byte(">")) {
		return []input{{name, clean(string(content), bases)}}, nil
	}
	r, err := fasta.NewReader(bytes.NewReader(content), name, fasta.Options{})
	if err != nil {
		return nil, err
	}
	for {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			return texts, nil
		} else if err != nil {
			return nil, err
		}
		s, err := r.Sequence()
		if err != nil {
			return nil, err
		}
		texts = append(texts, input{name + ":" + s.Name, s.String(0, s.Len())})
	}
}

// readLines reads the fields of JSON lines.
func (p *inputFlags) readLines(name string) (texts []input, err error) {
	files, _, err := text.List(name)
	if err != nil {
		return nil, err
	}
	_, err = text.NewRecords(files, 0, func(r text.Record) error {
		body, err := r.Text(p.fields...)
		texts = append(texts, input{fmt.Sprintf("%s:%d", name, r.At.Line), string(body)})
		return err
	})
	return texts, err
}

// clean drops the white space between bases, such as line ends.
func clean(text string, bases bool) string {
	if !bases {
		return text
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}
