package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/demo"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/train"
)

const demoHelp = `Train a small model on the built-in genome of E. coli, in windows of 131,072 bases. Then predict the test tenth of the
genome, compare with Markov models of order 1 to 16, and write a report. The number of steps is chosen so that everything takes about two
and a half minutes on this machine.

The folder has the report (report.html), its numbers (report.json), the curve (curve.png), and the files of any run: the model, the
config, the log and the checkpoints. After Ctrl-C, --resume continues.`

// demoOptions are the flags of `demo`.
type demoOptions struct {
	demo.Options
	resume, memory string
}

func newDemo(o *output) *cobra.Command {
	var d demoOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "Train a small model of DNA in minutes, and report what it learned",
		Long:  demoHelp,
		Args:  arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if d.resume != "" {
				if c.Flags().Changed("out") {
					return usage(errors.New("--out and --resume are given together; a run is resumed in its own folder"))
				}
				d.Out, d.Resume = d.resume, true
			}
			return d.run(o)
		},
	}
	c.AddCommand(newDemoVariants(o), newDemoPictures(o))
	c.Flags().StringVar(&d.Out, "out", "longspan-demo", "new folder")
	c.Flags().StringVar(&d.resume, "resume", "", "folder of a demo to resume")
	c.Flags().DurationVar(&d.Time, "time", 150*time.Second, "about how long everything takes")
	c.Flags().Int64Var(&d.Steps, "steps", 0, "steps to train (default: chosen by --time)")
	c.Flags().IntVar(&d.Order, "order", 16, "largest order of the Markov models")
	c.Flags().StringArrayVar(&d.Set, "set", nil, "override a key of the demo's recipe, such as model.width=128; may be given again")
	addMaxMemory(c, &d.memory, "4GiB, or the available memory if that is less")
	c.Flags().IntVar(&d.Threads, "threads", 0, "threads (default: all processors)")
	return c
}

// demoMemory is the largest use of memory by the demo, in bytes.
const demoMemory = 4 << 30

// demoBeside bounds the memory outside the pool: the tables of the Markov models, the program and the pictures.
const demoBeside = 1 << 30

// limit is the memory budget of a step.
func (d *demoOptions) limit() (int64, error) {
	limit, err := allowance(d.memory)
	if err != nil || d.memory != "" {
		return limit, err
	}
	if limit == 0 || limit > demoMemory-demoBeside {
		limit = demoMemory - demoBeside
	}
	return limit, nil
}

func (d *demoOptions) run(o *output) (err error) {
	if d.Memory, err = d.limit(); err != nil {
		return err
	}
	ctx, end := untilStopped()
	defer end()
	lines := o.out
	if o.json {
		lines = o.err
	}
	say := func(text string) { fmt.Fprintln(lines, text) }
	r, err := demo.Run(ctx, d.Options, demo.Watch{Say: say, Train: train.NewProgress(o.err, styleOf(o.err))})
	if errors.Is(err, train.ErrExists) {
		return usage(fmt.Errorf("%w (--resume %s, or --out with a new name)", err, d.Out))
	}
	if errors.As(err, &demo.Mistake{}) {
		return usage(err)
	}
	if errors.Is(err, context.Canceled) {
		return errInterrupted
	}
	if err != nil {
		return err
	}
	if err := o.print(r, func(w io.Writer) { writeDemo(w, r) }); err != nil || !r.Interrupted {
		return err
	}
	return reported{errInterrupted}
}

func writeDemo(w io.Writer, r demo.Result) {
	if r.Interrupted {
		fmt.Fprintf(w, "interrupted; resume with: longspan demo --resume %s\n", r.Folder)
		return
	}
	fmt.Fprintf(w, "\n%s\n\n%-42s %8s %10s %10s\n", r.Verdict(), "where", "bases", "model", "Markov")
	for _, region := range r.Regions {
		fmt.Fprintf(w, "%-42s %8d %10.4f %10.4f\n", region.Name, region.Bases, region.Model, region.Markov)
	}
	fmt.Fprintf(w, "\n%5s %12s %15s\n", "order", "counts alone", "best smoothing")
	for _, row := range r.Markov {
		fmt.Fprintf(w, "%5d %12.4f %15.4f\n", row.Order, row.Add, row.Bits())
	}
	fmt.Fprintf(w, "\n%.0f s, peak memory %s. The report, with the best and worst regions: %s\nNext:\n", r.Seconds,
		memory.Format(r.PeakBytes), filepath.Join(r.Folder, demo.ReportName))
	for _, command := range r.Next() {
		fmt.Fprintf(w, "  %s\n", command)
	}
}
