package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/cmd/longspan/internal/tour"
	"github.com/longspan/longspan/internal/durable"
	"github.com/longspan/longspan/internal/memory"
)

func newTour(o *output) *cobra.Command {
	var options tour.Options
	var png string
	c := &cobra.Command{
		Use:   "tour",
		Short: "A short tour over real DNA: patterns, their cost, and their accuracy",
		Long: `Predicts each base of a phage's genome from the bases before it, by attention alone and without training: with full attention,
and with other mechanisms. The tour shows the keys that each pattern sees, the planned and the measured time, and the loss of accuracy.
It takes about ten seconds.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			p := o.progress("tour")
			r, err := tour.Run(options, p.step)
			p.finish()
			if err != nil {
				return usage(err)
			}
			if err := durable.Write(png, func(w io.Writer) error { return tour.PNG(w, r) }); err != nil {
				return err
			}
			return o.print(tourReport{r, png}, func(w io.Writer) { writeTour(w, r, png) })
		},
	}
	c.Flags().IntVar(&options.Tokens, "tokens", 0, "bases, at most 48502 (default: up to 16384, so that full attention takes seconds)")
	c.Flags().IntVar(&options.Threads, "threads", 0, "threads (default: all processors)")
	c.Flags().StringVar(&png, "png", "longspan-tour.png", "file for the picture")
	return c
}

type tourReport struct {
	tour.Report
	PNG string `json:"png"`
}

func writeTour(w io.Writer, r tour.Report, png string) {
	fmt.Fprintf(w, `The genome of phage lambda (NC_001416), its first %d bases. Each base attends to earlier places with the same bases before
them, and predicts that what followed there comes next. %d heads of %d, %d threads, %s kernels.

Full attention has %d pairs. A pattern has fewer; this is one, for 64 tokens:

`, r.Tokens, tour.Heads, tour.HeadDim, r.Threads, r.Level, r.Rows[0].Pairs)
	p := pattern.And(pattern.Causal(), pattern.Or(pattern.Window(8), pattern.Global(0)))
	if picture, err := pattern.Text(p, pattern.Square(64), 16); err == nil {
		fmt.Fprintf(w, "%s%v\n\n", picture, p)
	}
	full := r.Rows[0]
	fmt.Fprintf(w, "%-11s %12s %8s %9s %9s %7s %10s %11s %7s\n", "attention", "pairs", "of full", "planned", "measured", "faster",
		"scratch", "difference", "bits")
	for _, row := range r.Rows {
		pairs, share := "-", "-"
		if row.Pairs > 0 {
			pairs, share = fmt.Sprint(row.Pairs), fmt.Sprintf("%.1f%%", 100*float64(row.Pairs)/float64(full.Pairs))
		}
		fmt.Fprintf(w, "%-11s %12s %8s %7.3f s %7.3f s %6.1fx %10s %11.3f %7.4f\n", row.Name, pairs, share, row.Planned, row.Seconds,
			full.Seconds/row.Seconds, memory.Format(row.Bytes), row.Difference, row.Bits)
	}
	fmt.Fprintf(w, `
planned     from the pairs, and the %.0f GFLOP/s that full attention reached over 2,048 bases just before. Cost comes in tiles, so a pattern
            whose keys lie apart, as dilated's do, takes longer
difference  of the output from full attention's, ‖a − b‖ / ‖b‖
bits        a base: what it costs to write down the base that came, given the guess. Blind is 2
pictures    %s

To go on (longspan is bin/longspan after make build, or go run ./cmd/longspan):
  longspan mask 'causal & (window(512) | global(0))' --tokens 16384 --png mask.png
  longspan verify attention --quick
  longspan bench attention --mechanism window --tokens 65536 --heads 8
`, r.GFlops, png)
}
