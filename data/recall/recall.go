// Package recall makes tasks that need memory and nothing else, at any length: associative recall and a needle in a haystack. The
// answer can lie at any distance, so the tasks separate mechanisms that see a whole sequence from mechanisms that see a part.
package recall

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/longspan/longspan/data"
)

// AssociativeConfig is the distribution of the sequences of Associative.
type AssociativeConfig struct {
	Tokens   int        // tokens per sequence
	Pairs    int        // keys with a value; 0 is 16
	Queries  int        // keys at the end, 1 … Pairs; 0 is 1
	Keys     int        // different keys, Pairs or more; 0 is 64
	Values   int        // different values; 0 is 64
	Noise    int        // different tokens between pairs; 0 is 16
	Examples int        // in the part; 0 is 100,000 to train on, and 2,000 for validation and test each
	Split    data.Split // draws other sequences for each part
	Seed     uint64
}

// Associative is a data.Dataset of associative recall (Ba et al. 2016, arXiv:1610.06258; with many queries, Arora
// et al. 2023, arXiv:2312.04927): pairs of a key and its value at random places among noise, and at the end keys
// again, each with its value as the target. Keys do not repeat among the pairs, nor among the queries.
//
// Tokens are, in this order, Keys keys, Values values and Noise others. With one query the number of the value,
// 0 … Values−1, is also the label of the sequence.
type Associative struct{ config AssociativeConfig }

// NewAssociative returns the task.
func NewAssociative(c AssociativeConfig) (*Associative, error) {
	c.Pairs = cmp.Or(c.Pairs, 16)
	c.Queries = cmp.Or(c.Queries, 1)
	c.Keys = cmp.Or(c.Keys, 64)
	c.Values = cmp.Or(c.Values, 64)
	c.Noise = cmp.Or(c.Noise, 16)
	c.Examples = cmp.Or(c.Examples, examplesOf(c.Split))
	if err := bounded(c.Examples, c.Tokens, c.Keys, c.Values, c.Noise); err != nil {
		return nil, err
	}
	switch {
	case c.Pairs < 1 || c.Queries < 1 || c.Values < 2 || c.Noise < 1 || c.Examples < 1:
		return nil, fmt.Errorf("recall: %d pairs, %d queries, %d values, %d kinds of noise, %d examples; "+
			"expected at least 1 of each, and 2 values",
			c.Pairs, c.Queries, c.Values, c.Noise, c.Examples)
	case c.Keys < c.Pairs: // so that no sum below can overflow
		return nil, fmt.Errorf("recall: %d pairs need as many different keys, but there are %d", c.Pairs, c.Keys)
	case c.Queries > c.Pairs:
		return nil, fmt.Errorf("recall: %d queries for %d pairs; expected at most one per pair", c.Queries, c.Pairs)
	case c.Tokens < 2*c.Pairs+c.Queries:
		return nil, fmt.Errorf("recall: %d pairs and %d queries need %d tokens, but a sequence has %d",
			c.Pairs, c.Queries, 2*c.Pairs+c.Queries, c.Tokens)
	}
	return &Associative{c}, nil
}

// Len is the number of examples.
func (a *Associative) Len() int { return a.config.Examples }

// Vocab is the number of tokens.
func (a *Associative) Vocab() int { return a.config.Keys + a.config.Values + a.config.Noise }

// Classes is the number of labels.
func (a *Associative) Classes() int { return a.config.Values }

// Chance is the accuracy of a uniform guess among the values. A guess among the values of the pairs is right once in Pairs.
func (a *Associative) Chance() float64 { return 1 / float64(a.config.Values) }

// Append adds example index, the same in every epoch.
func (a *Associative) Append(dst *data.Batch, _, index int) error {
	c := a.config
	if index < 0 || index >= c.Examples {
		return fmt.Errorf("recall: example %d of %d", index, c.Examples)
	}
	r := data.NewRandom(c.Seed, uint64(c.Split)<<60|uint64(index))
	tokens, targets := grow(dst, c.Tokens)
	for i := range tokens {
		tokens[i] = int32(c.Keys + c.Values + r.IntN(c.Noise))
	}
	keys := choose(r, c.Keys, c.Pairs)
	values := make([]int32, c.Pairs)
	// Pairs among noise: of Tokens−Queries−Pairs units, a pair or a token of noise each, Pairs are chosen.
	places := choose(r, c.Tokens-c.Queries-c.Pairs, c.Pairs)
	slices.Sort(places)
	for i, place := range places {
		values[i] = int32(r.IntN(c.Values))
		tokens[place+i] = int32(keys[i]) // each pair before it took one place more
		tokens[place+i+1] = int32(c.Keys) + values[i]
	}
	for q, pair := range choose(r, c.Pairs, c.Queries) {
		at := c.Tokens - c.Queries + q
		tokens[at], targets[at] = int32(keys[pair]), int32(c.Keys)+values[pair]
		if c.Queries == 1 {
			dst.Labels = append(dst.Labels, values[pair])
		}
	}
	return nil
}

// maxTokens is the largest number of tokens in a sequence or a vocabulary. maxExamples is the largest number of examples. A sequence is
// drawn by its index.
const (
	maxTokens   = 1 << 26
	maxExamples = 1 << 60
)

// bounded refuses numbers that are too large: of examples, and of tokens in a sequence or a part of the vocabulary.
func bounded(examples int, tokens ...int) error {
	if int64(examples) > maxExamples {
		return fmt.Errorf("recall: %d examples; expected at most %d", examples, int64(maxExamples))
	}
	if n := slices.Max(tokens); n > maxTokens {
		return fmt.Errorf("recall: %d tokens, or different tokens of a kind; expected at most %d", n, maxTokens)
	}
	return nil
}

func examplesOf(s data.Split) int {
	if s == data.Train {
		return 100_000
	}
	return 2000
}

// grow adds a sequence of n tokens without targets, to be filled in.
func grow(dst *data.Batch, n int) (tokens, targets []int32) {
	begin := len(dst.Tokens)
	dst.Tokens = append(dst.Tokens, make([]int32, n)...)
	for range n {
		dst.Targets = append(dst.Targets, data.Ignore)
	}
	dst.Lengths = append(dst.Lengths, n)
	return dst.Tokens[begin:], dst.Targets[begin:]
}

// choose draws k different numbers of 0 … n−1, in random order: the beginning of a permutation of them.
func choose(r *data.Random, n, k int) []int {
	p := data.NewPermutation(n, r.Uint64(), 0)
	chosen := make([]int, k)
	for i := range chosen {
		chosen[i] = p.At(i)
	}
	return chosen
}
