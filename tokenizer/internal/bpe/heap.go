package bpe

// heap is a queue of keys, the smallest first. Each node has four children, which lie in one cache line more often than those of two.
type heap []uint64

func (h heap) init() {
	if len(h) < 2 {
		return
	}
	for i := (len(h) - 2) / 4; i >= 0; i-- {
		h.down(i)
	}
}

func (h heap) down(i int) {
	key := h[i]
	for {
		first := 4*i + 1
		if first >= len(h) {
			break
		}
		child := first
		for c := first + 1; c < min(first+4, len(h)); c++ {
			if h[c] < h[child] {
				child = c
			}
		}
		if h[child] >= key {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = key
}

func (h *heap) push(key uint64) {
	*h = append(*h, key)
	all := *h
	i := len(all) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if all[parent] <= key {
			break
		}
		all[i] = all[parent]
		i = parent
	}
	all[i] = key
}

func (h *heap) pop() uint64 {
	all := *h
	top := all[0]
	last := len(all) - 1
	all[0] = all[last]
	*h = all[:last]
	if last > 0 {
		h.down(0)
	}
	return top
}
