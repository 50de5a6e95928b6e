package bpe

import (
	"cmp"
	"hash/maphash"
	"math/bits"
	"slices"
	"strings"

	"github.com/longspan/longspan/tokenizer/internal/normalize"
	"github.com/longspan/longspan/tokenizer/internal/vocab"
)

// table has the rank and the result of each merge. It is a hash table with open addressing: a merge is looked up for every two symbols
// side by side, and Go's map takes twice as long.
type table struct {
	slots []slot
	shift int
}

type slot struct{ key, value uint64 } // the key is that of a pair plus one, 0 in an empty slot

// noMerge is the value of a pair that does not merge. It is larger than every value.
const noMerge = 1<<64 - 1

// value is a rank and the id that a merge makes.
func value(rank uint32, id int32) uint64 { return uint64(rank)<<32 | uint64(uint32(id)) }

func newTable(n int) table {
	size := max(1, bits.Len(uint(2*n)))
	return table{slots: make([]slot, 1<<size), shift: 64 - size}
}

func key(left, right int32) uint64 { return uint64(uint32(left))<<32 | uint64(uint32(right)) + 1 }

func (t *table) put(m Merge, v uint64) {
	k := key(m.Left, m.Right)
	for i := t.home(k); ; i = (i + 1) & (len(t.slots) - 1) {
		if s := &t.slots[i]; s.key == 0 || s.key == k {
			*s = slot{k, v}
			return
		}
	}
}

// home is the first slot of a key. Knuth's multiplicative hash, with the golden ratio.
func (t *table) home(k uint64) int { return int(k * 0x9e3779b97f4a7c15 >> t.shift) }

func (t *table) get(left, right int32) uint64 {
	k := key(left, right)
	for i := t.home(k); ; i = (i + 1) & (len(t.slots) - 1) {
		switch s := &t.slots[i]; s.key {
		case k:
			return s.value
		case 0:
			return noMerge
		}
	}
}

var seed = maphash.MakeSeed()

// wholes finds tokens by their bytes, where the vocabulary has them in the byte-level alphabet.
type wholes struct {
	slots []int32 // ids, none in an empty slot
	bytes []string
	shift int
}

func newWholes(v *vocab.Vocab) wholes {
	size := max(1, bits.Len(uint(2*len(v.Tokens))))
	w := wholes{slots: make([]int32, 1<<size), bytes: make([]string, len(v.Tokens)), shift: 64 - size}
	for i := range w.slots {
		w.slots[i] = none
	}
	byteOf := map[rune]byte{}
	for b, r := range normalize.Alphabet {
		byteOf[r] = byte(b)
	}
	var arena strings.Builder
	ends := make([]int, len(v.Tokens))
	for id, token := range v.Tokens {
		from := arena.Len()
		for _, r := range token {
			b, ok := byteOf[r]
			if !ok {
				from = -1
				break
			}
			arena.WriteByte(b)
		}
		if ends[id] = arena.Len(); from < 0 {
			ends[id] = -arena.Len()
		}
	}
	all, from := arena.String(), 0
	for id, end := range ends {
		if end > 0 && v.Tokens[id] != "" {
			w.bytes[id] = all[from:end]
			w.put(int32(id))
		}
		from = max(end, -end)
	}
	return w
}

func (w *wholes) put(id int32) {
	for i := w.home(w.bytes[id]); ; i = (i + 1) & (len(w.slots) - 1) {
		if w.slots[i] == none {
			w.slots[i] = id
			return
		}
	}
}

func (w *wholes) home(s string) int { return int(maphash.String(seed, s) >> w.shift) }

func (w *wholes) find(s string) (int32, bool) {
	for i := w.home(s); ; i = (i + 1) & (len(w.slots) - 1) {
		id := w.slots[i]
		if id == none {
			return none, false
		}
		if w.bytes[id] == s {
			return id, true
		}
	}
}

// Pairs returns the merges in the order of their ranks.
func (m *Model) Pairs() []Merge {
	ranked := make([]slot, 0, m.count)
	for _, s := range m.merges.slots {
		if s.key != 0 {
			ranked = append(ranked, s)
		}
	}
	slices.SortFunc(ranked, func(a, b slot) int { return cmp.Compare(a.value, b.value) })
	pairs := make([]Merge, len(ranked))
	for i, s := range ranked {
		pairs[i] = Merge{int32((s.key - 1) >> 32), int32(uint32(s.key - 1))}
	}
	return pairs
}
