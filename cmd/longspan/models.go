package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/pretrained"
	"github.com/longspan/longspan/safetensors"
)

// modelRow is a model in the program.
type modelRow struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Weights int64  `json:"weights"` // their number
	Card    string `json:"card,omitempty"`
}

func newModels(o *output) *cobra.Command {
	return &cobra.Command{
		Use:   "models [NAME]",
		Short: "List the models in the program, or show the card of one",
		Long: `List the models in the program, or show the card of one: its data and their licence, what was measured, what it is not for, and the
command that makes it again. Their names stand where 'variants', 'image', 'sample', 'score', 'predict' and 'tag' take the folder of a model:

  longspan variants score human -R GRCh37.fa.gz -I calls.vcf.gz -O scored.vcf.gz
  longspan image upscale photo.jpg --scale 4 --run photos -o large.png`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			names := pretrained.Names()
			if len(args) > 0 {
				names = args
			}
			var rows []modelRow
			for _, name := range names {
				row, err := describe(name)
				if err != nil {
					return usage(err)
				}
				if len(args) == 0 {
					row.Card = ""
				}
				rows = append(rows, row)
			}
			return o.print(rows, func(w io.Writer) { writeModels(w, rows) })
		},
	}
}

// describe opens a model to count its weights.
func describe(name string) (modelRow, error) {
	card, err := pretrained.Card(name)
	if err != nil {
		return modelRow{}, err
	}
	row := modelRow{Name: name, Card: card}
	if row.Weights, err = weightsOf(name); err != nil {
		return modelRow{}, err
	}
	title, _, _ := strings.Cut(card, "\n")
	row.Title = strings.TrimPrefix(title, "# ")
	return row, nil
}

// weightsOf counts the weights of a model in its file.
func weightsOf(name string) (n int64, err error) {
	files, err := pretrained.Files(name)
	if err != nil {
		return 0, err
	}
	f, err := safetensors.OpenBytes(files[filename.Weights])
	if err != nil {
		return 0, err
	}
	for _, e := range f.Entries() {
		n += int64(e.Elements())
	}
	return n, f.Close()
}

func writeModels(w io.Writer, rows []modelRow) {
	for _, r := range rows {
		if r.Card != "" {
			fmt.Fprint(w, r.Card)
			continue
		}
		fmt.Fprintf(w, "%-8s %s; %.2f million weights\n", r.Name, r.Title, float64(r.Weights)/1e6)
	}
}
