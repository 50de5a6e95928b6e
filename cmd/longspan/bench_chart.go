package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/bench"
	"github.com/longspan/longspan/internal/durable"
)

// chartReport is the output of `bench chart`.
type chartReport struct {
	Rows []chartRow `json:"rows"`
	PNG  string     `json:"png"`
}

type chartRow struct {
	Peer    string  `json:"peer"`
	Shape   string  `json:"shape"`
	Pass    string  `json:"pass"`
	DType   string  `json:"dtype"`
	Speedup float64 `json:"speedup"` // the peer's seconds over ours
}

func newBenchChart(o *output) *cobra.Command {
	var peers, png string
	c := &cobra.Command{
		Use:   "chart --peers FILE",
		Short: "Draw the speed beside other libraries, as bench/peers/run.py measured it",
		Long: `Draws a bar for each row of a JSON file that bench/peers/run.py wrote: how many times as fast as the other library Longspan is. The
number is the median, over the rounds, of the other library's seconds over Longspan's.

  longspan bench chart --peers docs/speed.json --out docs/speed.png`,
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if peers == "" {
				return usage(errors.New("found no --peers, expected the JSON file that bench/peers/run.py wrote"))
			}
			r, err := drawChart(peers, png)
			if err != nil {
				return err
			}
			return o.print(r, func(w io.Writer) {
				for _, row := range r.Rows {
					fmt.Fprintf(w, "%-40s %-28s %-9s %-5s %6.2f×\n", row.Peer, row.Shape, row.Pass, row.DType, row.Speedup)
				}
				fmt.Fprintf(w, "picture: %s\n", r.PNG)
			})
		},
	}
	c.Flags().StringVar(&peers, "peers", "", "file of measurements, such as docs/speed.json")
	c.Flags().StringVar(&png, "out", "longspan-speed.png", "file for the picture")
	return c
}

func drawChart(peers, png string) (r chartReport, err error) {
	f, err := os.Open(peers)
	if err != nil {
		return r, usage(err)
	}
	p, err := bench.ReadPeers(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return r, usage(fmt.Errorf("%s: %w", peers, err))
	}
	for _, row := range p.Rows {
		r.Rows = append(r.Rows, chartRow{row.Peer, row.Shape, row.Pass, row.DType, row.Speedup()})
	}
	r.PNG = png
	return r, durable.Write(png, func(w io.Writer) error { return bench.Chart(w, p) })
}
