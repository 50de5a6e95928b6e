package train_test

import (
	"context"
	"fmt"
	"os"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/train"
)

// A small decoder learns to count from its caller's own data, with AdamW. The folder has the log, the checkpoints and the model, and
// train.Resume would continue the run.
func ExampleRun() {
	m, err := model.New(model.Config{Vocab: 5, Width: 32, Layers: 1, Heads: 2}, model.Options{Train: true})
	if err != nil {
		panic(err)
	}
	counting := data.Examples{N: 100, Make: func(dst *data.Batch, _, index int) error {
		for i := range 20 {
			dst.Tokens = append(dst.Tokens, int32((index+i)%5))
			dst.Targets = append(dst.Targets, int32((index+i+1)%5))
		}
		dst.Lengths = append(dst.Lengths, 20)
		return nil
	}}
	source, err := data.NewLoader(counting, data.LoaderConfig{Batch: 4, Shuffle: true})
	if err != nil {
		panic(err)
	}
	dir, _ := os.MkdirTemp("", "run")
	defer os.RemoveAll(dir)
	c := train.DefaultConfig()
	c.Steps, c.Optimizer.LR, c.Optimizer.Warmup = 40, 0.01, 5
	result, err := train.Run(context.Background(), dir, train.Job{Config: c, Model: m, Train: source})
	fmt.Println(result.Step, "steps; learned:", result.Loss < 0.1, err)
	// Output: 40 steps; learned: true <nil>
}
