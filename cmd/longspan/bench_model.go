package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/bench"
	"github.com/longspan/longspan/internal/memory"
)

func newBenchModel(o *output) *cobra.Command {
	var b bench.Model
	c := &cobra.Command{
		Use:   "model MODEL",
		Short: "Measure a model on a text of some length, and its decoding",
		Long: `Opens a model and runs its layers over drawn tokens. With --decode it reads them as a prompt, and draws more tokens one by one, or
searches for them with --beams. Of an encoder-decoder the tokens are the source.
  longspan bench model answerdotai/ModernBERT-base --tokens 8192
  longspan bench model gemma-3-270m-q4_k_m.gguf --tokens 32768 --decode 100 --precision bf16
  longspan bench model allenai/led-base-16384 --tokens 16384 --global 0 --decode 128 --beams 4`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			b.Path = args[0]
			p := o.progress("bench model")
			row, err := b.Run(p.step)
			p.finish()
			if err != nil {
				return benchError(err)
			}
			return o.print(row, func(w io.Writer) { writeModelRow(w, row) })
		},
	}
	f := c.Flags()
	f.IntVar(&b.Tokens, "tokens", 4096, "tokens of a text")
	f.IntVar(&b.Sequences, "sequences", 1, "texts, packed without padding")
	f.IntVar(&b.Decode, "decode", 0, "tokens to draw after the text")
	f.IntVar(&b.Beams, "beams", 1, "with --decode: beams of a search")
	f.IntVar(&b.Threads, "threads", 0, "threads (default: all processors)")
	f.IntVar(&b.Runs, "runs", 3, "runs, whose median counts, after one that does not")
	f.StringVar(&b.Options.Precision, "precision", "", "f32 or bf16 (default: the model's)")
	f.StringArrayVar(&b.Options.Attention, "attention", nil, "mechanism of the layers, repeated for layers that differ (default: the model's)")
	f.IntSliceVar(&b.Options.Global, "global", nil, "positions of global tokens, of a Longformer or LED (default: the model's)")
	return c
}

func writeModelRow(w io.Writer, r bench.ModelRow) {
	fmt.Fprintf(w, "model    %d weights, opened in %.3g s\n", r.Weights, r.Open)
	fmt.Fprintf(w, "pass     %d tokens in %.4g s: %.4g tokens a second\n", r.Tokens, r.Seconds, r.PerSecond)
	if r.Decoded > 0 {
		fmt.Fprintf(w, "decoding %.4g tokens a second, with %s of state\n", r.Decoded, memory.Format(r.State))
	}
	if r.Peak > 0 {
		fmt.Fprintf(w, "memory   %s resident at most, the mapped file included\n", memory.Format(r.Peak))
	}
}
