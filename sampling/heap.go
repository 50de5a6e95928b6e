package sampling

import "math"

// heap gives tokens by falling logit; of equal ones the lower token comes first. Few of a large vocabulary are wanted, and a sort of all
// would take longer than the model.
type heap struct {
	logits []float32
	tokens []int
	last   bool // the last token is on top, not the first
}

// fill takes the tokens whose logit is above −∞, and that are wanted.
func (h *heap) fill(logits []float32, wanted func(token int) bool) {
	h.logits, h.tokens, h.last = logits, h.tokens[:0], false
	for i, v := range logits {
		if v >= -math.MaxFloat32 && wanted(i) {
			h.tokens = append(h.tokens, i)
		}
	}
	h.order()
}

// fillBest takes the first k tokens.
func (h *heap) fillBest(logits []float32, k int) {
	h.logits, h.tokens, h.last = logits, h.tokens[:0], true
	for i, v := range logits {
		switch {
		case !(v >= -math.MaxFloat32):
		case len(h.tokens) < k:
			if h.tokens = append(h.tokens, i); len(h.tokens) == k {
				h.order()
			}
		case v > logits[h.tokens[0]]: // of equal logits the lower token, which is there, comes first
			h.tokens[0] = i
			h.sink(0)
		}
	}
	h.last = false
	h.order()
}

// order makes a heap of the tokens.
func (h *heap) order() {
	for i := len(h.tokens)/2 - 1; i >= 0; i-- {
		h.sink(i)
	}
}

// before reports whether the token at place i is above that at place j.
func (h *heap) before(i, j int) bool {
	a, b := h.tokens[i], h.tokens[j]
	return (h.logits[a] > h.logits[b] || h.logits[a] == h.logits[b] && a < b) != h.last
}

// sink moves the token at place i down to where it belongs.
func (h *heap) sink(i int) {
	for {
		first := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h.tokens); child++ {
			if h.before(child, first) {
				first = child
			}
		}
		if first == i {
			return
		}
		h.tokens[i], h.tokens[first] = h.tokens[first], h.tokens[i]
		i = first
	}
}

// pop takes the first token. There must be one.
func (h *heap) pop() int {
	token, last := h.tokens[0], len(h.tokens)-1
	h.tokens[0] = h.tokens[last]
	h.tokens = h.tokens[:last]
	h.sink(0)
	return token
}
