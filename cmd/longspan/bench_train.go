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
	var pass string
	c := &cobra.Command{
		Use:   "train",
		Short: "Measure a training step, or a prediction, of a model of a known size or of yours",
		Long: `Measures a training step: forward, backward, gradient clipping and AdamW, with random weights and tokens. --pass forward measures a
prediction of the same model. Flops are those of matrix products and of attention over visible pairs.

  longspan bench train --model gpt2 --layers 4
  longspan bench train --model encoder --set width=384 --set heads=6 --set 'attention=[window(256)]' --tokens 16384 --pass forward

The models are:

` + bench.AboutTrainModels() + `
--set changes a setting of the model; the keys are those of a recipe's model (docs/training.md).`,
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) (err error) {
			if t.Type, err = m.parseType(); err != nil {
				return err
			}
			t.Threads, t.Runs, t.Pass = m.threads, m.runs, bench.Pass(pass)
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
	f.StringArrayVar(&t.Set, "set", nil, "setting of the model, such as width=128; may be given again")
	f.StringVar(&pass, "pass", string(bench.Step), "step, or forward: a prediction")
	f.IntVar(&t.Layers, "layers", 0, "layers (default: those of the model)")
	f.IntVar(&t.Tokens, "tokens", 2048, "tokens of a sequence")
	f.IntVar(&t.Sequences, "sequences", 1, "sequences of a batch")
	m.add(c)
	return c
}

func writeTrainRow(w io.Writer, r bench.TrainRow) {
	fmt.Fprintf(w, "%-12s%s, %d layers, %d weights, %d sequences of %d tokens\n", r.Pass, r.Model, r.Layers, r.Weights, r.Sequences, r.Tokens)
	writeTiming(w, r.Timing)
	if r.GrowthBytes > 0 {
		fmt.Fprintf(w, "            %s is what the process grew by\n", memory.Format(r.GrowthBytes))
	}
	fmt.Fprintf(w, "tokens      %.0f a second\n", r.TokensPerSecond)
}
