// Command generate writes text with the language model in a folder, token by token as it is drawn:
//
//	go run ./examples/go/generate runs/ecoli ATGAAACGC
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/sampling"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: generate MODEL PROMPT")
	}
	m, err := model.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	fmt.Print(os.Args[2])
	_, err = m.Generate(context.Background(), os.Args[2], model.GenerateOptions{
		Tokens:   100,
		Sampling: sampling.Config{Temperature: 0.8, Seed: 1},
		Token:    func(_ int32, text string) error { _, err := fmt.Print(text); return err },
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println()
}
