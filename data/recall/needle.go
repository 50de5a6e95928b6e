package recall

import (
	"cmp"
	"fmt"

	"github.com/longspan/longspan/data"
)

// NeedleConfig is the distribution of the sequences of Needle.
type NeedleConfig struct {
	Tokens int     // tokens per sequence
	Hay    int     // different tokens of the haystack; 0 is 64
	Keys   int     // different keys; 0 is 16
	Values int     // different tokens of answers; 0 is 16
	Answer int     // tokens of an answer; 0 is 1
	Decoys int     // more needles, with other keys; the largest number is Keys−1
	Fixed  bool    // put the needle at Depth; otherwise it is anywhere
	Depth  float64 // 0 is the beginning of the haystack, 1 its end

	Examples int        // in the part; 0 is 100,000 to train on, and 2,000 for validation and test each
	Split    data.Split // draws other sequences for each part
	Seed     uint64
}

// Needle is a data.Dataset of the needle in a haystack (Kamradt 2023, github.com/gkamradt/LLMTest_NeedleInAHaystack;
// with decoys, the multi-key task of RULER, Hsieh et al. 2024, arXiv:2404.06654). A mark, a key and an answer are somewhere in a long
// stretch of hay. Another mark and the key are at the end, and the targets are the answer, token by token.
//
// Tokens are, in this order, Hay of hay, Keys keys, Values of answers, the mark of a needle and that of the
// question. Where the answer is one token, its number, 0 … Values−1, is also the label of the sequence.
type Needle struct{ config NeedleConfig }

// NewNeedle returns the task.
func NewNeedle(c NeedleConfig) (*Needle, error) {
	c.Hay = cmp.Or(c.Hay, 64)
	c.Keys = cmp.Or(c.Keys, 16)
	c.Values = cmp.Or(c.Values, 16)
	c.Answer = cmp.Or(c.Answer, 1)
	c.Examples = cmp.Or(c.Examples, examplesOf(c.Split))
	if err := bounded(c.Examples, c.Tokens, c.Hay, c.Keys, c.Values, c.Answer); err != nil {
		return nil, err
	}
	n := &Needle{c}
	switch {
	case c.Tokens < 1: // so that no sum below can overflow
		return nil, fmt.Errorf("recall: sequences of %d tokens; expected at least 1", c.Tokens)
	case c.Hay < 1 || c.Keys < 1 || c.Values < 2 || c.Answer < 1 || c.Examples < 1:
		return nil, fmt.Errorf("recall: %d kinds of hay, %d keys, %d values, answers of %d, %d examples; "+
			"expected at least 1 of each, and 2 values",
			c.Hay, c.Keys, c.Values, c.Answer, c.Examples)
	case c.Decoys < 0 || c.Decoys >= c.Keys:
		return nil, fmt.Errorf("recall: %d decoys and the needle need as many different keys, but there are %d", c.Decoys, c.Keys)
	case !(c.Depth >= 0 && c.Depth <= 1):
		return nil, fmt.Errorf("recall: the needle at depth %g; expected 0 (the beginning) … 1 (the end)", c.Depth)
	case n.hay() < 0:
		return nil, fmt.Errorf("recall: %d needles and the question need %d tokens, but a sequence has %d",
			1+c.Decoys, c.Tokens-n.hay(), c.Tokens)
	}
	return n, nil
}

// hay is the number of tokens that are neither of a needle nor of the question. Each of these is a mark, a key and the answer; the last
// token of the question's answer is a target only.
func (n *Needle) hay() int {
	c := n.config
	return c.Tokens - (1+c.Decoys)*(2+c.Answer) - (2 + c.Answer - 1)
}

// Len is the number of examples.
func (n *Needle) Len() int { return n.config.Examples }

// Vocab is the number of tokens.
func (n *Needle) Vocab() int { return n.config.Hay + n.config.Keys + n.config.Values + 2 }

// Classes is the number of labels.
func (n *Needle) Classes() int { return n.config.Values }

// Chance is the accuracy, by token of the answer, of a uniform guess among the values.
func (n *Needle) Chance() float64 { return 1 / float64(n.config.Values) }

// Append adds example index, the same in every epoch.
func (n *Needle) Append(dst *data.Batch, _, index int) error {
	c := n.config
	if index < 0 || index >= c.Examples {
		return fmt.Errorf("recall: example %d of %d", index, c.Examples)
	}
	r := data.NewRandom(c.Seed, uint64(c.Split)<<60|uint64(index))
	tokens, targets := grow(dst, c.Tokens)
	keys := choose(r, c.Keys, 1+c.Decoys)
	before := n.places(r) // hay before each needle

	firstKey, firstValue, mark := int32(c.Hay), int32(c.Hay+c.Keys), int32(c.Hay+c.Keys+c.Values)
	var answer []int32
	at := 0
	for i := range n.hay() + 1 {
		for k, place := range before {
			if place != i {
				continue
			}
			tokens[at], tokens[at+1] = mark, firstKey+int32(keys[k])
			for j := range c.Answer {
				tokens[at+2+j] = firstValue + int32(r.IntN(c.Values))
			}
			if k == 0 {
				answer = tokens[at+2 : at+2+c.Answer]
			}
			at += 2 + c.Answer
		}
		if i < n.hay() {
			tokens[at] = int32(r.IntN(c.Hay))
			at++
		}
	}
	tokens[at], tokens[at+1] = mark+1, firstKey+int32(keys[0])
	copy(tokens[at+2:], answer[:c.Answer-1])
	copy(targets[at+1:], answer)
	if c.Answer == 1 {
		dst.Labels = append(dst.Labels, answer[0]-firstValue)
	}
	return nil
}

// places returns the number of hay tokens before each needle. The question is about the first.
func (n *Needle) places(r *data.Random) []int {
	before := make([]int, 1+n.config.Decoys)
	for k := range before {
		before[k] = r.IntN(n.hay() + 1)
	}
	if n.config.Fixed {
		before[0] = int(n.config.Depth*float64(n.hay()) + 0.5)
	}
	return before
}
