package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/model"
)

// vectorRow is a vector of the output of `embed`.
type vectorRow struct {
	Name  string `json:"name"`  // the file, and the line of JSON lines; - for standard input
	Index int    `json:"index"` // of the vector, from 0
	From  int    `json:"from"`  // the bytes of the text that it stands for
	To    int    `json:"to"`
	model.Reading
	Vector []float32 `json:"vector"`
}

// embedReport is the output of `embed` as one document.
type embedReport struct {
	Weights string      `json:"weights"`
	Seconds float64     `json:"seconds"` // for all texts, tokens and vectors; opening the model is not counted
	Vectors []vectorRow `json:"vectors"`
}

// embedOptions are the flags of `embed`.
type embedOptions struct {
	encoderFlags
	pooling, prompt, promptText string
	normalise, plain            bool
	passages, format            string
	similarity                  bool
	state                       string
}

func newEmbed(o *output) *cobra.Command {
	var e embedOptions
	c := &cobra.Command{
		Use:   "embed MODEL [FILE…]",
		Short: "Turn texts into vectors",
		Long: `Turn texts into vectors, as the model says: with its pooling, its projections and its prompts. A file is one text; of JSON lines
(.jsonl, .ndjson) each line is one, and of a folder each file. Without files the text is --text, or standard input.

A text that is longer than the model reads at once is read in chunks that overlap. Nothing is cut off, and each line of the output says how
its text was read. With --late-chunks each passage of a text has a vector, and all passages have seen the whole text.

  longspan embed org/embedder --text 'a sentence' --prompt query
  longspan embed folder/of/model papers/ --late-chunks paragraphs > vectors.jsonl
  longspan embed folder/of/model texts.jsonl --format npy > vectors.npy
  longspan embed folder/of/model a.txt b.txt c.txt --similarity
  longspan embed folder/of/model book.txt --state book.state

With --state the command goes on where it stopped, with the same bits as if it had not.`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) (err error) { return e.run(o, c, args) },
	}
	f := c.Flags()
	addPooling(c, &e.pooling)
	f.StringVar(&e.prompt, "prompt", "", "name of one of the model's prompts, which stands before each text")
	f.StringVar(&e.promptText, "prompt-text", "", "text that stands before each text")
	f.BoolVar(&e.normalise, "normalise", false, "vectors of length 1, whatever the model says")
	f.BoolVar(&e.plain, "no-normalise", false, "vectors of any length, whatever the model says")
	f.StringVar(&e.passages, "late-chunks", "",
		"a vector for each passage: sentences, paragraphs, or a number of tokens, as 256 or 256,32 (shared)")
	f.StringVar(&e.format, "format", "", "jsonl, json, npy or tsv (default: jsonl, or json with --json)")
	f.BoolVar(&e.similarity, "similarity", false, "print the cosines of all pairs instead of vectors")
	f.StringVar(&e.state, "state", "", "file that keeps how far the vectors are, from which the command goes on")
	e.encoderFlags.add(o, c)
	return c
}

// options are those of the session.
func (e *embedOptions) options(m *model.Model) (model.EmbedOptions, error) {
	s := model.EmbedOptions{ReadOptions: e.encoderFlags.options, Pooling: e.pooling, Prompt: e.promptText}
	switch {
	case e.prompt != "" && e.promptText != "":
		return s, errors.New("found --prompt and --prompt-text, expected one of them")
	case e.normalise && e.plain:
		return s, errors.New("found --normalise and --no-normalise, expected one of them")
	case e.normalise || e.plain:
		s.Normalise = &e.normalise
	}
	if err := givesVectors(m, e.pooling); err != nil {
		return s, err
	}
	var err error
	if e.promptText == "" {
		if s.Prompt, err = m.PromptText(e.prompt); err != nil {
			return s, err
		}
	}
	s.Passages, err = parsePassages(e.passages)
	return s, err
}

// addPooling adds --pooling.
func addPooling(c *cobra.Command, text *string) {
	c.Flags().StringVar(text, "pooling", "", "one of "+strings.Join(model.Poolings(), ", ")+" (default: the model's)")
}

// givesVectors refuses a model that has no vectors of texts, and an unknown pooling. With a pooling, any encoder and decoder has vectors.
func givesVectors(m *model.Model, pooling string) error {
	if pooling != "" && !slices.Contains(model.Poolings(), pooling) {
		return fmt.Errorf("found --pooling %s, expected one of %s", pooling, strings.Join(model.Poolings(), ", "))
	}
	if m.Spec().Kind == model.EncoderDecoder {
		return errors.New("found an encoder-decoder, expected a model that gives vectors; use generate or summarize. " +
			"Of T5 and LongT5 the encoder opens alone with --pooling mean")
	}
	if head := m.Spec().Head.Kind; head != model.Embed && pooling == "" {
		return fmt.Errorf("found a model with the head %s, expected one that gives vectors; use %s, or say --pooling mean for vectors of the "+
			"states below the head", head, commandOf(head))
	}
	return nil
}

// parsePassages reads --late-chunks.
func parsePassages(text string) (p model.Passages, err error) {
	switch text {
	case "":
		return p, nil
	case "sentences":
		return model.Sentences, nil
	case "paragraphs":
		return model.Paragraphs, nil
	}
	size, shared, two := strings.Cut(text, ",")
	n, err := strconv.Atoi(size)
	overlap := 0
	if two && err == nil {
		overlap, err = strconv.Atoi(shared)
	}
	if err != nil || n < 1 || overlap < 0 || overlap >= n {
		return p, fmt.Errorf("found --late-chunks %s, expected sentences, paragraphs, or a number of tokens and of shared ones, as 256,32", text)
	}
	return model.TokenPassages(n, overlap), nil
}

func (e *embedOptions) run(o *output, c *cobra.Command, args []string) (err error) {
	if err := e.checkFormat(o); err != nil {
		return usage(err)
	}
	var options model.EmbedOptions
	e.bodyOnly = e.pooling != ""
	r, err := e.open(o, c, args, func(m *model.Model) (w work, err error) {
		options, err = e.options(m)
		return work{spec: body, joint: options.Prompt}, err
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.end()) }()
	options.ReadOptions = r.read
	v := vectors{opened: r, options: options}
	if e.state != "" {
		if e.engine.Size() > 1 {
			return usage(errors.New("found --state and several ranks, expected one of them: each rank would write the file"))
		}
		if v.file, err = openEmbedFile(e.state, e.identity(r, options)); err != nil {
			return err
		}
	}
	if e.similarity || e.format == "npy" {
		return e.together(o, v)
	}
	if o.json {
		return e.report(o, v)
	}
	return v.each(func(row vectorRow) error {
		e.write(o.out, row)
		return o.lost()
	})
}

// report prints one document of JSON.
func (e *embedOptions) report(o *output, v vectors) error {
	report, began := embedReport{Weights: v.weights}, time.Now()
	err := v.each(func(row vectorRow) error {
		report.Vectors = append(report.Vectors, row)
		return nil
	})
	if err != nil {
		return err
	}
	report.Seconds = time.Since(began).Seconds()
	return o.print(report, nil)
}

func (e *embedOptions) checkFormat(o *output) error {
	switch {
	case e.similarity && e.format != "":
		return errors.New("found --similarity and --format, expected one of them; use --json for the cosines as JSON")
	case o.json && e.format != "" && e.format != "json":
		return fmt.Errorf("found --json and --format %s, expected one of them", e.format)
	case e.format == "npy" && isTerminalOut(o):
		return errors.New("found --format npy for a terminal, expected a file; add > vectors.npy")
	case e.format == "json":
		o.json = true
	case e.format != "" && e.format != "jsonl" && e.format != "npy" && e.format != "tsv":
		return fmt.Errorf("found --format %s, expected jsonl, json, npy or tsv", e.format)
	}
	return nil
}

// vectors makes the vectors of the texts of an opened model.
type vectors struct {
	*opened
	options model.EmbedOptions
	file    *embedFile // nil: no state is kept
}

// each gives the vectors in order, each as soon as it is there; those of a state first.
func (v vectors) each(use func(vectorRow) error) error {
	if v.file == nil {
		index := 0
		return v.failed(v.session.EmbedEach(v.ctx, v.strings(), v.options, func(i int, made model.Embedded) error {
			rows := v.rows(i, index, made)
			index += len(rows)
			return printed(rows, use)
		}))
	}
	return v.resumed(use)
}

// resumed is each with a state. A file is written between batches alone: where printing fails, the texts of a batch are not all there.
func (v vectors) resumed(use func(vectorRow) error) error {
	if err := printed(v.file.Rows, use); err != nil {
		return err
	}
	v.options.From, v.options.Saved = v.file.State, v.file.after
	var broken error
	err := v.failed(v.session.EmbedEach(v.ctx, v.strings(), v.options, func(i int, made model.Embedded) error {
		rows := v.rows(i, len(v.file.Rows), made)
		v.file.Rows = append(v.file.Rows, rows...)
		broken = printed(rows, use)
		return broken
	}))
	if broken != nil {
		return err
	}
	if lost := v.file.save(); lost != nil {
		return errors.Join(err, lost)
	}
	if errors.Is(err, errInterrupted) {
		return fmt.Errorf("%w; the same command goes on from %s", err, v.file.path)
	}
	return err
}

// rows are the vectors of text i; index is that of the first.
func (v vectors) rows(i, index int, made model.Embedded) (rows []vectorRow) {
	for k, one := range made.Vectors {
		rows = append(rows, vectorRow{v.texts[i].name, index + k, one.From, one.To, made.Reading, one.Vector})
	}
	return rows
}

// printed uses rows in order.
func printed(rows []vectorRow, use func(vectorRow) error) error {
	for _, row := range rows {
		if err := use(row); err != nil {
			return err
		}
	}
	return nil
}

// together prints what needs all vectors.
func (e *embedOptions) together(o *output, v vectors) error {
	var rows []vectorRow
	err := v.each(func(row vectorRow) error {
		if rows = append(rows, row); e.similarity && len(rows) > maxSimilar {
			return usage(fmt.Errorf("found more than %d vectors, expected fewer for --similarity, which prints each pair", maxSimilar))
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case e.similarity:
		s := newSimilarity(rows)
		return o.print(s, s.write)
	}
	writeNPY(o.out, rows)
	return o.lost()
}

// write writes a row as a line.
func (e *embedOptions) write(w io.Writer, row vectorRow) {
	if e.format != "tsv" {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(row) // finish reports a write error, and finite numbers have JSON
		return
	}
	fmt.Fprintf(w, "%s\t%d\t%d\t%d", row.Name, row.Index, row.From, row.To)
	for _, v := range row.Vector {
		fmt.Fprintf(w, "\t%s", strconv.FormatFloat(float64(v), 'g', -1, 32))
	}
	fmt.Fprintln(w)
}
