package main

import (
	"bufio"
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

// input is a text to read, and of pairs the second text.
type input struct{ name, text, second string }

// inputFlags say where texts come from: files, folders, standard input, lines of JSON, or the command line.
type inputFlags struct {
	text             string
	fields           []string
	pairField        string // of the second text of a pair; empty: texts are no pairs
	lines, jsonLines bool
	command          *cobra.Command
}

func (t *inputFlags) add(c *cobra.Command) {
	t.command = c
	f := c.Flags()
	f.StringVar(&t.text, "text", "", "the text, instead of files")
	f.StringSliceVar(&t.fields, "fields", []string{"text"}, "fields of JSON lines that are the text")
	f.BoolVar(&t.lines, "lines", false, "each line of a file or of standard input is a text; empty lines are none")
	f.BoolVar(&t.jsonLines, "json-lines", false, "files of any name, and standard input, are JSON lines")
}

// read reads the texts that the arguments name, for the tokenizer k of the model; nil: it has none, which is an error of the answer.
func (t *inputFlags) read(o *output, k *tokenizer.Tokenizer, names []string) (texts []input, err error) {
	bases, given := readsBases(k), t.command.Flags().Changed("text")
	switch {
	case given && len(names) > 0:
		return nil, errors.New("found --text and files, expected one of them")
	case t.lines && t.jsonLines:
		return nil, errors.New("found --lines and --json-lines, expected one of them")
	case given:
		return []input{{name: "--text", text: clean(t.text, bases)}}, nil
	case len(names) == 0:
		names = []string{"-"}
	}
	for _, name := range names {
		files, err := t.expand(o, name)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			some, err := t.readFile(file, bases)
			if err != nil {
				return nil, err
			}
			texts = append(texts, some...)
		}
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("found no text in %s", strings.Join(names, ", "))
	}
	return texts, nil
}

// expand lists the files of a folder, and tells what it leaves out.
func (t *inputFlags) expand(o *output, name string) ([]string, error) {
	if info, err := os.Stat(name); name == "-" || err != nil || !info.IsDir() {
		return []string{name}, nil // a file that is missing is an error of its reading
	}
	files, notes, err := text.List(name)
	for _, note := range notes {
		fmt.Fprintln(o.err, note)
	}
	return files.Names, err
}

// readsBases reports whether t is the tokenizer of DNA.
func readsBases(t *tokenizer.Tokenizer) bool {
	if t == nil {
		return false
	}
	_, a := t.ID("A")
	return a && t.Vocab() == tokenizer.DNA().Vocab()
}

// readFile reads the texts of a file: the records of FASTA, the lines of JSON, the lines, or the whole.
func (t *inputFlags) readFile(name string, bases bool) (texts []input, err error) {
	kind := strings.TrimSuffix(strings.ToLower(name), ".gz")
	if strings.HasSuffix(kind, ".jsonl") || strings.HasSuffix(kind, ".ndjson") || t.jsonLines && name != "-" {
		return t.readRecords(name)
	}
	read := func() ([]byte, error) { return os.ReadFile(name) }
	if name == "-" {
		read = func() ([]byte, error) { return io.ReadAll(os.Stdin) }
	}
	content, err := read()
	if err != nil {
		return nil, err
	}
	zipped := bytes.HasPrefix(content, []byte{0x1f, 0x8b})
	switch {
	case zipped && !bases:
		return nil, fmt.Errorf("%s is a gzip file, expected text; unpack it", name)
	case t.jsonLines:
		return t.readLines(name, content, func(line int, b []byte) (input, error) { return t.record(text.NewRecord(name, line, b)) })
	case t.lines && !zipped:
		return t.readLines(name, content, func(line int, b []byte) (input, error) {
			return input{name: fmt.Sprintf("%s:%d", name, line), text: clean(string(b), bases)}, nil
		})
	case !bases || !zipped && !bytes.HasPrefix(content, []byte(">")):
		return []input{{name: name, text: clean(string(content), bases)}}, nil
	}
	return readFASTA(name, content)
}

// readFASTA reads the records of a FASTA file.
func readFASTA(name string, content []byte) (texts []input, err error) {
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
		texts = append(texts, input{name: name + ":" + s.Name, text: s.String(0, s.Len())})
	}
}

// readRecords reads the fields of the JSON lines of a file.
func (t *inputFlags) readRecords(name string) (texts []input, err error) {
	_, err = text.NewRecords(text.Files{Names: []string{name}}, 0, func(r text.Record) error {
		one, err := t.record(r)
		texts = append(texts, one)
		return err
	})
	return texts, err
}

// record is the text of a JSON line, or its two texts.
func (t *inputFlags) record(r text.Record) (one input, err error) {
	body, err := r.Text(t.fields...)
	if err != nil {
		return one, err
	}
	one = input{name: fmt.Sprintf("%s:%d", r.Name, r.At.Line), text: string(body)}
	if t.pairField == "" {
		return one, nil
	}
	second, err := r.Text(t.pairField)
	one.second = string(second)
	return one, err
}

// readLines makes a text of each line that is not empty.
func (t *inputFlags) readLines(name string, content []byte, make func(line int, b []byte) (input, error)) (texts []input, err error) {
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, len(content)+1)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		one, err := make(n, lines.Bytes())
		if err != nil {
			return nil, err
		}
		texts = append(texts, one)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return texts, nil
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
