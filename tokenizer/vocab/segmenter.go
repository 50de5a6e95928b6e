package vocab

// segmenter applies merges to words. It is for one goroutine.
type segmenter struct {
	merges  []merge
	ranks   map[[2]int32]int32
	bytes   [256]int32
	symbols []symbol
	queue   queue
}

func newSegmenter(v *Vocabulary) *segmenter {
	s := &segmenter{merges: v.merges, ranks: make(map[[2]int32]int32, len(v.merges))}
	for i, m := range v.merges {
		s.ranks[[2]int32{m.left, m.right}] = int32(i)
	}
	ids := map[string]int32{}
	for id, t := range v.tokens {
		ids[t.Name] = int32(id)
	}
	for b, name := range byteNames() {
		s.bytes[b] = ids[name]
	}
	return s
}

// tokens is the number of tokens of a word. The earliest merge comes first, and of its places the leftmost.
func (s *segmenter) tokens(text []byte) int {
	s.symbols, s.queue = s.symbols[:0], s.queue[:0]
	for i, b := range text {
		s.symbols = append(s.symbols, symbol{s.bytes[b], int32(i - 1), int32(i + 1), 0})
	}
	s.symbols[len(text)-1].next = none
	for at := range s.symbols {
		s.offer(int32(at))
	}
	n := len(text)
	for {
		c, ok := s.queue.pop()
		if !ok {
			return n
		}
		at, m := c.ids[0], s.merges[-c.count]
		left := &s.symbols[at]
		if left.id != m.left || left.next == none || s.symbols[left.next].id != m.right {
			continue
		}
		right := &s.symbols[left.next]
		left.id, left.next, right.id = m.joined, right.next, none
		if left.next != none {
			s.symbols[left.next].prev = at
		}
		n--
		s.offer(at)
		if left.prev != none {
			s.offer(left.prev)
		}
	}
}

// offer queues the pair at a place, if there is a merge for it.
func (s *segmenter) offer(at int32) {
	left := s.symbols[at]
	if left.next == none {
		return
	}
	if rank, ok := s.ranks[[2]int32{left.id, s.symbols[left.next].id}]; ok {
		s.queue.push(candidate{count: -int64(rank), ids: [2]int32{at, 0}})
	}
}
