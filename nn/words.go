package nn

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/autograd"
)

// Words in an attention layer: a query has the vector of the word of n tokens that ends with its token, and a key that of the word that ends
// before its token. A query's word equals a key's where the sequence said the same before, and the value there is of the token that came next:
// the layer finds all places that read as this one does, at any distance, and what they went on with. Layers of a Transformer learn to do that
// by themselves, as two of them together (Olsson et al. 2022, arXiv:2209.11895: induction heads); heads that match words of n tokens from the
// start find repeats sooner (Akyürek et al. 2024, arXiv:2401.12973: n-gram heads). There they see equal words and nothing else; here
// words have vectors, which are the queries and the keys, and the softmax weighs them. Values are projected as ever.
//
// The vectors are drawn, not learned: signs by a hash of the word, as many as a head has columns, times a constant. So a word has the same vector
// wherever it stands, words do not share vectors as they do in a table, and there is nothing in which to keep the training data. Nor does the
// sharpness of matches adapt to the length of windows in training: what is found among a thousand keys is found among a hundred thousand.

// MaxWord bounds the tokens of a word, and with it the work of hashing, which is as many multiplications a token.
const MaxWord = 64

// wordGain is what signs are multiplied with in queries and in keys: γ² = 2√2. Over heads of D columns the score of equal words is then
// 2√2·√D, and the scores of unequal ones have mean 0 and standard deviation 2√2, whatever D: of T of them the exponentials sum up to some
// T·e⁴. In heads of 64 columns equal words have e^22.6 against that, and a match has nearly all of the weight among millions of keys; in heads of
// 32, e^16, among some ten thousand. Without a match the most alike of a thousand keys has a fifth of the weight: what comes out is a mean over many.
const wordGain = 1.6817928305074292 // 8^¼

// Read tells the pass its tokens, for layers that look at words of them. The tokens before are those that the one sequence of a generation
// had already, as many as the longest word has, or all; none where the sequences begin.
func (p *Pass) Read(before, tokens []int32) { p.before, p.tokens, p.words = before, tokens, nil }

// seeds are a pass's words of one length, hashed.
type seeds struct {
	ending []uint64 // the word that ends with each token; 0: there is none
	before []uint64 // the word that ends with the token before
}

// wordSeeds hashes the words of n tokens.
func (p *Pass) wordSeeds(n int) seeds {
	if s, ok := p.words[n]; ok {
		return s
	}
	s := seeds{make([]uint64, 0, len(p.tokens)), make([]uint64, 0, len(p.tokens))}
	start := 0
	for _, length := range p.Lengths {
		sequence := p.tokens[start : start+length]
		start += length
		if len(p.before) > 0 {
			sequence = append(append([]int32(nil), p.before...), sequence...)
		}
		last := uint64(0)
		for i := range sequence {
			seed := uint64(0)
			if i+1 >= n {
				seed = HashWord(sequence[i+1-n : i+1])
			}
			if i >= len(p.before) {
				s.ending, s.before = append(s.ending, seed), append(s.before, last)
			}
			last = seed
		}
	}
	if p.words == nil {
		p.words = map[int]seeds{}
	}
	p.words[n] = s
	return s
}

// HashWord mixes the tokens of a word: FNV-1a over tokens instead of bytes, and the finaliser of MurmurHash3 for the low bits. A million
// words have two of one hash once in 4·10⁷ times: 2⁴⁰/2 pairs, of 2⁶⁴.
func HashWord(word []int32) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, t := range word {
		h = (h ^ uint64(uint32(t))) * 0x100000001b3
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	return h ^ h>>33
}

// project gives the queries, keys and values of x, side by side. In a layer with words the key/value heads take the lengths in turn, and a query
// head has the words of the keys that it reads.
func (a *Attention) project(p *Pass, x *autograd.Var) *autograd.Var {
	if a.values == nil {
		return a.rotate(p, a.qkv.Apply(p, x), (a.c.Heads+a.c.KVHeads)*a.c.HeadDim, p.Positions())
	}
	n := func(kv int) int { return a.c.Words[kv%len(a.c.Words)] }
	var of [][]uint64
	for h := range a.c.Heads {
		of = append(of, p.wordSeeds(n(h*a.c.KVHeads/a.c.Heads)).ending)
	}
	for kv := range a.c.KVHeads {
		of = append(of, p.wordSeeds(n(kv)).before)
	}
	return p.G.Signs(a.values.Apply(p, x), wordGain, a.c.HeadDim, of)
}

// checkWords refuses words that the layer cannot have.
func (a *Attention) checkWords() error {
	c := a.c
	switch {
	case len(c.Words) == 0:
		return nil
	case !c.Mechanism.Softmax():
		return fmt.Errorf("nn: %s has no softmax in which equal words would stand out; use a pattern, or leave words out", c.Mechanism)
	case c.Position != NoPosition:
		return errors.New("nn: found words in a layer with positions, expected none: words match at any distance")
	case c.Apart:
		return errors.New("nn: found words in a layer whose queries are of other tokens than its keys, expected none; leave words out")
	case len(c.Words) > c.KVHeads:
		return fmt.Errorf("nn: found words of %d lengths for %d key/value heads, expected at most one each", len(c.Words), c.KVHeads)
	}
	for _, n := range c.Words {
		if n < 1 || n > MaxWord {
			return fmt.Errorf("nn: found words of %v tokens, expected 1 to %d each", c.Words, MaxWord)
		}
	}
	return nil
}
