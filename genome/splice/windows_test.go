package splice

import (
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/annotation"
	"github.com/longspan/longspan/data/dna"
)

// Without Move each base of a gene has its target once, whatever the window.
func TestWindowsHaveEachTargetOnce(t *testing.T) {
	s, transcripts := made(t, 4)
	genes := genesOf(t, s, transcripts...)
	for _, tokens := range []int{50, 600, 601, 4000} {
		w, err := NewWindows(genes, WindowConfig{Tokens: tokens})
		if err != nil {
			t.Fatal(err)
		}
		got := map[*Gene][]int32{}
		for _, g := range genes {
			got[g] = slices.Repeat([]int32{data.Ignore}, g.Len())
		}
		for i := range w.Len() {
			var b data.Batch
			if err := w.Append(&b, 3, i); err != nil {
				t.Fatal(err)
			}
			if err := b.Check(dna.Vocab); err != nil {
				t.Fatal(err)
			}
			at := w.Place(3, i)
			want := make([]int32, at.Read.Len())
			at.Gene.Tokens(want, at.Read.Start)
			if !slices.Equal(b.Tokens, want) || len(b.Tokens) != min(tokens, s.Len()) {
				t.Fatalf("windows of %d: window %d has %d other tokens", tokens, i, len(b.Tokens))
			}
			for j, target := range b.Targets {
				if target == data.Ignore {
					continue
				}
				if p := &got[at.Gene][at.Read.Start+j]; *p == data.Ignore {
					*p = target
				} else {
					t.Fatalf("windows of %d: base %d of %s has two targets", tokens, at.Read.Start+j, at.Gene.Name)
				}
			}
		}
		for _, g := range genes {
			want := make([]int32, g.Len())
			g.Targets(want, 0)
			if !slices.Equal(got[g], want) {
				t.Errorf("windows of %d: other targets of %s", tokens, g.Name)
			}
		}
	}
}

// Windows of a training move from epoch to epoch, hold every site, and read the Bounds alone.
func TestWindowsMove(t *testing.T) {
	s, transcripts := made(t, 4)
	genes := genesOf(t, s, transcripts...)
	for _, g := range genes {
		g.Bounds = dna.Span{Start: g.Span.Start - 60, End: g.Span.End + 30}
	}
	for _, c := range []WindowConfig{{Tokens: 100, Near: 20, Move: true}, {Tokens: 30, Near: 20, Move: true, Seed: 1},
		{Tokens: 250, Move: true}} {
		w, err := NewWindows(genes, c)
		if err != nil {
			t.Fatal(err)
		}
		starts := map[int]bool{}
		for epoch := range 5 {
			sites := 0
			for i := range w.Len() {
				var b, again data.Batch
				if err := w.Append(&b, epoch, i); err != nil {
					t.Fatal(err)
				}
				if err := w.Append(&again, epoch, i); err != nil || !slices.Equal(b.Tokens, again.Tokens) {
					t.Fatal("an epoch has other windows the second time", err)
				}
				at := w.Place(epoch, i)
				starts[at.Read.Start] = true
				if span := at.Gene.span(at.Read.Start, at.Read.End); span.Start < at.Gene.Bounds.Start || span.End > at.Gene.Bounds.End {
					t.Fatalf("%+v: %v is outside of the bounds %v", c, span, at.Gene.Bounds)
				}
				for _, target := range b.Targets {
					if target == Donor || target == Acceptor {
						sites++
					}
				}
			}
			if c.Tokens == 100 && sites < 16 { // windows that are longer than a piece hold all of it
				t.Errorf("%+v: epoch %d has %d sites, want at least 16", c, epoch, sites)
			}
		}
		if len(starts) < w.Len() {
			t.Errorf("%+v: 5 epochs of %d windows begin at %d places", c, w.Len(), len(starts))
		}
	}
}

func TestWindowsAreChecked(t *testing.T) {
	s, transcripts := made(t, 1)
	genes := genesOf(t, s, transcripts...)
	for want, c := range map[string]WindowConfig{"windows of 1 bases": {Tokens: 1}, "-1 bases around": {Tokens: 9, Near: -1}} {
		if _, err := NewWindows(genes, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found %v, want %s", err, want)
		}
	}
	genes[0].Donors, genes[0].Acceptors = nil, nil
	if _, err := NewWindows(genes, WindowConfig{Tokens: 9, Near: 5}); err == nil || !strings.Contains(err.Error(), "no bases to learn from") {
		t.Errorf("found %v", err)
	}
	w, err := NewWindows(genes, WindowConfig{Tokens: 9})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(&data.Batch{}, 0, w.Len()); err == nil {
		t.Error("a window behind the last is given")
	}
}

// Genes of the test lie within a region by the margin. Training shares no base with a gene of another part.
func TestSplitGenes(t *testing.T) {
	s := sequenceOf(t, strings.Repeat("ACGT", 250))
	at := func(name string, start, end int) annotation.Transcript {
		return annotation.Transcript{Gene: name, Contig: "1", Span: dna.Span{Start: start, End: end}, Exons: exons(start, end)}
	}
	genes := genesOf(t, s, at("a", 10, 50), at("b", 60, 100), at("c", 95, 140), at("edge", 190, 250), at("margin", 205, 260),
		at("test", 300, 350), at("behind", 450, 500), at("d", 510, 600))
	split, err := SplitGenes(genes, SplitConfig{HoldOut: map[*dna.Sequence][]dna.Span{s: {{Start: 200, End: 400}}}, Margin: 10, Validation: 4})
	if err != nil {
		t.Fatal(err)
	}
	names := func(genes []*Gene) (text string) {
		for _, g := range genes {
			text += g.Name + " "
		}
		return text
	}
	if names(split.Train) != "a behind d " || names(split.Validation) != "c " || names(split.Test) != "test " || split.NearTest != 2 ||
		split.NearValidation != 1 {
		t.Errorf("found %s, %s, %s, %+v", names(split.Train), names(split.Validation), names(split.Test), split)
	}
}
