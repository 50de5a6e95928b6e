package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/bench"
	"github.com/longspan/longspan/internal/memory"
)

func newBenchTrain(o *output) *cobra.Command {
	var t bench.Train
	var m measurement
	c := &cobra.Command{
		Use:   "train",
		Short: "Measure a training step of a model of a known size",
		Long: `Measures a training step: forward, backward, gradient clipping and AdamW, with random weights and tokens. Flops are those of matrix
products and of attention over visible pairs.

The models are:

` + bench.AboutTrainModels(),
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) (err error) {
			if t.Type, err = m.parseType(); err != nil {
				return err
			}
			t.Threads, t.Runs = m.threads, m.runs
			p := o.progress("bench train")
			row, err := t.Run(context.Background(), p.step)
			p.finish()
			if err != nil {
				return benchError(err)
			}
			return o.print(row, func(w io.Writer) { writeTrainRow(w, row) })
		},
	}
	f := c.Flags()
	f.StringVar(&t.Model, "model", "gpt2", "model to train")
	f.IntVar(&t.Layers, "layers", 0, "layers (default: those of the model)")
	f.IntVar(&t.Tokens, "tokens", 2048, "tokens of a sequence")
	f.IntVar(&t.Sequences, "sequences", 1, "sequences of a batch")
	m.add(c)
	return c
}

func writeTrainRow(w io.Writer, r bench.TrainRow) {
	fmt.Fprintf(w, "step        %s, %d layers, %d weights, %d sequences of %d tokens\n", r.Model, r.Layers, r.Weights, r.Sequences, r.Tokens)
	writeTiming(w, r.Timing)
	if r.GrowthBytes > 0 {
		fmt.Fprintf(w, "            %s is what the process grew by\n", memory.Format(r.GrowthBytes))
	}
	fmt.Fprintf(w, "tokens      %.0f a second\n", r.TokensPerSecond)
}
