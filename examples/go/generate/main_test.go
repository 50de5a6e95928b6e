package main

import (
	"fmt"
	"io"
	"os"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// The folder is all that generation needs. Weights that were never trained write random bases.
func Example() {
	m, err := model.New(model.Config{Vocab: 5, Width: 16, Layers: 1, Heads: 2}, model.Options{Tokenizer: tokenizer.DNA()})
	if err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "model")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := m.Save(dir, tensor.F32); err != nil {
		panic(err)
	}

	printed, write, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	screen := os.Stdout
	os.Stdout, os.Args = write, []string{"generate", dir, "ACGT"}
	main()
	os.Stdout = screen
	write.Close()
	text, err := io.ReadAll(printed)
	fmt.Println(string(text[:4]), "and", len(text)-5, "bases more", err)
	// Output: ACGT and 100 bases more <nil>
}
