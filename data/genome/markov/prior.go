package markov

import (
	"math"

	"github.com/longspan/longspan/data/dna"
)

// Prior predicts the bases of genomes by what was counted in some of their pieces, for a model that learns from the same pieces: each base
// that was counted has its own count taken out. With it, a model would see that every base has come after its context, and copy that.
type Prior struct {
	model   *Model
	counted map[*dna.Sequence][]dna.Span
}

// NewPrior counts both strands of pieces to contexts of up to order bases, and blends the orders (Blend). Cost: as Fit.
func NewPrior(pieces []Piece, order int) (*Prior, error) {
	m, err := fit(&Model{config: Config{Order: order, Smoothing: Blend}, pieces: pieces})
	if err != nil {
		return nil, err
	}
	p := &Prior{model: m, counted: map[*dna.Sequence][]dna.Span{}}
	for _, piece := range pieces {
		p.counted[piece.Sequence] = append(p.counted[piece.Sequence], piece.Span)
	}
	return p, nil
}

// Bytes is the memory of the counts.
func (p *Prior) Bytes() int64 {
	c := p.model.counts
	bytes := int64(4*len(c.begin) + 2*len(c.tails) + 4*len(c.times))
	for _, table := range c.dense {
		bytes += 4 * int64(len(table))
	}
	return bytes
}

// unknownLog is log p of N. No base is predicted to be unknown.
const unknownLog = -10

// Append adds dna.Vocab log-probabilities in nats to dst for each base of a span of a strand, in the order that the strand is read: those
// of the base that follows it. Contexts reach back beyond the span. What follows an end of the sequence, or N, is predicted as any other.
func (p *Prior) Append(dst []float32, s *dna.Sequence, span dna.Span, strand dna.Strand) []float32 {
	order := p.model.config.Order
	w := walker{order: order}
	read := span // with the context before it
	if strand == dna.Forward {
		read.Start = max(0, span.Start-max(0, order-1))
	} else {
		read.End = min(s.Len(), span.End+max(0, order-1))
	}
	tokens := make([]int32, read.Len())
	s.Tokens(tokens, read.Start, strand)
	context := read.Len() - span.Len()
	for _, base := range tokens[:context] {
		w.step(base)
	}
	at, step := span.Start+1, 1 // the base that follows
	if strand == dna.Reverse {
		at, step = span.End-2, -1
	}
	last := following(s, at+(span.Len()-1)*step, strand)
	for i, base := range tokens[context:] {
		w.step(base)
		next := last
		if context+i+1 < len(tokens) {
			next = tokens[context+i+1]
		}
		dst = p.appendOne(dst, &w, next, s, at, strand)
		at += step
	}
	return dst
}

// following is the base at a position as a strand has it; N beyond the ends.
func following(s *dna.Sequence, at int, strand dna.Strand) int32 {
	one := [1]int32{int32(dna.N)}
	if at >= 0 && at < s.Len() {
		s.Tokens(one[:], at, strand)
	}
	return one[0]
}

// appendOne adds the log-probabilities of the base at a position, which is next, after the context of w.
func (p *Prior) appendOne(dst []float32, w *walker, next int32, s *dna.Sequence, at int, strand dna.Strand) []float32 {
	var r row
	var by byOrder
	p.model.counts.lookUp(&r, w.context, w.known)
	if next < 4 && w.known == w.order && p.isCounted(s, at, strand) {
		r.takeOut(int(next), w.order)
	}
	p.model.smooth.predict(&by, &r, w.known)
	for _, q := range by[w.known] {
		dst = append(dst, float32(math.Log(q)))
	}
	return append(dst, unknownLog)
}

// isCounted reports whether the base at a position, and the context before it on the strand, lie in one counted piece.
func (p *Prior) isCounted(s *dna.Sequence, at int, strand dna.Strand) bool {
	order := p.model.config.Order
	first, last := at-order, at
	if strand == dna.Reverse {
		first, last = at, at+order
	}
	for _, span := range p.counted[s] {
		if first >= span.Start && last < span.End {
			return true
		}
	}
	return false
}

// takeOut takes one base out of the counts of the orders 0 … order.
func (r *row) takeOut(base, order int) {
	for j := range order + 1 {
		r[j][base]--
	}
}
