package nn

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/autograd"
)

// A copy head attends where the sequence repeats itself. Each query is a hash of the last n tokens, each key a hash of the n tokens before
// its token; equal hashes attend, so the head copies what followed the same n-gram, at any distance. Two ordinary layers can learn that
// together (Olsson et al. 2022, arXiv:2209.11895: induction heads); heads that match n-grams from the start find repeats sooner (Akyürek
// et al. 2024, arXiv:2401.12973: n-gram heads). Here the match is soft: hashes become vectors, and the softmax weighs them. Values are
// projected as in any layer.
//
// The vectors are not learned: each is random signs, seeded by the hash, times a constant. An n-gram has the same vector at every
// position, and no table holds the training data. The sharpness of a match does not depend on the length of the training windows.
//
// The layer is experimental.

// MaxNgram bounds the tokens of an n-gram, and with it the work of hashing: n multiplications a token.
const MaxNgram = 64

// ngramGain is the factor of the signs in queries and keys: γ² = 2√2. Over heads of D columns the score of equal n-grams is then
// 2√2·√D, and scores of unequal ones have mean 0 and standard deviation 2√2 at any D; the exponentials of T of them add up to about
// T·e⁴. At D = 64 an equal n-gram has e^22.6 against that, and takes nearly all the weight among millions of keys; at D = 32, e^16,
// among about ten thousand. Without a match the most similar of a thousand keys has a fifth of the weight: the output is a mean over many.
const ngramGain = 1.6817928305074292 // 8^¼

// Read sets the tokens of the whole batch, for layers that hash n-grams. While one sequence is decoded, before are its earlier tokens: at
// least as many as the longest n-gram has, or all. Otherwise before is empty.
func (p *Pass) Read(before, tokens []int32) { p.before, p.tokens, p.ngrams = before, tokens, nil }

// Tokens are those that Read set.
func (p *Pass) Tokens() []int32 { return p.tokens }

// seeds are the hashes of the n-grams of one size in a pass.
type seeds struct {
	ending []uint64 // of the n-gram that ends with each token; 0: none
	before []uint64 // of the n-gram that ends with the token before
}

// ngramSeeds hashes the n-grams of size n.
func (p *Pass) ngramSeeds(n int) seeds {
	if s, ok := p.ngrams[n]; ok {
		return s
	}
	s := seeds{make([]uint64, 0, len(p.tokens)), make([]uint64, 0, len(p.tokens))}
	start := 0
	for _, length := range p.Whole() {
		sequence := p.tokens[start : start+length]
		start += length
		if len(p.before) > 0 {
			sequence = append(append([]int32(nil), p.before...), sequence...)
		}
		last := uint64(0)
		for i := range sequence {
			seed := uint64(0)
			if i+1 >= n {
				seed = HashNgram(sequence[i+1-n : i+1])
			}
			if i >= len(p.before) {
				s.ending, s.before = append(s.ending, seed), append(s.before, last)
			}
			last = seed
		}
	}
	s.ending, s.before = Own(p, s.ending), Own(p, s.before)
	if p.ngrams == nil {
		p.ngrams = map[int]seeds{}
	}
	p.ngrams[n] = s
	return s
}

// HashNgram mixes the tokens of an n-gram: FNV-1a over tokens instead of bytes, and the finaliser of MurmurHash3 for the low bits. The
// probability that two of a million n-grams collide is 2⁴⁰/2 pairs over 2⁶⁴, or one in 4·10⁷.
func HashNgram(ngram []int32) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, t := range ngram {
		h = (h ^ uint64(uint32(t))) * 0x100000001b3
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	return h ^ h>>33
}

// project returns the queries, keys and values of x [T, width], side by side: [T, (H+2·Hkv)·D]. In a layer of copy heads, key/value head i
// has the n-gram size i modulo the number of sizes. A query head has the size of the keys that it reads.
func (a *Attention) project(p *Pass, x *autograd.Var) *autograd.Var {
	if a.values == nil {
		qkv := a.qkv.Apply(p, x)
		if a.qNorm != nil {
			qkv = p.G.HeadNorm(qkv, a.c.QKNorm, autograd.HeadWeight{Weight: p.Leaf(a.qNorm), Heads: a.c.Heads},
				autograd.HeadWeight{Weight: p.Leaf(a.kNorm), Heads: a.c.KVHeads})
		}
		return a.rotate(p, qkv, (a.c.Heads+a.c.KVHeads)*a.c.HeadDim, p.Positions())
	}
	n := func(kv int) int { return a.c.CopyNgrams[kv%len(a.c.CopyNgrams)] }
	var hashes [][]uint64
	for h := range a.c.Heads {
		hashes = append(hashes, p.ngramSeeds(n(h*a.c.KVHeads/a.c.Heads)).ending)
	}
	for kv := range a.c.KVHeads {
		hashes = append(hashes, p.ngramSeeds(n(kv)).before)
	}
	return p.G.Signs(a.values.Apply(p, x), ngramGain, a.c.HeadDim, hashes)
}

// checkCopyNgrams refuses copy heads that the layer cannot have.
func (a *Attention) checkCopyNgrams() error {
	c := a.c
	switch {
	case len(c.CopyNgrams) == 0:
		return nil
	case !c.Mechanism.Softmax():
		return fmt.Errorf("nn: %s has no softmax in which equal n-grams would stand out; use a pattern, or leave copy_ngrams out", c.Mechanism)
	case c.Position != NoPosition:
		return errors.New("nn: found copy heads in a layer with positions, expected none: n-grams match at any distance")
	case c.QKNorm > 0 || len(c.Global) > 0:
		return errors.New("nn: found copy heads with norms or second projections of queries, expected none: their queries are hashed")
	case c.Cross:
		return errors.New("nn: found copy heads in a layer whose queries come from other tokens than its keys, expected none; " +
			"leave copy_ngrams out")
	case len(c.CopyNgrams) > c.KVHeads:
		return fmt.Errorf("nn: found %d n-gram sizes for %d key/value heads, expected at most one each", len(c.CopyNgrams), c.KVHeads)
	}
	for _, n := range c.CopyNgrams {
		if n < 1 || n > MaxNgram {
			return fmt.Errorf("nn: found n-gram sizes %v, expected 1 to %d each", c.CopyNgrams, MaxNgram)
		}
	}
	return nil
}
