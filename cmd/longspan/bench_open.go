package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/bench"
	"github.com/longspan/longspan/internal/memory"
)

func newBenchOpen(o *output) *cobra.Command {
	var b bench.Open
	var only string
	c := &cobra.Command{
		Use:   "open",
		Short: "Measure how long it takes to open a model folder, and in how much memory",
		Long: `Saves a model of random weights, opens it in processes of its own, and draws one token in each. The default has 309 million
weights. The weights are used in place in the file: opening reads almost none, and the first token reads all.
  longspan bench open --dtype bf16
  longspan bench open --folder runs/ecoli`,
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if only != "" {
				opened, err := bench.OpenFolder(only)
				if err != nil {
					return usage(err)
				}
				return o.print(opened, func(w io.Writer) { fmt.Fprintf(w, "%+v\n", opened) })
			}
			p := o.progress("bench open")
			row, err := b.Run(openingProcess, p.step)
			p.finish()
			if err != nil {
				return benchError(err)
			}
			return o.print(row, func(w io.Writer) { writeOpenRow(w, row) })
		},
	}
	f := c.Flags()
	f.IntVar(&b.Layers, "layers", 22, "layers of the model")
	f.StringVar(&b.Type, "dtype", "bf16", "f32 or bf16")
	f.IntVar(&b.Processes, "runs", 5, "processes, of which the median counts")
	f.StringVar(&b.Folder, "folder", "", "model folder to open (default: a model of random weights)")
	f.StringVar(&only, "only", "", "open this folder in this process")
	_ = f.MarkHidden("only") // it exists
	return c
}

// openingProcess runs this program to open a folder and to print the measurement.
func openingProcess(folder string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return exec.Command(program, "bench", "open", "--only", folder, "--json"), nil
}

func writeOpenRow(w io.Writer, r bench.OpenRow) {
	fmt.Fprintf(w, "model        %d weights, %s of %s\n", r.Weights, memory.Format(r.FileBytes), r.Type)
	fmt.Fprintf(w, "open         %.4g s, the file in the system's cache\n", r.Seconds)
	if r.TokenBytes > 0 {
		fmt.Fprintf(w, "memory       %s, %.3g of the file, before the first token\n", memory.Format(r.OpenBytes), r.Share)
	}
	fmt.Fprintf(w, "first token  %.4g s later", r.FirstToken)
	if r.TokenBytes > 0 {
		fmt.Fprintf(w, ", with %s resident", memory.Format(r.TokenBytes))
	}
	fmt.Fprintf(w, "\nprocesses    %d, of which the median counts\n", r.ProcessRuns)
}
