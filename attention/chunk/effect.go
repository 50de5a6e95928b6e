package chunk

import (
	"fmt"

	"github.com/longspan/longspan/attention/pattern"
)

// Report describes the effect of chunks on a document that a stack of layers reads.
type Report struct {
	T       int
	Chunks  int
	Longest int   // tokens that the longest chunk reads: what memory is needed for
	Read    int64 // tokens that all chunks read: work is Read / T of the whole document's

	// Before and After are the overlap that would leave every bit as it is; pattern.Unbounded where none would.
	Before, After int

	Layers []Layer
	Differ []pattern.Span // tokens whose last result may differ from the whole document's; all others are equal to the bit
}

// Layer is what happens in one layer. It counts tokens that are kept.
type Layer struct {
	Fewer  int // tokens that see fewer keys in this layer than in the whole document
	Differ int // tokens whose result after this layer may differ: they see fewer keys, or keys that differ

	// First and Last are how many of Differ stand at the beginning and at the end of a chunk: the most of any chunk.
	First, Last int
}

// Differing is the number of tokens whose last result may differ.
func (r Report) Differing() int {
	n := 0
	for _, s := range r.Differ {
		n += s.Len()
	}
	return n
}

// Exact reports whether every result equals the whole document's, bit for bit.
func (r Report) Exact() bool { return len(r.Differ) == 0 }

// Share is the part of the tokens whose last result may differ, 0 to 1.
func (r Report) Share() float64 {
	if r.T == 0 {
		return 0
	}
	return float64(r.Differing()) / float64(r.T)
}

// String is one line: what is read, and what differs.
func (r Report) String() string {
	work := 1.0
	if r.T > 0 {
		work = float64(r.Read) / float64(r.T)
	}
	read := fmt.Sprintf("%d tokens in %d chunks of up to %d read, %.2f times the work: ", r.T, r.Chunks, r.Longest, work)
	if r.Exact() {
		return read + "the same bits as the whole"
	}
	differ := fmt.Sprintf("%d tokens (%.3g%%) at the borders may differ from the whole", r.Differing(), 100*r.Share())
	if max(r.Before, r.After) >= pattern.Unbounded {
		return read + differ + ", and no overlap would prevent it"
	}
	return read + differ + fmt.Sprintf("; an overlap of %d before and %d after would be exact", r.Before, r.After)
}

// Effect says what a stack of layers with these patterns, from the first to the last, makes of a document of T
// tokens read in these chunks. It returns an error if the chunks do not keep every token once, in order, between
// borders at multiples of Tile; if a pattern is bound to places of the document, and so would mean other keys in a
// chunk (the error says why); and if a chunk begins in the middle of a period of the patterns.
func Effect(T int, chunks []Chunk, layers ...pattern.Pattern) (Report, error) {
	if err := checkChunks(T, chunks); err != nil {
		return Report{}, err
	}
	reaches, period, err := reachOf(layers)
	if err != nil {
		return Report{}, err
	}
	r := Report{T: T, Chunks: len(chunks), Layers: make([]Layer, len(layers))}
	for _, reach := range reaches {
		r.Before = min(r.Before+reach.Before, pattern.Unbounded)
		r.After = min(r.After+reach.After, pattern.Unbounded)
	}
	for i, c := range chunks {
		if c.Start%period != 0 {
			return Report{}, fmt.Errorf("chunk: chunk %d begins at token %d, expected a multiple of %d, after which the patterns repeat; set "+
				"Options.Period",
				i+1, c.Start, period)
		}
		r.Longest = max(r.Longest, c.Len())
		r.Read += int64(c.Len())
		r.follow(c, reaches)
	}
	return r, nil
}

func checkChunks(T int, chunks []Chunk) error {
	if err := checkLength("T", T); err != nil {
		return err
	}
	kept := 0
	for i, c := range chunks {
		switch {
		case c.KeepStart != kept || c.KeepEnd <= c.KeepStart || c.KeepEnd > T:
			return fmt.Errorf("chunk: chunk %d keeps tokens %d … %d of %d, expected it to go on from %d; use Plan", i+1, c.KeepStart, c.KeepEnd-1,
				T, kept)
		case c.Start < 0 || c.Start > c.KeepStart || c.End < c.KeepEnd || c.End > T:
			return fmt.Errorf("chunk: chunk %d reads tokens %d … %d of %d, expected at least the %d … %d that it keeps; use Plan", i+1, c.Start,
				c.End-1, T, c.KeepStart, c.KeepEnd-1)
		case c.Start%Tile != 0 || (c.End%Tile != 0 && c.End != T):
			return fmt.Errorf("chunk: chunk %d reads tokens %d … %d, expected borders at multiples of %d; use Plan", i+1, c.Start, c.End-1, Tile)
		}
		kept = c.KeepEnd
	}
	if kept != T {
		return fmt.Errorf("chunk: the chunks keep %d tokens, expected %d; plan for the document's length", kept, T)
	}
	return nil
}

// follow takes one chunk through the layers. Tokens lo … hi−1 are what they are in the whole document: at first all
// that the chunk reads, and after each layer those whose keys were all among them.
func (r *Report) follow(c Chunk, reaches []pattern.ReceptiveField) {
	lo, hi := c.Start, c.End
	for i, reach := range reaches {
		layer := &r.Layers[i]
		seenLo, seenHi := inside(c.Start, c.End, reach, r.T)
		layer.Fewer += c.Kept() - c.keptOf(seenLo, seenHi)
		lo, hi = inside(lo, hi, reach, r.T)
		layer.Differ += c.Kept() - c.keptOf(lo, hi)
		layer.First = max(layer.First, min(lo, c.KeepEnd)-c.KeepStart)
		layer.Last = max(layer.Last, c.KeepEnd-max(hi, c.KeepStart))
	}
	r.differ(c.KeepStart, min(lo, c.KeepEnd))
	r.differ(max(hi, c.KeepStart), c.KeepEnd)
}

// inside returns the tokens all of whose keys lie in lo … hi−1. At the ends of the document no key is missing.
func inside(lo, hi int, reach pattern.ReceptiveField, T int) (int, int) {
	if lo > 0 {
		lo = min(lo+reach.Before, T)
	}
	if hi < T {
		hi = max(hi-reach.After, 0)
	}
	return lo, hi
}

// keptOf counts the tokens of lo … hi−1 that the chunk keeps.
func (c Chunk) keptOf(lo, hi int) int { return max(0, min(hi, c.KeepEnd)-max(lo, c.KeepStart)) }

// differ adds tokens lo … hi−1 to those that may differ. Calls come in order of lo.
func (r *Report) differ(lo, hi int) {
	if lo >= hi {
		return
	}
	if n := len(r.Differ); n > 0 && lo <= r.Differ[n-1].Hi {
		r.Differ[n-1].Hi = max(r.Differ[n-1].Hi, hi)
		return
	}
	r.Differ = append(r.Differ, pattern.Span{Lo: lo, Hi: hi})
}
