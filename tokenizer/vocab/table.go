package vocab

import (
	"bytes"
	"hash/maphash"
	"slices"
)

// hashing is the seed of all tables of a process. No result depends on it: words are sorted before they are used.
var hashing = maphash.MakeSeed()

// word is a piece that no token crosses, and how often it occurs.
type word struct {
	from  int // its first byte in the text of its table
	size  int32
	hash  uint32
	count int64
}

// table counts words. It is a hash table with linear probing whose words lie one behind the other, since a million strings of their own
// would cost the garbage collector more than the counting. The zero table is ready.
type table struct {
	text  []byte
	words []word
	slots []int32 // 1 + the index of a word, 0 where free; a power of two of them, at most half full
}

// add counts a word n times.
func (t *table) add(piece []byte, n int64) {
	hash := uint32(maphash.Bytes(hashing, piece))
	if 2*len(t.words) >= len(t.slots) {
		t.grow()
	}
	mask := uint32(len(t.slots) - 1)
	at := hash & mask
	for ; t.slots[at] > 0; at = (at + 1) & mask {
		w := &t.words[t.slots[at]-1]
		if w.hash == hash && bytes.Equal(t.of(w), piece) {
			w.count += n
			return
		}
	}
	t.words = append(t.words, word{len(t.text), int32(len(piece)), hash, n})
	t.slots[at] = int32(len(t.words))
	t.text = append(t.text, piece...)
}

// of is the bytes of a word.
func (t *table) of(w *word) []byte { return t.text[w.from : w.from+int(w.size)] }

func (t *table) grow() {
	t.slots = make([]int32, max(1<<10, 2*len(t.slots)))
	mask := uint32(len(t.slots) - 1)
	for i := range t.words {
		at := t.words[i].hash & mask
		for t.slots[at] > 0 {
			at = (at + 1) & mask
		}
		t.slots[at] = int32(i + 1)
	}
}

// bytes is the memory of the table.
func (t *table) bytes() int64 {
	const sizeOfWord, sizeOfSlot = 24, 4
	return int64(cap(t.text)) + sizeOfWord*int64(cap(t.words)) + sizeOfSlot*int64(len(t.slots))
}

// merge adds the words of another table.
func (t *table) merge(other *table) {
	for i := range other.words {
		w := &other.words[i]
		t.add(other.of(w), w.count)
	}
}

// sort puts the words in the order of their bytes. No word can be added after it.
func (t *table) sort() {
	t.slots = nil
	slices.SortFunc(t.words, func(a, b word) int { return bytes.Compare(t.of(&a), t.of(&b)) })
}
