package pattern

import (
	"fmt"

	"github.com/longspan/longspan/internal/random"
)

// maxRandom bounds BigBird's random blocks: the draw of a row is sorted by insertion, in time quadratic in it.
const maxRandom = 256

type bigBird struct {
	block, window, global, random int
	seed                          uint64
}

// BigBird cuts the sequence into blocks of block tokens and lets the queries of a block see
//   - window blocks: its own and (window−1)/2 on each side (window is odd);
//   - global blocks: the first ⌈global/2⌉ blocks and the last ⌊global/2⌋, whose own queries see everything;
//   - random blocks, drawn for each block of queries without replacement from those that are neither.
//
// It is the internal construction (ITC) of Zaheer et al. 2020, arXiv:2007.14062, section 2, with 64, 3, 2 and 3 the
// usual setting. The last block may be shorter than the others and is a block like them. Where fewer blocks are left
// than random asks for, all of them are seen.
//
// The draw depends on the seed, the number of blocks and the row of the block, and on nothing else: it is the same
// on every machine. As it depends on the number of blocks, and the last block moves, the pattern of a longer
// sequence is not the pattern of a shorter one continued; BigBird is for encoders. Queries must stand on keys:
// Check refuses Offset+Tq > Tk.
//
// block is 1 to MaxTokens, window odd and 1 or more, global 0 or more, random 0 to 256. Its text form is
// "bigbird(block=64, window=3, global=2, random=3, seed=0)", where what is left out has these values.
func BigBird(block, window, global, random int, seed uint64) Pattern {
	b := bigBird{block, window, global, random, seed}
	switch {
	case !inRange(1, block):
		return refuse(b.String(), fmt.Sprintf("blocks of %d tokens", block), fmt.Sprintf("1 to %d", MaxTokens), "64 is usual")
	case !inRange(1, window) || window%2 == 0:
		return refuse(b.String(), fmt.Sprintf("a window of %d blocks", window), "an odd number, 1 or more",
			"use 3 for a block and one neighbour on each side")
	case !inRange(0, global):
		return refuse(b.String(), fmt.Sprintf("%d global blocks", global), fmt.Sprintf("0 to %d", MaxTokens), "2 is usual")
	case random < 0 || random > maxRandom:
		return refuse(b.String(), fmt.Sprintf("%d random blocks", random), fmt.Sprintf("0 to %d", maxRandom),
			"3 is usual; use full to see all")
	}
	return b
}

func (b bigBird) Check(s Shape) error {
	if err := s.Check(); err != nil {
		return err
	}
	if s.Offset+s.Tq > s.Tk {
		return fmt.Errorf("pattern: bigbird: found queries up to position %d over %d keys, expected every query to stand on a key; use "+
			"bigbird in self-attention",
			s.Offset+s.Tq-1, s.Tk)
	}
	return nil
}

func (b bigBird) String() string {
	return fmt.Sprintf("bigbird(block=%d, window=%d, global=%d, random=%d, seed=%d)",
		b.block, b.window, b.global, b.random, b.seed)
}

var bigBirdForm = form{name: "bigbird", params: []string{"block", "window", "global", "random", "seed"},
	defaults: []string{"64", "3", "2", "3", "0"},
	about:    "blocks: a window of them, global ones at both ends, and random ones",
	build: func(a arguments) Pattern {
		var seed uint64
		if a.given[4] {
			if a.named[4].negative {
				return refuse("bigbird", "a seed below 0", "0 or more", "drop its sign")
			}
			seed = a.named[4].lo
		}
		return BigBird(a.int(0, 64), a.int(1, 3), a.int(2, 2), a.int(3, 3), seed)
	}}

// sees lists the blocks that the draw may take, and takes from the list.
func (b bigBird) sees(i int, s Shape) func(int) bool {
	nb, row := (s.Tk+b.block-1)/b.block, i/b.block
	isGlobal := func(n int) bool { return n < (b.global+1)/2 || n >= nb-b.global/2 }
	seen := map[int]bool{}
	var rest []int
	for n := range nb {
		if isGlobal(row) || isGlobal(n) || abs(n-row) <= (b.window-1)/2 {
			seen[n] = true
		} else {
			rest = append(rest, n)
		}
	}
	drawn := map[int]bool{}
	r := random.NewSplitMix(b.seed, uint64(nb), uint64(row))
	for j := max(0, len(rest)-b.random); j < len(rest); j++ {
		t := r.Below(j + 1)
		if drawn[t] {
			t = j
		}
		drawn[t] = true
		seen[rest[t]] = true
	}
	return func(k int) bool { return seen[k/b.block] }
}

// Retained is everything: the blocks that a row sees change with the length.
func (b bigBird) Retained(dst []Span, n int) []Span { return appendSpan(dst, 0, n, n) }

// ReceptiveField returns an error: global blocks lie at the ends of the sequence.
func (b bigBird) ReceptiveField() (ReceptiveField, error) {
	return placed(b, "global blocks at the ends of the sequence and random ones anywhere")
}

// globals returns how many blocks at the start and at the end of nb blocks are global.
func (b bigBird) globals(nb int) (first, last int) {
	first = min((b.global+1)/2, nb)
	return first, min(b.global/2, nb-first)
}

func (b bigBird) Spans(dst []Span, q int, s Shape) []Span {
	p := s.Offset + q
	if p >= s.Tk {
		return dst
	}
	nb, row := (s.Tk+b.block-1)/b.block, p/b.block
	first, last := b.globals(nb)
	if row < first || row >= nb-last {
		return appendSpan(dst, 0, s.Tk, s.Tk)
	}
	base := len(dst)
	var sure [3]Span
	blocks := b.window3(sure[:0], row, nb)
	dst = b.draw(dst, blocks, row, nb)
	for _, block := range blocks {
		dst = insertSpan(dst, base, block)
	}
	return toTokens(dst, base, b.block, s.Tk)
}

// window3 appends the blocks that row, which is not global, sees in any draw: first globals, window, last globals.
// They ascend, since first ≤ row < nb−last, and those that touch or overlap are joined.
func (b bigBird) window3(dst []Span, row, nb int) []Span {
	first, last := b.globals(nb)
	side := b.window / 2
	for _, span := range [3]Span{{0, first}, {max(row-side, 0), min(row+side+1, nb)}, {nb - last, nb}} {
		switch n := len(dst); {
		case span.Lo == span.Hi:
		case n > 0 && span.Lo <= dst[n-1].Hi:
			dst[n-1].Hi = max(dst[n-1].Hi, span.Hi)
		default:
			dst = append(dst, span)
		}
	}
	return dst
}

// draw appends, in ascending order, the random blocks of a row as spans of one block: b.random of those outside
// sure, by Floyd's method (Bentley and Floyd 1987, Programming pearls: a sample of brilliance), which takes as many
// numbers as it draws blocks. Numbers are drawn over the blocks outside sure counted without gaps, then spread.
func (b bigBird) draw(dst, sure []Span, row, nb int) []Span {
	base, free := len(dst), nb
	for _, s := range sure {
		free -= s.Len()
	}
	r := random.NewSplitMix(b.seed, uint64(nb), uint64(row))
	for j := free - min(b.random, free); j < free; j++ {
		t := r.Below(j + 1)
		if holds(dst[base:], t) {
			t = j // not drawn yet: every earlier number is below j
		}
		dst = insertSpan(dst, base, Span{t, t + 1})
	}
	for i := range dst[base:] {
		d := &dst[base+i]
		for _, s := range sure {
			if d.Lo >= s.Lo {
				d.Lo += s.Len()
			}
		}
		d.Hi = d.Lo + 1
	}
	return dst
}

func holds(list []Span, t int) bool {
	for _, s := range list {
		if s.Lo == t {
			return true
		}
	}
	return false
}

// insertSpan puts s in its place in the list dst[base:], sorted by Lo.
func insertSpan(dst []Span, base int, s Span) []Span {
	dst = append(dst, s)
	i := len(dst) - 1
	for ; i > base && dst[i-1].Lo > s.Lo; i-- {
		dst[i] = dst[i-1]
	}
	dst[i] = s
	return dst
}

// toTokens replaces the sorted disjoint spans of blocks dst[base:] by spans of tokens, and joins those that touch.
func toTokens(dst []Span, base, block, tk int) []Span {
	n := base
	for _, s := range dst[base:] {
		lo, hi := s.Lo*block, min(s.Hi*block, tk)
		if n > base && lo == dst[n-1].Hi {
			dst[n-1].Hi = hi
		} else {
			dst[n] = Span{lo, hi}
			n++
		}
	}
	return dst[:n]
}
