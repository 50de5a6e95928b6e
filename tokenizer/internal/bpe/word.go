package bpe

import (
	"math"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer/internal/vocab"
)

// word is the symbols of a piece while they are merged. The symbols form a list, so that a merge takes no longer in a long piece.
type word struct {
	ids   []int32
	sizes []int32 // in bytes; 0 for a symbol that was merged into the one before
	next  []int32 // the symbol behind, len(ids) at the end
	prev  []int32
	pairs []uint64 // the value of the pair of a symbol and the next, noMerge where they do not merge
	heap  heap
}

// fill makes the symbols of a piece.
func (w *word) fill(m *Model, s string) error {
	w.ids, w.sizes = w.ids[:0], w.sizes[:0]
	if m.raw {
		for i := range len(s) {
			w.add(m.symbols.bytes[s[i]], 1)
		}
		return nil
	}
	return w.fillCharacters(m, s)
}

func (w *word) add(id, size int32) {
	w.ids = append(w.ids, id)
	w.sizes = append(w.sizes, size)
}

// fillCharacters makes a symbol of each character. An unknown character is its bytes, or the unknown token, or nothing. As in the
// library, unknown tokens wait until a character is known again, even where bytes of another come in between.
func (w *word) fillCharacters(m *Model, s string) error {
	waiting := int32(0) // the bytes of the unknown token that waits
	for i, r := range s {
		size := int32(utf8.RuneLen(r))
		id, text := m.symbol(s, i, r, int(size))
		if id != none {
			if waiting > 0 {
				w.add(m.unknown, waiting)
				waiting = 0
			}
			w.add(id, size)
			continue
		}
		if m.ByteFallback && w.addBytes(m, text) {
			continue
		}
		if !m.HasUnknown {
			continue
		}
		if m.unknown == none {
			return errUnknown
		}
		if waiting > 0 && !m.FuseUnknown {
			w.add(m.unknown, waiting)
			waiting = 0
		}
		waiting += size
	}
	if waiting > 0 {
		w.add(m.unknown, waiting)
	}
	return nil
}

// symbol returns the id of the character at byte i, and the text that was looked up.
func (m *Model) symbol(s string, i int, r rune, size int) (int32, string) {
	text := s[i : i+size]
	first, last := i == 0, i+size == len(s)
	if (first || m.Prefix == "") && (!last || m.Suffix == "") {
		return m.symbols.of(r), text
	}
	if !first {
		text = m.Prefix + text
	}
	if last {
		text += m.Suffix
	}
	if id, ok := m.IDs[text]; ok {
		return id, text
	}
	return none, text
}

// addBytes adds a symbol for each byte, and says whether all have one.
func (w *word) addBytes(m *Model, text string) bool {
	for i := range len(text) {
		if m.fallback[text[i]] == none {
			return false
		}
	}
	for i := range len(text) {
		w.add(m.fallback[text[i]], 1)
	}
	return true
}

// longestScan is the largest number of symbols whose lowest pair is found by looking at all.
const longestScan = 48

// merge joins the pair of the lowest rank, the leftmost of them, until none is left.
func (w *word) merge(t *table) {
	if n := len(w.ids); n < 2 {
		return
	} else if n <= longestScan {
		w.mergeShort(t)
		return
	}
	w.link(t)
	for len(w.heap) > 0 {
		key := w.heap.pop()
		at := int32(uint32(key))
		if w.pairs[at]>>32 != key>>32 { // another merge came before
			continue
		}
		w.join(t, at)
	}
	w.compact()
}

// mergeShort keeps the symbols together: it moves those behind a merge.
func (w *word) mergeShort(t *table) {
	n := len(w.ids)
	w.pairs = grow(w.pairs, n)
	for i := range n - 1 {
		w.pairs[i] = t.get(w.ids[i], w.ids[i+1])
	}
	for n > 1 {
		at, best := 0, w.pairs[0]
		for i, p := range w.pairs[1 : n-1] {
			if p < best { // equal ranks are equal pairs: the first stays
				at, best = i+1, p
			}
		}
		if best == noMerge {
			break
		}
		w.ids[at] = int32(uint32(best))
		w.sizes[at] += w.sizes[at+1]
		copy(w.ids[at+1:n-1], w.ids[at+2:n])
		copy(w.sizes[at+1:n-1], w.sizes[at+2:n])
		copy(w.pairs[at:n-2], w.pairs[at+1:n-1])
		n--
		if at > 0 {
			w.pairs[at-1] = t.get(w.ids[at-1], w.ids[at])
		}
		if at < n-1 {
			w.pairs[at] = t.get(w.ids[at], w.ids[at+1])
		}
	}
	w.ids, w.sizes = w.ids[:n], w.sizes[:n]
}

// link makes the list and the heap of all pairs that merge.
func (w *word) link(t *table) {
	n := len(w.ids)
	w.pairs, w.next, w.prev = grow(w.pairs, n), grow(w.next, n), grow(w.prev, n)
	w.heap = w.heap[:0]
	for i := range n {
		w.next[i], w.prev[i] = int32(i+1), int32(i-1)
		w.pairs[i] = noMerge
		if i+1 < n {
			w.pairs[i] = t.get(w.ids[i], w.ids[i+1])
		}
		if w.pairs[i] != noMerge {
			w.heap = append(w.heap, w.pairs[i]&^math.MaxUint32|uint64(i))
		}
	}
	w.heap.init()
}

// join merges the symbol at a place with the next.
func (w *word) join(t *table, at int32) {
	n := int32(len(w.ids))
	right := w.next[at]
	w.ids[at] = int32(uint32(w.pairs[at]))
	w.sizes[at] += w.sizes[right]
	w.sizes[right], w.pairs[right] = 0, noMerge
	w.next[at] = w.next[right]
	w.pairs[at] = noMerge
	if after := w.next[at]; after < n {
		w.prev[after] = at
		w.pair(t, at, after)
	}
	if before := w.prev[at]; before >= 0 {
		w.pair(t, before, at)
	}
}

// pair looks up the pair of two neighbours.
func (w *word) pair(t *table, left, right int32) {
	p := t.get(w.ids[left], w.ids[right])
	w.pairs[left] = p
	if p != noMerge {
		w.heap.push(p&^math.MaxUint32 | uint64(left))
	}
}

// compact removes the symbols that were merged into others.
func (w *word) compact() {
	n := 0
	for i, size := range w.sizes {
		if size != 0 {
			w.ids[n], w.sizes[n] = w.ids[i], size
			n++
		}
	}
	w.ids, w.sizes = w.ids[:n], w.sizes[:n]
}

// tokens appends the symbols. Their places follow from their sizes.
func (w *word) tokens(dst []vocab.Token) []vocab.Token {
	from := int32(0)
	for i, id := range w.ids {
		dst = append(dst, vocab.Token{ID: id, From: from, To: from + w.sizes[i]})
		from += w.sizes[i]
	}
	return dst
}

// grow returns a slice of n elements that reuses the memory of s.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}
