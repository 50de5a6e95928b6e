package recipe_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// A recipe is read, fitted to its data, built and trained. The command-line tool does the same.
func Example() {
	dir, err := os.MkdirTemp("", "longspan")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	r, err := recipe.Parse([]byte(`
model: {width: 32, layers: 1, heads: 2, attention: ["window(32)"]}
data:
  genome: {tokens: 256}
train:
  steps: 3
  optimizer: {warmup: 0}
  eval: {batches: 1}
`), "example", []string{"model.norm=rms"})
	if err != nil {
		fmt.Println(err)
		return
	}
	sets, err := r.Data.Open(r.Train.Seed)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := r.Fit(sets); err != nil {
		fmt.Println(err)
		return
	}
	x := tensor.Exec{Pool: tensor.NewPool()}
	m, err := r.Build(sets, model.Options{Pool: x.Pool, Train: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()
	job, err := r.Job(sets, m, x)
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := train.Run(context.Background(), filepath.Join(dir, "run"), job)
	fmt.Println(result.Step, "steps of", r.Model.Kind, r.Model.Norm, err)
	// Output: 3 steps of decoder rms <nil>
}
