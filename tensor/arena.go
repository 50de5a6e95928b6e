package tensor

import (
	"slices"
	"unsafe"
)

// arena cuts slabs of memory into blocks. Blocks are taken where they first fit, from the lowest address, and join their free
// neighbours when they come back: the buffers of a training step, which come and go in the same order each step and in
// many sizes, then lie close together at the low end, where free lists by size would hold the most of each size.
//
// Slabs are larger than what is asked for. That costs address space and no memory, since the system gives a page only
// when it is first written to.
type arena struct {
	slabs []*slab
	out   map[unsafe.Pointer]block
}

// slab is one piece of memory. Free spans are ascending and do not touch.
type slab struct {
	mem    []float32
	free   []span
	high   int  // end of the highest block ever taken: what lies past it was never written to
	mapped bool // outside of the Go heap
}

// span is words lo … hi−1 of a slab, a word being a float32.
type span struct{ lo, hi int }

// block is a span that is handed out.
type block struct {
	slab *slab
	span
}

// blockWords is what blocks are rounded up to: a cache line, so that no two matrices share one and rows of vectors begin aligned.
const blockWords = 16

// slabWords is the least size of a slab, 256 KiB: small pools stay small.
const slabWords = 1 << 16

func (a *arena) take32(n int) []float32 {
	if n == 0 {
		return []float32{}
	}
	b := a.take(n)
	return b.slab.mem[b.lo : b.lo+n : b.lo+n]
}

func (a *arena) take16(n int) []uint16 {
	if n == 0 {
		return []uint16{}
	}
	b := a.take((n + 1) / 2)
	return unsafe.Slice((*uint16)(unsafe.Pointer(&b.slab.mem[b.lo])), n)
}

func address32(x []float32) unsafe.Pointer { return unsafe.Pointer(&x[0]) }
func address16(x []uint16) unsafe.Pointer  { return unsafe.Pointer(&x[0]) }

// take finds room for n words, in a new slab if there is none.
func (a *arena) take(n int) block {
	n = (n + blockWords - 1) / blockWords * blockWords
	for _, s := range a.slabs {
		for i, f := range s.free {
			if f.hi-f.lo >= n {
				return a.cut(s, i, n)
			}
		}
	}
	// Half as much again as there is: the number of slabs grows with the logarithm of the memory.
	return a.cut(a.grow(max(n, slabWords, a.words()/2)), 0, n)
}

// grow adds a slab of at least n words.
func (a *arena) grow(n int) *slab {
	n = (n + blockWords - 1) / blockWords * blockWords
	return a.add(&slab{mem: make([]float32, n), free: []span{{0, n}}})
}

// reserve adds a slab of at least n words that lies outside of the Go heap where the system has such memory.
func (a *arena) reserve(n int) {
	n = (n + blockWords - 1) / blockWords * blockWords
	if mem := mapWords(n); mem != nil {
		a.add(&slab{mem: mem, free: []span{{0, n}}, mapped: true})
		return
	}
	a.grow(n)
}

func (a *arena) add(s *slab) *slab {
	a.slabs = append(a.slabs, s)
	return s
}

// cut hands out the first n words of free span i.
func (a *arena) cut(s *slab, i, n int) block {
	f := &s.free[i]
	b := block{s, span{f.lo, f.lo + n}}
	f.lo += n
	if f.lo == f.hi {
		s.free = slices.Delete(s.free, i, i+1)
	}
	s.high = max(s.high, b.hi)
	if a.out == nil {
		a.out = map[unsafe.Pointer]block{}
	}
	a.out[unsafe.Pointer(&s.mem[b.lo])] = b
	return b
}

// give takes back the block at an address.
func (a *arena) give(at unsafe.Pointer) {
	b, ok := a.out[at]
	if !ok {
		panic("tensor: a matrix came back to a pool that has not handed it out, or not since it came back last")
	}
	delete(a.out, at)
	s := b.slab
	i, _ := slices.BinarySearchFunc(s.free, b.lo, func(f span, lo int) int { return f.lo - lo })
	before := i > 0 && s.free[i-1].hi == b.lo
	after := i < len(s.free) && s.free[i].lo == b.hi
	switch {
	case before && after:
		s.free[i-1].hi = s.free[i].hi
		s.free = slices.Delete(s.free, i, i+1)
	case before:
		s.free[i-1].hi = b.hi
	case after:
		s.free[i].lo = b.lo
	default:
		s.free = slices.Insert(s.free, i, b.span)
	}
}

// words is the size of all slabs.
func (a *arena) words() int {
	n := 0
	for _, s := range a.slabs {
		n += len(s.mem)
	}
	return n
}

// touched is the bytes of all slabs up to where blocks were ever taken.
func (a *arena) touched() int64 {
	n := int64(0)
	for _, s := range a.slabs {
		n += 4 * int64(s.high)
	}
	return n
}

// trim drops slabs that are free from end to end.
func (a *arena) trim() {
	a.slabs = slices.DeleteFunc(a.slabs, func(s *slab) bool {
		whole := len(s.free) == 1 && s.free[0] == span{0, len(s.mem)}
		if whole && s.mapped {
			unmapWords(s.mem)
		}
		return whole
	})
}
