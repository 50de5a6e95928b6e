package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/tensor"
)

func newBench(o *output) *cobra.Command {
	return family(&cobra.Command{
		Use:   "bench",
		Short: "Measure speed and memory beside the peak of this machine",
	}, newBenchGEMM(o), newBenchAttention(o), newBenchTrain(o), newBenchOpen(o), newBenchModel(o), newBenchRanks(o), newBenchTable(o),
		newBenchChart(o))
}

// measurement has the flags of all measurements.
type measurement struct {
	dtype         string
	threads, runs int
}

func (m *measurement) add(c *cobra.Command) {
	c.Flags().StringVar(&m.dtype, "dtype", "f32", "element type: f32, bf16 or fp16")
	c.Flags().IntVar(&m.threads, "threads", 0, "threads (default: all processors)")
	c.Flags().IntVar(&m.runs, "runs", 5, "runs, whose median counts")
}

func (m *measurement) parseType() (tensor.Type, error) {
	t, err := tensor.ParseType(m.dtype)
	return t, usage(err)
}

// benchError marks err as a usage error, unless it is about memory, which has a status of its own.
func benchError(err error) error {
	if errors.As(err, new(*memory.Error)) {
		return err
	}
	return usage(err)
}
