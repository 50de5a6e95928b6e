package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/model"
)

// rankRow is a passage of the output of `rerank`.
type rankRow struct {
	Rank int    `json:"rank"` // from 1, the best
	Name string `json:"name"` // the file, and the line of JSON lines; - for standard input
	model.Ranked
}

// rerankOptions are the flags of `rerank`.
type rerankOptions struct {
	encoderFlags
	query                      string
	label                      string
	raw                        bool
	top                        int
	queryPrompt, passagePrompt string
	queryText, passageText     string
}

func newRerank(o *output) *cobra.Command {
	var f rerankOptions
	c := &cobra.Command{
		Use:   "rerank MODEL --query TEXT [FILE…]",
		Short: "Put passages in order, the best answer to a query first",
		Long: `Put passages in order, the best answer to a query first. A cross-encoder, which has one output, reads the query with
each passage; the score is the sigmoid of the output. Of a classifier --label names the class whose probability is the score. A model that
gives vectors reads the query and the passages by themselves; the score is the cosine. Its prompts named query, and document or passage,
stand before the texts, unless flags say otherwise.

A file is one passage; of JSON lines (.jsonl, .ndjson) each line is one, and of a folder each file. A passage that is longer than the model
reads at once has the score of its best chunk, and the place of that chunk in bytes is printed.

  longspan rerank org/cross-encoder --query 'who wrote it' passages.jsonl --top 10
  longspan rerank org/embedder --query 'who wrote it' chapters/ --chunk 256 --json`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return f.run(o, c, args) },
	}
	flags := c.Flags()
	flags.StringVar(&f.query, "query", "", "the query")
	flags.StringVar(&f.label, "label", "", "of a classifier: the class whose probability is the score")
	flags.BoolVar(&f.raw, "raw", false, "print outputs of the head in place of probabilities")
	flags.IntVar(&f.top, "top", 0, "print the best passages only (default: all)")
	flags.StringVar(&f.queryPrompt, "query-prompt", "", "name of the model's prompt before the query")
	flags.StringVar(&f.passagePrompt, "passage-prompt", "", "name of the model's prompt before each passage")
	flags.StringVar(&f.queryText, "query-prompt-text", "", "text before the query")
	flags.StringVar(&f.passageText, "passage-prompt-text", "", "text before each passage")
	f.encoderFlags.add(o, c)
	return c
}

// options are those of the session.
func (f *rerankOptions) options(m *model.Model) (s model.RankOptions, err error) {
	head := m.Spec().Head.Kind
	if err := needHead(m, model.Regress, model.Classify, model.Embed); err != nil {
		return s, err
	}
	switch classes := m.Answers().Classes; {
	case head == model.Classify && f.label == "":
		return s, fmt.Errorf("found a classifier, expected --label with the class whose probability is the score: one of %q", classes)
	case head != model.Classify && f.label != "":
		return s, fmt.Errorf("found --label %s for a model with the head %s, expected none", f.label, head)
	}
	s = model.RankOptions{ReadOptions: f.encoderFlags.options, Label: f.label, Raw: f.raw}
	if head != model.Embed {
		if f.queryPrompt+f.passagePrompt+f.queryText+f.passageText != "" {
			return s, fmt.Errorf("found a prompt for a model with the head %s, expected none: only models that give vectors have them", head)
		}
		return s, nil
	}
	if s.QueryPrompt, err = promptOf(m, f.queryPrompt, f.queryText, "query"); err != nil {
		return s, err
	}
	s.PassagePrompt, err = promptOf(m, f.passagePrompt, f.passageText, "document", "passage")
	return s, err
}

// promptOf is the text of a prompt by its name, or the given text, or the first of the usual names that the model has.
func promptOf(m *model.Model, name, text string, usual ...string) (string, error) {
	if name != "" && text != "" {
		return "", fmt.Errorf("found the name %q and the text %q of a prompt, expected one of them", name, text)
	}
	if text != "" || name != "" {
		if name != "" {
			return m.PromptText(name)
		}
		return text, nil
	}
	for _, u := range usual {
		if prompt, ok := m.Answers().Prompts[u]; ok {
			return prompt, nil
		}
	}
	return m.PromptText("")
}

func (f *rerankOptions) run(o *output, c *cobra.Command, args []string) (err error) {
	switch {
	case f.query == "":
		return usage(errors.New("found no --query, expected the text that passages answer"))
	case f.top < 0:
		return usage(fmt.Errorf("found --top %d, expected at least 1", f.top))
	}
	var options model.RankOptions
	r, err := f.open(o, c, args, func(m *model.Model) (w work, err error) {
		if options, err = f.options(m); err != nil {
			return w, err
		}
		return work{more: []string{options.QueryPrompt + f.query}, joint: f.query + options.PassagePrompt}, nil
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.end()) }()
	options.ReadOptions = r.read
	ranked, err := r.session.Rank(r.ctx, f.query, r.strings(), options)
	if err != nil {
		return r.failed(err)
	}
	if f.top > 0 && f.top < len(ranked) {
		ranked = ranked[:f.top]
	}
	rows := make([]rankRow, len(ranked))
	for i, p := range ranked {
		rows[i] = rankRow{i + 1, r.texts[p.Index].name, p}
	}
	return o.print(rows, func(w io.Writer) {
		for _, p := range rows {
			fmt.Fprintf(w, "%d\t%.4f\t%s\t%d\t%d\t%s\n", p.Rank, p.Score, p.Name, p.From, p.To, read(p.Reading))
		}
	})
}
