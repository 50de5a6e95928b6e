package genome

import (
	"slices"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
)

func TestTagsOfBothStrands(t *testing.T) {
	a := NewAnnotation([]Gene{{Start: 1, End: 9, Kind: "CDS"}, {Start: 2, End: 3, Kind: "CDS", Reverse: true},
		{Start: 8, End: 11, Kind: "CDS", Reverse: true}, {Start: 12, End: 13, Kind: "tRNA"}, {Start: 13, End: 14, Kind: "pseudo"}})
	want := []int32{0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 0, 3, data.Ignore, 0}
	for start := range want {
		for end := start; end <= len(want); end++ {
			got := make([]int32, end-start)
			a.Tags(got, dna.Span{Start: start, End: end}, dna.Forward)
			if !slices.Equal(got, want[start:end]) {
				t.Fatalf("%d … %d has the tags %v, want %v", start, end, got, want[start:end])
			}
			a.Tags(got, dna.Span{Start: start, End: end}, dna.Reverse)
			slices.Reverse(got)
			for i, tag := range got {
				swapped := want[start+i]
				if swapped == TagForward || swapped == TagReverse {
					swapped = TagForward + TagReverse - swapped
				}
				if tag != swapped {
					t.Fatalf("base %d has the tag %d on the other strand, want %d", start+i, tag, swapped)
				}
			}
		}
	}
}

// Windows of both strands of E. coli: what is coding begins, on its own strand, with a start codon.
func TestTaggedWindows(t *testing.T) {
	s := EColi()
	w, err := NewTaggedWindows([]*dna.Sequence{s}, []*Annotation{NewAnnotation(EColiGenes())},
		WindowConfig{Tokens: 4096, BothStrands: true, Move: true, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	var b data.Batch
	starts, ntg := 0, 0
	for i := range 60 {
		if err := w.Append(&b, 0, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Check(dna.Vocab); err != nil {
		t.Fatal(err)
	}
	for i := range b.Sequences() {
		tokens, tags := b.Sequence(i)
		for at := 1; at+2 < len(tags); at++ {
			if tags[at-1] == TagBetween && tags[at] == TagForward {
				starts++
				if tokens[at+1] == int32(dna.T) && tokens[at+2] == int32(dna.G) {
					ntg++
				}
			}
		}
	}
	if starts < 30 || ntg < starts*95/100 {
		t.Errorf("%d of %d genes begin with a start codon", ntg, starts)
	}
}
