package main

import (
	"context"
	"fmt"
	"os"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/sampling"
)

// The folder of the run is a model folder.
func Example() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chdir(dir); err != nil {
		panic(err)
	}
	main()
	m, err := model.Open("bases")
	if err != nil {
		panic(err)
	}
	defer m.Close()
	g, err := m.Generate(context.Background(), "ACGT", model.GenerateOptions{Tokens: 12, Sampling: sampling.Config{Greedy: true}})
	fmt.Println(g.Text, err)
	// Output:
	// 100 steps; learned: true <nil>
	// TGCAACGTTGCA <nil>
}
