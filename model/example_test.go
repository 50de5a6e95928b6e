package model_test

import (
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// A decoder learns by plain gradient descent that letters come round in order, and then goes on by itself.
func Example() {
	x := tensor.Exec{Pool: tensor.NewPool()}
	m, err := model.New(model.Config{Vocab: 5, Width: 32, Layers: 1, Heads: 2, Attention: []string{"window(8)"}},
		model.Options{Pool: x.Pool, Train: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	b := &data.Batch{Lengths: []int{40}}
	for i := range int32(40) {
		b.Tokens = append(b.Tokens, i%5)
		b.Targets = append(b.Targets, (i+1)%5)
	}
	for range 50 {
		for _, p := range m.Params() {
			clear(p.Grad.F32)
		}
		if _, err := m.NewSession(x).Step(b, model.StepOptions{Backward: true}); err != nil {
			fmt.Println(err)
			return
		}
		for _, p := range m.Params() {
			for i, g := range p.Grad.F32 {
				p.Value.F32[i] -= 0.5 * g
			}
		}
	}

	g, err := m.NewSession(x).Decode(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer g.Close()
	next := []int32{0, 1, 2}
	for range 6 {
		logits, err := g.Step(next)
		if err != nil {
			fmt.Println(err)
			return
		}
		best := 0
		for i, v := range logits {
			if v > logits[best] {
				best = i
			}
		}
		next = []int32{int32(best)}
		fmt.Print(best, " ")
	}
	// Output: 3 4 0 1 2 3
}
