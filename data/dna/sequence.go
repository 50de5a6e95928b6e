package dna

import (
	"encoding/binary"
	"fmt"
	"hash"
	"slices"
	"sort"
)

// Sequence is a sequence of bases in memory, two bits each. N and lower case are kept as runs. Any span of either
// strand can be read in time proportional to its length.
//
// A Sequence that is no longer appended to is safe for concurrent use.
type Sequence struct {
	Name        string
	Description string // what follows the name in a file's header

	n       int
	shared  bool   // packed belongs to someone else, and is copied before it is written to
	packed  []byte // base i in bits 2·(i mod 4) of byte i/4; A where the base is N
	unknown []Span // N
	masked  []Span // lower case
}

// Span is the bases Start … End−1 of a sequence, counted from 0.
type Span struct{ Start, End int }

// Len is the number of bases of s.
func (s Span) Len() int { return s.End - s.Start }

// Unpack returns a sequence of n bases without N over memory that is already packed: base i in bits
// 2·(i mod 4) of byte i/4. The sequence reads packed as long as it lives, and never writes to it.
func Unpack(name, description string, packed []byte, n int) (*Sequence, error) {
	if n < 0 || len(packed) != (n+3)/4 {
		return nil, fmt.Errorf("dna: %d packed bytes cannot be %d bases at four a byte", len(packed), n)
	}
	return &Sequence{Name: name, Description: description, n: n, packed: packed, shared: true}, nil
}

// Append adds bases at the end.
func (s *Sequence) Append(bases []Base) {
	if s.shared {
		s.packed, s.shared = slices.Clone(s.packed), false
	}
	for len(bases) > 0 {
		// Four upper-case bases that are known fill a byte.
		if s.n&3 == 0 && len(bases) >= 4 && bases[0]|bases[1]|bases[2]|bases[3] < N {
			s.packed = append(s.packed, byte(bases[0]|bases[1]<<2|bases[2]<<4|bases[3]<<6))
			s.n, bases = s.n+4, bases[4:]
			continue
		}
		s.appendOne(bases[0])
		bases = bases[1:]
	}
}

func (s *Sequence) appendOne(b Base) {
	if s.n&3 == 0 {
		s.packed = append(s.packed, 0)
	}
	code := b.Code()
	if code >= N {
		s.unknown = extend(s.unknown, s.n)
		code = A
	}
	if b.Masked() {
		s.masked = extend(s.masked, s.n)
	}
	s.packed[s.n>>2] |= byte(code) << (2 * (s.n & 3))
	s.n++
}

func extend(runs []Span, i int) []Span {
	if last := len(runs) - 1; last >= 0 && runs[last].End == i {
		runs[last].End++
		return runs
	}
	return append(runs, Span{i, i + 1})
}

// Len is the number of bases.
func (s *Sequence) Len() int { return s.n }

// Packed is the bases at two bits each: base i in bits 2·(i mod 4) of byte i/4, A where it is N. It is a view.
func (s *Sequence) Packed() []byte { return s.packed }

// Bytes is the memory that the bases take.
func (s *Sequence) Bytes() int { return len(s.packed) + 16*(len(s.unknown)+len(s.masked)) }

// Strand is a strand of a sequence.
type Strand bool

// The strands. Reverse is the complement, read in its own direction.
const (
	Forward Strand = false
	Reverse Strand = true
)

// Tokens fills dst with the tokens of bases start … start+len(dst)−1 of a strand. It panics if the span is not within s.
func (s *Sequence) Tokens(dst []int32, start int, strand Strand) {
	end := s.within(start, len(dst))
	for i := range dst {
		at := start + i
		dst[i] = int32(s.packed[at>>2] >> (2 * (at & 3)) & 3)
	}
	for r := range overlapping(s.unknown, start, end) {
		for i := r.Start; i < r.End; i++ {
			dst[i-start] = int32(N)
		}
	}
	if strand == Reverse {
		for i, j := 0, len(dst)-1; i <= j; i, j = i+1, j-1 {
			dst[i], dst[j] = complement(dst[j]), complement(dst[i])
		}
	}
}

// chunkBases are enough bases at a time to hide the cost of a call.
const chunkBases = 1 << 16

// EachChunk calls use with the tokens of a span of a strand, in the order that the strand is read, up to 65,536 at a time. They are valid
// until use returns. It panics if the span is not within s.
func (s *Sequence) EachChunk(span Span, strand Strand, use func(tokens []int32)) {
	tokens := make([]int32, min(chunkBases, span.Len()))
	for done := 0; done < span.Len(); done += chunkBases {
		part := tokens[:min(chunkBases, span.Len()-done)]
		at := span.Start + done
		if strand == Reverse {
			at = span.End - done - len(part)
		}
		s.Tokens(part, at, strand)
		use(part)
	}
}

// Bases fills dst with bases start … start+len(dst)−1 with their case. It panics if they are not within s.
func (s *Sequence) Bases(dst []Base, start int) {
	end := s.within(start, len(dst))
	for i := range dst {
		at := start + i
		dst[i] = Base(s.packed[at>>2] >> (2 * (at & 3)) & 3)
	}
	for r := range overlapping(s.unknown, start, end) {
		for i := r.Start; i < r.End; i++ {
			dst[i-start] = N
		}
	}
	for r := range overlapping(s.masked, start, end) {
		for i := r.Start; i < r.End; i++ {
			dst[i-start] |= SoftMask
		}
	}
}

// String returns bases start … end−1 as letters.
func (s *Sequence) String(start, end int) string {
	bases := make([]Base, end-start)
	s.Bases(bases, start)
	letters := make([]byte, len(bases))
	for i, b := range bases {
		letters[i] = b.Letter()
	}
	return string(letters)
}

// Unknown is how many of the bases start … end−1 are N.
func (s *Sequence) Unknown(start, end int) int { return covered(s.unknown, start, end) }

// Contigs returns the parts of bases start … end−1 between runs of at least gap N, in order.
func (s *Sequence) Contigs(start, end, gap int) []Span {
	var all []Span
	for _, r := range s.unknown {
		if r.Len() < gap || r.End <= start || r.Start >= end {
			continue
		}
		if r.Start > start {
			all = append(all, Span{start, r.Start})
		}
		start = r.End
	}
	if end > start {
		all = append(all, Span{start, end})
	}
	return all
}

// Masked is how many of the bases start … end−1 were written in lower case.
func (s *Sequence) Masked(start, end int) int { return covered(s.masked, start, end) }

// Hash writes the bases to h: their number, the runs of N, and the packed bases. Names and case are left out.
func (s *Sequence) Hash(h hash.Hash) {
	numbers := binary.LittleEndian.AppendUint64(nil, uint64(s.n))
	numbers = binary.LittleEndian.AppendUint64(numbers, uint64(len(s.unknown)))
	for _, r := range s.unknown {
		numbers = binary.LittleEndian.AppendUint64(numbers, uint64(r.Start))
		numbers = binary.LittleEndian.AppendUint64(numbers, uint64(r.End))
	}
	h.Write(numbers)
	h.Write(s.packed)
}

func (s *Sequence) within(start, n int) (end int) {
	if start < 0 || start+n > s.n {
		panic("dna: a span outside the sequence")
	}
	return start + n
}

func complement(token int32) int32 { return int32(Base(token).Complement()) }

// overlapping yields the parts of sorted runs that lie in start … end−1.
func overlapping(runs []Span, start, end int) func(yield func(Span) bool) {
	return func(yield func(Span) bool) {
		first := sort.Search(len(runs), func(i int) bool { return runs[i].End > start })
		for _, r := range runs[first:] {
			if r.Start >= end || !yield(Span{max(r.Start, start), min(r.End, end)}) {
				return
			}
		}
	}
}

func covered(runs []Span, start, end int) int {
	n := 0
	for r := range overlapping(runs, start, end) {
		n += r.End - r.Start
	}
	return n
}
