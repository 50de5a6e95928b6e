package vocab

// candidate is a pair that may be merged next. Its count is that of the time it was queued.
type candidate struct {
	count  int64
	ids    [2]int32
	pair   int32 // its index
	places int32 // their index
}

// before says whether a is merged before b.
func (a candidate) before(b candidate) bool {
	switch {
	case a.count != b.count:
		return a.count > b.count
	case a.ids[0] != b.ids[0]:
		return a.ids[0] < b.ids[0]
	}
	return a.ids[1] < b.ids[1]
}

// queue is a heap of candidates. Four children a node keep it shallow.
type queue []candidate

const children = 4

func (q *queue) push(c candidate) {
	heap := append(*q, c)
	*q = heap
	at := len(heap) - 1
	for at > 0 {
		parent := (at - 1) / children
		if !c.before(heap[parent]) {
			break
		}
		heap[at], at = heap[parent], parent
	}
	heap[at] = c
}

func (q *queue) pop() (top candidate, ok bool) {
	heap := *q
	if len(heap) == 0 {
		return candidate{}, false
	}
	top = heap[0]
	last := heap[len(heap)-1]
	heap = heap[:len(heap)-1]
	*q = heap
	for at := 0; len(heap) > 0; {
		first := children*at + 1
		best := at
		c := last
		for i := first; i < min(first+children, len(heap)); i++ {
			if heap[i].before(c) {
				best, c = i, heap[i]
			}
		}
		heap[at] = c
		if best == at {
			break
		}
		at = best
	}
	return top, true
}
