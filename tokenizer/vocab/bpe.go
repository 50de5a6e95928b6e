package vocab

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// bpe learns merges. The rules are those of the library's BpeTrainer, so that the same counts give the same merges: the pair with the
// largest count first, and of equal counts the pair with the smallest ids.
//
// The words lie one behind the other as linked lists of symbols, and each pair has the list of its places. A merge visits the places of
// its pair alone. It removes a symbol at each and makes at most two new places, so that all merges together are linear in the symbols,
// even in one word of many megabytes. The queue adds a logarithm.
type bpe struct {
	config  Config
	names   []string         // by id, in the characters of the byte-level alphabet
	ids     map[string]int32 // of names
	merges  []merge
	symbols []symbol
	counts  []int64 // by word
	pairs   []pair
	index   map[[2]int32]int32 // of pairs
	places  [][]int32          // the first symbols of a pair, ascending in each word; nil once merged
	queue   queue
	fresh   []int32 // indices of the pairs that the merge at work makes places of
}

// symbol is a token in a word. A symbol that was merged into the one on its left has the id none.
type symbol struct {
	id         int32
	prev, next int32 // in the same word; none at its ends
	word       int32
}

const none = -1

// pair is two ids that occurred side by side.
type pair struct {
	ids    [2]int32
	count  int64 // never lowered by its own merge, as in the library; see [bpe.join]
	places int32 // index of the places that the merge at work makes, or none
}

// merge joins two tokens.
type merge struct{ left, right, joined int32 }

// trainBPE learns a vocabulary of bytes and merges.
func trainBPE(ctx context.Context, counts *Counts, c Config) (*Vocabulary, error) {
	b := &bpe{config: c, ids: map[string]int32{}, index: map[[2]int32]int32{}}
	for _, s := range c.specials() {
		b.token(s.Token)
	}
	alphabet := b.alphabet()
	if err := b.load(&counts.table, alphabet); err != nil {
		return nil, err
	}
	b.findPairs()
	least := max(c.MinCount, 1)
	first := len(b.names)
	for done := 0; len(b.names) < c.Size; done++ {
		if done%256 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if c.Progress != nil {
				c.Progress(Learning, int64(len(b.names)-first), int64(c.Size-first))
			}
		}
		if !b.step(least) {
			break
		}
	}
	return b.vocabulary(least), nil
}

// token returns the id of a name, which is added if it is new.
func (b *bpe) token(name string) int32 {
	id, ok := b.ids[name]
	if !ok {
		id = int32(len(b.names))
		b.names = append(b.names, name)
		b.ids[name] = id
	}
	return id
}

// alphabet adds the bytes in the order of their characters, and returns their ids.
func (b *bpe) alphabet() (ids [256]int32) {
	names := byteNames()
	sorted := slices.Clone(names[:])
	slices.Sort(sorted)
	for _, name := range sorted {
		b.token(name)
	}
	for i, name := range names {
		ids[i] = b.ids[name]
	}
	return ids
}

// byteNames are the characters of the byte-level alphabet: a printable byte of Latin-1 is itself, and the others are the characters from
// 256 on (Radford et al. 2019, bytes_to_unicode of GPT-2's encoder).
func byteNames() (names [256]string) {
	next := rune(256)
	for i := range names {
		if i >= '!' && i <= '~' || i >= 0xa1 && i <= 0xac || i >= 0xae {
			names[i] = string(rune(i))
			continue
		}
		names[i] = string(next)
		next++
	}
	return names
}

// load makes symbols of the words. A word of one byte has no pair.
func (b *bpe) load(t *table, alphabet [256]int32) error {
	total := 0
	for i := range t.words {
		total += int(t.words[i].size)
	}
	if total > math.MaxInt32 {
		return fmt.Errorf("vocab: the %d different words have %d bytes; expected at most %d: name fewer files",
			len(t.words), total, math.MaxInt32)
	}
	b.symbols = make([]symbol, 0, total)
	for i := range t.words {
		text := t.of(&t.words[i])
		if len(text) < 2 {
			continue
		}
		first := int32(len(b.symbols))
		for j, c := range text {
			at := first + int32(j)
			b.symbols = append(b.symbols, symbol{alphabet[c], at - 1, at + 1, int32(len(b.counts))})
		}
		b.symbols[first].prev, b.symbols[len(b.symbols)-1].next = none, none
		b.counts = append(b.counts, t.words[i].count)
	}
	return nil
}

// findPairs counts the pairs of the given words, and lists their places.
func (b *bpe) findPairs() {
	var sizes []int
	for i := range b.symbols {
		if s := &b.symbols[i]; s.next != none {
			p := b.pair(s.id, b.symbols[s.next].id)
			if int(p) == len(sizes) {
				sizes = append(sizes, 0)
			}
			sizes[p]++
			b.pairs[p].count += b.counts[s.word]
		}
	}
	b.places = make([][]int32, len(b.pairs))
	for p, n := range sizes {
		b.places[p] = make([]int32, 0, n)
	}
	for i := range b.symbols {
		if s := &b.symbols[i]; s.next != none {
			p := b.pair(s.id, b.symbols[s.next].id)
			b.places[p] = append(b.places[p], int32(i))
		}
	}
	for p := range b.pairs {
		b.queue.push(candidate{b.pairs[p].count, b.pairs[p].ids, int32(p), int32(p)})
	}
}

// pair returns the index of a pair, which is added if it is new.
func (b *bpe) pair(left, right int32) int32 {
	p, ok := b.index[[2]int32{left, right}]
	if !ok {
		p = int32(len(b.pairs))
		b.pairs = append(b.pairs, pair{[2]int32{left, right}, 0, none})
		b.index[[2]int32{left, right}] = p
	}
	return p
}

// step makes the next merge. It is false where no pair has the least count.
func (b *bpe) step(least int64) bool {
	for {
		top, ok := b.queue.pop()
		if !ok {
			return false
		}
		if now := b.pairs[top.pair].count; now != top.count {
			top.count = now
			b.queue.push(top)
			continue
		}
		if top.count < least {
			return false
		}
		left, right := top.ids[0], top.ids[1]
		m := merge{left, right, b.token(b.names[left] + b.names[right])}
		b.merges = append(b.merges, m)
		for _, at := range b.places[top.places] {
			b.join(m, at)
		}
		b.places[top.places] = nil
		b.queueFresh()
		return true
	}
}

// join merges the pair at a place, if it still is there. The count of the pair itself stays, which only matters where the pair occurs
// again: the library counts so.
func (b *bpe) join(m merge, at int32) {
	s := &b.symbols[at]
	if s.id != m.left || s.next == none || b.symbols[s.next].id != m.right {
		return
	}
	removed := &b.symbols[s.next]
	n := b.counts[s.word]
	if s.prev != none {
		before := b.symbols[s.prev].id
		b.pairs[b.pair(before, m.left)].count -= n
		b.occurs(before, m.joined, n, s.prev)
	}
	s.id, s.next = m.joined, removed.next
	removed.id = none
	if s.next != none {
		after := &b.symbols[s.next]
		after.prev = at
		b.pairs[b.pair(m.right, after.id)].count -= n
		b.occurs(m.joined, after.id, n, at)
	}
}

// occurs notes a new place of a pair.
func (b *bpe) occurs(left, right int32, n int64, at int32) {
	p := b.pair(left, right)
	b.pairs[p].count += n
	if b.pairs[p].places == none {
		b.pairs[p].places = int32(len(b.places))
		b.places = append(b.places, nil)
		b.fresh = append(b.fresh, p)
	}
	made := b.pairs[p].places
	b.places[made] = append(b.places[made], at)
}

// queueFresh makes candidates of the places that a merge has made.
func (b *bpe) queueFresh() {
	for _, p := range b.fresh {
		made := &b.pairs[p]
		if made.count > 0 {
			b.queue.push(candidate{made.count, made.ids, p, made.places})
		}
		made.places = none
	}
	b.fresh = b.fresh[:0]
}

// vocabulary is what was learned.
func (b *bpe) vocabulary(least int64) *Vocabulary {
	v := &Vocabulary{config: b.config, merges: b.merges}
	for _, name := range b.names {
		v.tokens = append(v.tokens, Token{Name: name})
	}
	if len(b.names) < b.config.Size {
		v.notes = append(v.notes, fmt.Sprintf("the vocabulary has %d tokens, not %d: no pair is left with a count of %d or more",
			len(b.names), b.config.Size, least))
	}
	return v
}
