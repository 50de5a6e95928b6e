package recipe

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/recall"
	"github.com/longspan/longspan/internal/strict"
)

// Recall is associative recall: pairs of keys and values among noise, and at the end keys whose values are asked
// for. Zeros are package recall's defaults.
type Recall struct {
	Tokens   int    `yaml:"tokens"` // of a sequence; 0 means 1024
	Pairs    int    `yaml:"pairs"`
	Queries  int    `yaml:"queries"`
	Keys     int    `yaml:"keys"`
	Values   int    `yaml:"values"`
	Noise    int    `yaml:"noise"`
	Examples int    `yaml:"examples"` // to train on; 0 means 100000
	Held     int    `yaml:"held"`     // for validation, and as many for the test; 0 means 2000
	Seed     uint64 `yaml:"seed"`     // of the sequences
}

// Needle is a needle in a haystack: a key and its answer somewhere in a long stretch of hay, and the key again at
// the end. Zeros are package recall's defaults.
type Needle struct {
	Tokens   int    `yaml:"tokens"` // of a sequence; 0 means 1024
	Hay      int    `yaml:"hay"`
	Keys     int    `yaml:"keys"`
	Values   int    `yaml:"values"`
	Answer   int    `yaml:"answer"` // tokens
	Decoys   int    `yaml:"decoys"`
	Examples int    `yaml:"examples"` // to train on; 0 means 100000
	Held     int    `yaml:"held"`     // for validation, and as many for the test; 0 means 2000
	Seed     uint64 `yaml:"seed"`     // of the sequences
}

// task is what the made tasks have in common.
type task interface {
	data.Dataset
	Vocab() int
	Classes() int
}

func orDefault(n, value int) int {
	if n == 0 {
		return value
	}
	return n
}

// part makes one part of the task: examples is how many.
func (r *Recall) part(split data.Split, examples int) (task, error) {
	return recall.NewAssociative(recall.AssociativeConfig{Tokens: orDefault(r.Tokens, 1024), Pairs: r.Pairs, Queries: r.Queries, Keys: r.Keys,
		Values: r.Values, Noise: r.Noise, Examples: examples, Split: split, Seed: r.Seed})
}

func (r *Recall) check() error {
	if r.Held < 0 {
		return strict.Wrong("held", "is %d; it cannot be negative", r.Held)
	}
	_, err := r.part(data.Train, r.Examples)
	return err
}

func (r *Recall) open(batch int, seed uint64) (*Sets, error) {
	s := &Sets{Tokens: orDefault(r.Tokens, 1024), Next: true, Apart: true}
	err := s.tasks(batch, seed, r.Examples, r.Held, r.part)
	if r.Queries > 1 {
		s.Classes = 0 // the answers are the tokens' then, and a sequence has no label
	}
	return s, err
}

func (n *Needle) part(split data.Split, examples int) (task, error) {
	return recall.NewNeedle(recall.NeedleConfig{Tokens: orDefault(n.Tokens, 1024), Hay: n.Hay, Keys: n.Keys, Values: n.Values, Answer: n.Answer,
		Decoys: n.Decoys, Examples: examples, Split: split, Seed: n.Seed})
}

func (n *Needle) check() error {
	if n.Held < 0 {
		return strict.Wrong("held", "is %d; it cannot be negative", n.Held)
	}
	_, err := n.part(data.Train, n.Examples)
	return err
}

func (n *Needle) open(batch int, seed uint64) (*Sets, error) {
	s := &Sets{Tokens: orDefault(n.Tokens, 1024), Next: true, Apart: n.Answer <= 1} // a longer answer is read on from its beginning
	err := s.tasks(batch, seed, n.Examples, n.Held, n.part)
	if n.Answer > 1 {
		s.Classes = 0
	}
	return s, err
}

// tasks fills s from the three parts of a made task.
func (s *Sets) tasks(batch int, seed uint64, examples, held int, part func(data.Split, int) (task, error)) error {
	var parts [3]task
	for i, split := range []data.Split{data.Train, data.Validation, data.Test} {
		n := held
		if split == data.Train {
			n = examples
		}
		var err error
		if parts[i], err = part(split, n); err != nil {
			return err
		}
	}
	s.Vocab, s.Classes, s.alike = parts[0].Vocab(), parts[0].Classes(), true
	if s.Show == nil {
		s.Show, s.Read = showNumbers, readNumbers
	}
	return s.load(batch, seed, parts[0], parts[1], parts[2])
}

// showNumbers is for tokens that have no letters.
func showNumbers(tokens []int32) string {
	words := make([]string, len(tokens))
	for i, t := range tokens {
		words[i] = strconv.Itoa(int(t))
	}
	return strings.Join(words, " ")
}

func readNumbers(text string) ([]int32, error) {
	var tokens []int32
	for _, word := range strings.Fields(text) {
		n, err := strconv.ParseInt(word, 10, 32)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%q is not the number of a token", word)
		}
		tokens = append(tokens, int32(n))
	}
	return tokens, nil
}
