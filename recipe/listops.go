package recipe

import (
	"errors"
	"fmt"
	"strings"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/listops"
	"github.com/longspan/longspan/internal/strict"
)

// ListOps is nested operations on digits, whose value is the label. Zeros are the Long Range Arena's settings.
type ListOps struct {
	Examples  int    `yaml:"examples"`   // to train on; 0 means 96000
	Held      int    `yaml:"held"`       // for validation, and as many for the test; 0 means 2000
	MinTokens int    `yaml:"min_tokens"` // 0 means 501
	MaxTokens int    `yaml:"max_tokens"` // 0 means 1999
	Depth     int    `yaml:"depth"`      // 0 means 10
	Args      int    `yaml:"args"`       // 0 means 10
	Seed      uint64 `yaml:"seed"`       // of the expressions
}

func (l *ListOps) part(split data.Split, examples int) (task, error) {
	return listops.New(listops.Config{Split: split, Examples: examples, Seed: l.Seed, MinTokens: l.MinTokens, MaxTokens: l.MaxTokens, Depth: l.Depth, Args: l.Args})
}

func (l *ListOps) check() error {
	if l.Held < 0 {
		return strict.Wrong("held", "is %d; it cannot be negative", l.Held)
	}
	_, err := l.part(data.Train, l.Examples)
	return err
}

func (l *ListOps) open(batch int, seed uint64) (*Sets, error) {
	s := &Sets{Tokens: orDefault(l.MaxTokens, 1999), Apart: true, Show: listops.Text, Read: readOperations}
	return s, s.tasks(batch, seed, l.Examples, l.Held, l.part)
}

// readOperations reads what listops.Text writes.
func readOperations(text string) ([]int32, error) {
	var tokens []int32
	for _, word := range strings.Fields(text) {
		found := false
		for t := range int32(listops.Vocab) {
			if listops.Text([]int32{t}) == word {
				tokens, found = append(tokens, t), true
			}
		}
		if !found {
			return nil, fmt.Errorf("%q is no part of an expression; use digits, [MIN, [MAX, [MED, [SM and ], with blanks between", word)
		}
	}
	if len(tokens) == 0 {
		return nil, errors.New("the expression is empty")
	}
	return tokens, nil
}
