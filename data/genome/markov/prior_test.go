package markov

import (
	"math"
	"testing"

	"github.com/longspan/longspan/data/dna"
)

// What was counted says what follows the bases of a span on either strand, without the base itself where it was counted.
func TestPriorEqualsNaiveCounts(t *testing.T) {
	for _, order := range []int{0, 1, 2, 13} {
		s, other := sequenceOf(1, 400), sequenceOf(2, 300)
		pieces := []Piece{{s, dna.Span{Start: 10, End: 180}}, {s, dna.Span{Start: 220, End: 400}}, {other, dna.Span{Start: 0, End: 300}}}
		p, err := NewPrior(pieces, order)
		if err != nil {
			t.Fatal(err)
		}
		for _, strand := range []dna.Strand{dna.Forward, dna.Reverse} {
			got := p.Append(nil, s, dna.Span{Start: 0, End: s.Len()}, strand)
			for i := 0; i < s.Len(); i += 7 { // a few dozen rows: the naive counts are slow
				want := p.naive(s, i, strand)
				for b, q := range got[i*dna.Vocab : i*dna.Vocab+4] {
					if math.Abs(math.Exp(float64(q))-want[b]) > 1e-6 {
						t.Fatalf("order %d, reverse %v, row %d: base %d has the probability %g, want %g", order, strand, i, b, math.Exp(float64(q)), want[b])
					}
				}
			}
			// A part of a span has the same numbers.
			part := dna.Span{Start: 100, End: 150}
			from := part.Start
			if strand == dna.Reverse {
				from = s.Len() - part.End
			}
			for i, q := range p.Append(nil, s, part, strand) {
				if want := got[from*dna.Vocab+i]; q != want {
					t.Fatalf("order %d, reverse %v: number %d of a part is %g, in the whole it is %g", order, strand, i, q, want)
				}
			}
		}
	}
}

// naive is the probabilities of the base after row i of a strand of s, by counts of letters.
func (p *Prior) naive(s *dna.Sequence, i int, strand dna.Strand) [4]float64 {
	order := p.model.config.Order
	text, at, step := s.String(0, s.Len()), i+1, 1
	if strand == dna.Reverse {
		text, at, step = otherStrand(text), s.Len()-2-i, -1
	}
	known := 0
	for known < order && known <= i && text[i-known] != 'N' {
		known++
	}
	context := text[i+1-known : i+1]
	var r row
	for _, piece := range p.model.pieces {
		forward := piece.Sequence.String(piece.Span.Start, piece.Span.End)
		for way, letters := range []string{forward, otherStrand(forward)} {
			for j := range known + 1 {
				c := countNaively([]string{letters}, j, order)[context[known-j:]]
				for b := range c {
					r[j][b] += c[b]
				}
			}
			inside := at-order >= piece.Span.Start && at < piece.Span.End
			if step < 0 {
				inside = at >= piece.Span.Start && at+order < piece.Span.End
			}
			if piece.Sequence == s && (way == 1) == (strand == dna.Reverse) && inside && known == order && i+1 < len(text) {
				if base, _ := dna.Parse(text[i+1]); base < dna.N {
					r.takeOut(int(base), order)
				}
			}
		}
	}
	var by byOrder
	p.model.smooth.predict(&by, &r, known)
	return by[known]
}
