// Package listops makes the task ListOps: an expression of nested operations on digits, such as
//
//	[MAX 2 9 [MIN 4 7 ] 0 ]
//
// whose value, a digit, is the class of the sequence: 9 here. Nangia and Bowman 2018, arXiv:1804.06028. The zero Config is the long form of
// the Long Range Arena, Tay et al. 2020, arXiv:2011.04006, section 2.2.1. Closing brackets are tokens: a tokenizer that drops them, as one
// of the Arena's did, leaves expressions without meaning.
package listops

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/longspan/longspan/data"
)

// The tokens: the digits are 0 … 9.
const (
	Min   = 10 + iota // the smallest argument
	Max               // the largest argument
	Med               // the median, the mean of the middle two truncated where there is an even number of them
	SM                // the sum, modulo 10
	Close             // ends the arguments

	Vocab   = 15
	Classes = 10
)

// Config is the distribution of the expressions. The zero value is that of the Long Range Arena.
type Config struct {
	Split    data.Split // no expression is in two parts
	Examples int        // in the part; 0 is 96,000 to train on, and 2,000 for validation and test each
	Seed     uint64

	MinTokens int // 0 is 501
	MaxTokens int // 0 is 1,999
	Depth     int // levels of nesting, with that of the digits; 0 is 10
	Args      int // the largest number of arguments of an operation; the smallest is 2; 0 is 10
}

// The largest numbers that are accepted. An example is drawn by its index below 2⁶⁰, and an expression is in memory.
const (
	maxExamples = 1 << 60
	maxTokens   = 1 << 20
)

// valueChance is the probability that an argument is a digit and not an operation, above the last level.
const valueChance = 0.75

// Task is a data.Dataset of expressions with their values as labels. An example depends on its index, the
// part and the config, not on the epoch.
type Task struct{ config Config }

// New returns the task.
func New(c Config) (*Task, error) {
	c.MinTokens = cmp.Or(c.MinTokens, 501)
	c.MaxTokens = cmp.Or(c.MaxTokens, 1999)
	c.Depth = cmp.Or(c.Depth, 10)
	c.Args = cmp.Or(c.Args, 10)
	if c.Split == data.Train {
		c.Examples = cmp.Or(c.Examples, 96000)
	} else {
		c.Examples = cmp.Or(c.Examples, 2000)
	}
	if c.Examples < 1 || c.MinTokens < 1 || c.MaxTokens < c.MinTokens || c.Depth < 1 || c.Args < 2 {
		return nil, fmt.Errorf("listops: %d examples of %d … %d tokens, %d levels, 2 … %d arguments; "+
			"expected at least 1 of each, and 2 arguments", c.Examples, c.MinTokens, c.MaxTokens, c.Depth, c.Args)
	}
	if int64(c.Examples) > maxExamples || c.MaxTokens > maxTokens || c.Depth > maxTokens || c.Args > maxTokens {
		return nil, fmt.Errorf("listops: %d examples of up to %d tokens, %d levels and %d arguments; "+
			"expected at most %d examples, and %d of each other",
			c.Examples, c.MaxTokens, c.Depth, c.Args, int64(maxExamples), maxTokens)
	}
	longest := 1
	for range c.Depth - 1 {
		if longest = 2 + c.Args*longest; longest >= c.MinTokens {
			break
		}
	}
	if longest < c.MinTokens {
		return nil, fmt.Errorf("listops: the longest expression of %d levels and %d arguments has %d tokens; "+
			"expected %d or more: allow more levels", c.Depth, c.Args, longest, c.MinTokens)
	}
	return &Task{c}, nil
}

// Len is the number of examples.
func (t *Task) Len() int { return t.config.Examples }

// Vocab is the number of tokens.
func (t *Task) Vocab() int { return Vocab }

// Classes is the number of labels.
func (t *Task) Classes() int { return Classes }

// Chance is the accuracy of a uniform guess. Values are not uniform: the commonest, 9 and 0, are right in 16% of the examples each.
func (t *Task) Chance() float64 { return 1.0 / Classes }

// maxTries bounds the search for an expression. At the Arena's lengths one in 12 fits, and one in 50 of these belongs
// to the test: 600 tries, 4 milliseconds. An unsuccessful search takes seven seconds.
const maxTries = 1_000_000

// Append adds example index. It draws expressions until one has the right length and belongs to the part.
func (t *Task) Append(dst *data.Batch, _, index int) error {
	if index < 0 || index >= t.config.Examples {
		return fmt.Errorf("listops: example %d of %d", index, t.config.Examples)
	}
	g := generator{config: t.config, random: data.NewRandom(t.config.Seed, uint64(t.config.Split)<<60|uint64(index))}
	for range maxTries {
		g.tokens = g.tokens[:0]
		value, ok := g.expression(1)
		if !ok || len(g.tokens) < t.config.MinTokens || partOf(g.tokens) != t.config.Split {
			continue
		}
		dst.Tokens = append(dst.Tokens, g.tokens...)
		dst.Lengths = append(dst.Lengths, len(g.tokens))
		dst.Labels = append(dst.Labels, value)
		for range len(g.tokens) - 1 {
			dst.Targets = append(dst.Targets, data.Ignore)
		}
		dst.Targets = append(dst.Targets, value)
		return nil
	}
	return fmt.Errorf("listops: none of %d expressions had %d … %d tokens; allow other lengths, levels or arguments",
		maxTries, t.config.MinTokens, t.config.MaxTokens)
}

// partOf is the part of an expression, by a hash of its tokens (FNV-1a): no expression is in two parts. The proportion is the Arena's, 48
// to 1 to 1.
func partOf(tokens []int32) data.Split {
	hash := uint64(14695981039346656037)
	for _, token := range tokens {
		hash = (hash ^ uint64(token)) * 1099511628211
	}
	switch data.Mix(hash) % 50 {
	case 0:
		return data.Validation
	case 1:
		return data.Test
	}
	return data.Train
}

type generator struct {
	config Config
	random *data.Random
	tokens []int32
}

// expression writes a random expression and returns its value. It gives up once there are too many tokens.
func (g *generator) expression(level int) (value int32, ok bool) {
	if len(g.tokens) >= g.config.MaxTokens {
		return 0, false
	}
	if level == g.config.Depth || g.random.Float64() < valueChance {
		value = int32(g.random.IntN(10))
		g.tokens = append(g.tokens, value)
		return value, true
	}
	operation := int32(Min + g.random.IntN(4))
	g.tokens = append(g.tokens, operation)
	args := make([]int32, 2+g.random.IntN(g.config.Args-1))
	for i := range args {
		if args[i], ok = g.expression(level + 1); !ok {
			return 0, false
		}
	}
	g.tokens = append(g.tokens, Close)
	return apply(operation, args), len(g.tokens) <= g.config.MaxTokens
}

func apply(operation int32, args []int32) int32 {
	slices.Sort(args)
	n := len(args)
	switch operation {
	case Min:
		return args[0]
	case Max:
		return args[n-1]
	case Med:
		return (args[(n-1)/2] + args[n/2]) / 2
	}
	sum := int32(0)
	for _, v := range args {
		sum += v
	}
	return sum % 10
}

var names = [Vocab]string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "[MIN", "[MAX", "[MED", "[SM", "]"}

// Text writes tokens as in the paper, with a blank between them.
func Text(tokens []int32) string {
	words := make([]string, len(tokens))
	for i, token := range tokens {
		if words[i] = "?"; token >= 0 && token < Vocab {
			words[i] = names[token]
		}
	}
	return strings.Join(words, " ")
}
