package vocab

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

const (
	maxSeeds = 1_000_000 // the largest number of pieces that Unigram starts from, as in SentencePiece
	maxPart  = 8 << 10   // the largest number of bytes of a word that Unigram reads at a time; a longer word is cut into parts
)

// part is a part of a word whose characters are all in the alphabet.
type part struct {
	from, size int32 // in the text of the table
	whole      bool  // the part is the word
	count      int64
}

// parts cuts the words at the characters that are not in the alphabet, and cuts long words.
func parts(t *table, alphabet map[rune]bool) (all []part, err error) {
	if len(t.text) > math.MaxInt32 {
		return nil, fmt.Errorf("the %d different words have %d bytes; expected at most %d: name fewer files",
			len(t.words), len(t.text), math.MaxInt32)
	}
	for i := range t.words {
		w := &t.words[i]
		text, begin := t.of(w), 0
		cut := func(end int) {
			if end > begin {
				all = append(all, part{int32(w.from + begin), int32(end - begin), end-begin == len(text), w.count})
			}
		}
		for at := 0; at < len(text); {
			r, size := utf8.DecodeRune(text[at:])
			switch {
			case !alphabet[r]:
				cut(at)
				begin = at + size
			case at+size-begin > maxPart:
				cut(at)
				begin = at
			}
			at += size
		}
		cut(len(text))
	}
	return all, nil
}

// characters are the characters of the words with their counts, the most frequent first.
func characters(t *table) (all []seed) {
	counts := map[rune]int64{}
	for i := range t.words {
		text := t.of(&t.words[i])
		for len(text) > 0 {
			r, size := utf8.DecodeRune(text)
			counts[r] += t.words[i].count
			text = text[size:]
		}
	}
	for r, n := range counts {
		all = append(all, seed{text: string(r), score: float64(n)})
	}
	slices.SortFunc(all, seed.compare)
	return all
}

// seed is a piece to start from. Its score is its count times its characters.
type seed struct {
	text  string
	score float64
}

func (s seed) compare(other seed) int {
	return cmp.Or(cmp.Compare(other.score, s.score), cmp.Compare(s.text, other.text))
}

// suffix is the text from a character of a part on, up to the longest piece. The keys are its first 16 bytes, big-endian, which compare
// like them: few comparisons read the text.
type suffix struct {
	keys  [2]uint64
	from  int32
	part  int32
	size  int16
	whole bool // it is a whole word
}

func (s suffix) of(text []byte) []byte { return text[s.from : s.from+int32(s.size)] }

// suffixes are the suffixes of all parts, sorted.
func suffixes(text []byte, all []part, longest int) []suffix {
	characters := 0
	for _, p := range all {
		characters += utf8.RuneCount(text[p.from : p.from+p.size])
	}
	sorted := make([]suffix, 0, characters)
	for i, p := range all {
		body := text[p.from : p.from+p.size]
		for at := 0; at < len(body); {
			_, first := utf8.DecodeRune(body[at:])
			size, n := first, 1
			for at+size < len(body) && n < longest {
				_, next := utf8.DecodeRune(body[at+size:])
				size, n = size+next, n+1
			}
			var begin [16]byte
			copy(begin[:], body[at:at+size])
			sorted = append(sorted, suffix{
				keys: [2]uint64{binary.BigEndian.Uint64(begin[:]), binary.BigEndian.Uint64(begin[8:])},
				from: p.from + int32(at), part: int32(i), size: int16(size), whole: p.whole && size == len(body),
			})
			at += first
		}
	}
	slices.SortFunc(sorted, func(a, b suffix) int {
		switch {
		case a.keys[0] != b.keys[0]:
			return cmp.Compare(a.keys[0], b.keys[0])
		case a.keys[1] != b.keys[1]:
			return cmp.Compare(a.keys[1], b.keys[1])
		case a.size <= 16 || b.size <= 16:
			return cmp.Compare(a.size, b.size)
		}
		return bytes.Compare(a.of(text), b.of(text))
	})
	return sorted
}

// branch is a node of the tree of suffixes: the text that all suffixes below it begin with.
type branch struct {
	size, characters int
	count            int64
	emits            bool // it is a whole word, or what two suffixes have in common
}

// substrings are the frequent substrings of two characters and more that cannot be made longer without a loss of count. They are the inner
// nodes of the tree of suffixes, found by a walk along the sorted suffixes and their common beginnings, and the whole words.
func substrings(text []byte, all []part, longest int, least int64) (found []seed) {
	var path []branch // from the root to the last suffix
	sorted := suffixes(text, all, longest)
	var last []byte
	leave := func(keep int) { // leaves the nodes of more than keep bytes
		for len(path) > 0 && path[len(path)-1].size > keep {
			node := path[len(path)-1]
			path = path[:len(path)-1]
			if node.emits && node.characters >= 2 && node.count >= least {
				found = append(found, seed{string(last[:node.size]), float64(node.count) * float64(node.characters)})
			}
			if len(path) == 0 || path[len(path)-1].size < keep {
				path = append(path, branch{keep, utf8.RuneCount(last[:keep]), 0, true})
			}
			path[len(path)-1].count += node.count
		}
	}
	for _, s := range sorted {
		body := s.of(text)
		leave(common(last, body))
		if len(path) > 0 {
			path[len(path)-1].emits = true // it is what the last suffix and this one have in common
		}
		if len(path) == 0 || path[len(path)-1].size < len(body) {
			path = append(path, branch{len(body), utf8.RuneCount(body), 0, false})
		}
		top := &path[len(path)-1]
		top.count += all[s.part].count
		top.emits = top.emits || s.whole
		last = body
	}
	leave(0)
	slices.SortFunc(found, seed.compare)
	return found
}

// common is the number of bytes of whole characters that two texts both begin with.
func common(a, b []byte) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	for n > 0 && (n < len(a) && !utf8.RuneStart(a[n]) || n < len(b) && !utf8.RuneStart(b[n])) {
		n--
	}
	return n
}
