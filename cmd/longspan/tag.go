package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/model"
)

// tagRow is a text of the output of `tag`.
type tagRow struct {
	Name string `json:"name"` // the file, and the line of JSON lines; - for standard input
	model.Reading
	Entities []entity `json:"entities"`
}

// entity is a span of a text.
type entity struct {
	model.Tagged
	Text string `json:"text"`
}

// tagOptions are the flags of `tag`.
type tagOptions struct {
	encoderFlags
	aggregate string
}

func newTag(o *output) *cobra.Command {
	var f tagOptions
	c := &cobra.Command{
		Use:   "tag MODEL [FILE…]",
		Short: "Find the entities of texts, with their places in bytes",
		Long: `Find the entities of each text, such as names, with their places in bytes. A file is one text; of JSON lines (.jsonl,
.ndjson) each line is one, and of a folder each file. Without files the text is --text, or standard input.

Tags in the schemes IO, BIO and BIOES are joined to entities. --aggregate says how the tokens of a word agree on a tag: simple: they need
not; first, average, max: by the first token, by the mean of the probabilities, by the token that is most certain; none: tokens are not
joined. A text that is longer than the model reads at once is read in chunks that overlap.

  longspan tag org/names-of-people article.txt
  longspan tag folder/of/model --text 'Ada Lovelace lived in London.' --aggregate first --json`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return f.run(o, c, args) },
	}
	c.Flags().StringVar(&f.aggregate, "aggregate", "simple", "none, simple, first, average or max")
	f.encoderFlags.add(o, c)
	return c
}

func (f *tagOptions) run(o *output, c *cobra.Command, args []string) (err error) {
	if all := []string{"none", "simple", "first", "average", "max"}; !slices.Contains(all, f.aggregate) {
		return usage(fmt.Errorf("found --aggregate %s, expected one of %v", f.aggregate, all))
	}
	r, err := f.open(o, c, args, func(m *model.Model) (work, error) { return work{}, needHead(m, model.Tag) })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.end()) }()
	return o.list(func(add func(any, func(io.Writer)) error) error {
		options := model.TagOptions{ReadOptions: r.read, Aggregate: f.aggregate}
		return r.failed(r.session.TagEach(r.ctx, r.strings(), options, func(i int, found model.TaggedText) error {
			row := tagRow{r.texts[i].name, found.Reading, []entity{}}
			for _, e := range found.Entities {
				row.Entities = append(row.Entities, entity{e, r.texts[i].text[e.From:e.To]})
			}
			return add(row, row.write)
		}))
	})
}

// write writes how the text was read, and a tab-separated line for each entity.
func (r tagRow) write(w io.Writer) {
	fmt.Fprintf(w, "# %s\t%s\n", r.Name, read(r.Reading))
	for _, e := range r.Entities {
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%.4f\t%q\n", r.Name, e.From, e.To, e.Class, e.Probability, e.Text)
	}
}
