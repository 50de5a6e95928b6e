package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/demo"
	"github.com/longspan/longspan/tensor"
)

// fewestBases have a gene: the first genes of the test tenth are of some 1,000 bases.
const fewestBases = 5000

func newDemoVariants(o *output) *cobra.Command {
	var d demo.VariantsOptions
	c := &cobra.Command{
		Use:   "variants",
		Short: "Score every substitution of a part of a genome, and see what they do to its proteins",
		Long: `Score every substitution of the tenth of the genome of E. coli that the model in the program has not seen, about 1.4 million. Then
compare silent substitutions with those that change or end a protein. It takes less than a minute on two cores, and writes nothing.

Next, your own variants: longspan variants score human -R GRCh37.fa.gz -I calls.vcf.gz -O scored.vcf.gz`,
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if d.Bases != 0 && d.Bases < fewestBases {
				return usage(fmt.Errorf("found --bases %d, expected %d or more, which have whole genes, or 0 for all", d.Bases, fewestBases))
			}
			ctx, end := untilStopped()
			defer end()
			began := time.Now()
			d.Exec.Pool = tensor.NewPool()
			bar := o.progress("bases")
			d.Advance = bar.step
			r, err := demo.Variants(ctx, d)
			bar.finish()
			if err != nil {
				return err
			}
			r.Seconds = time.Since(began).Seconds()
			return o.print(r, func(w io.Writer) { writeDemoVariants(w, r) })
		},
	}
	c.Flags().IntVar(&d.Bases, "bases", 0, "bases that are read (default: the whole tenth, 463,968)")
	c.Flags().IntVar(&d.Exec.Threads, "threads", 0, "threads (default: all processors)")
	return c
}

func writeDemoVariants(w io.Writer, r demo.VariantsResult) {
	fmt.Fprintf(w, "%s: %d genes, %d substitutions, by the model %s\n\n%-24s %10s %10s %10s\n", r.Region, r.Genes, r.Substitutions, r.Model,
		"substitution", "number", "mean", "median")
	for _, row := range r.Rows {
		fmt.Fprintf(w, "%-24s %10d %10.2f %10.2f\n", row.Name, row.Number, row.Mean, row.Median)
	}
	fmt.Fprintf(w, "\n%s\n%.0f s. Scores are log p(ALT) − log p(REF) in nats, the mean of both strands.\n", r.Verdict(), r.Seconds)
}
