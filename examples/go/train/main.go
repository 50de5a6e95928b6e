// Command train trains a small language model on its own data with AdamW, without YAML. The folder
// bases that it leaves opens with model.Open.
package main

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tokenizer"
	"github.com/longspan/longspan/train"
)

func main() {
	t := tokenizer.DNA()
	text, err := t.Encode(strings.Repeat("ACGTTGCA", 100)) // what the model is to learn
	if err != nil {
		log.Fatal(err)
	}
	m, err := model.New(model.Config{Vocab: t.Vocab(), Width: 32, Layers: 1, Heads: 2}, model.Options{Train: true, Tokenizer: t})
	if err != nil {
		log.Fatal(err)
	}
	windows := data.Examples{N: 700, Make: func(b *data.Batch, _, at int) error { // 64 bases from base at on, and the base after each
		b.Tokens, b.Targets = append(b.Tokens, text.IDs[at:at+64]...), append(b.Targets, text.IDs[at+1:at+65]...)
		b.Lengths = append(b.Lengths, 64)
		return nil
	}}
	source, err := data.NewLoader(windows, data.LoaderConfig{Batch: 4, Shuffle: true})
	if err != nil {
		log.Fatal(err)
	}
	c := train.DefaultConfig() // AdamW
	c.Steps, c.Optimizer.LR, c.Optimizer.Warmup = 100, 0.01, 5
	result, err := train.Run(context.Background(), "bases", train.Job{Config: c, Model: m, Train: source})
	fmt.Println(result.Step, "steps; learned:", result.Loss < 0.1, err)
}
