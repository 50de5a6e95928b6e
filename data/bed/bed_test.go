package bed

import (
	"fmt"
	"strings"
	"testing"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/internal/random"
)

const small = "browser position chr20\ntrack name=x\n# a comment\nchr20\t5\t9\tname\t0\t+\r\n\n" +
	"chr20 2 5\n20\t20\t30\nchrX\t1\t1\nchr20\t22\t25\n"

func TestRead(t *testing.T) {
	p, err := Read(strings.NewReader(small), "a.bed")
	if err != nil {
		t.Fatal(err)
	}
	for contig, want := range map[string]string{"NC_000020.10": "[{2 9} {20 30}]", "20": "[{2 9} {20 30}]", "X": "[]", "1": "[]"} {
		if got := fmt.Sprint(p.Of(contig)); got != want {
			t.Errorf("%s has %s, want %s", contig, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"20\t1\n":                                 "a.bed: line 1: found 2 columns, expected a contig",
		"#\n20\t9\t1\n":                           `line 2: found start "9" and end "1"`,
		"20\tx\t1\n":                              `found start "x"`,
		"20\t1\t99999999999\n":                    "expected positions from 0",
		strings.Repeat("a", 2000) + "\t1\t2":      "found a contig's name of 2000 bytes",
		"20\t1\t2\n" + strings.Repeat("a", 2<<20): "line 2 is longer than 1048576 bytes",
	} {
		if _, err := Read(strings.NewReader(text), "a.bed"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
	if _, err := Load("nowhere.bed"); err == nil || !strings.HasPrefix(err.Error(), "bed: open nowhere.bed") {
		t.Error(err)
	}
}

// The operations on spans are those on sets of positions.
func TestSpansAreSets(t *testing.T) {
	const n = 40
	r := random.NewSplitMix(1)
	draw := func() (spans []dna.Span, set [n]bool) {
		for range r.Below(6) {
			start := r.Below(n)
			s := dna.Span{Start: start, End: start + r.Below(n-start+1)}
			spans = append(spans, s)
			for i := s.Start; i < s.End; i++ {
				set[i] = true
			}
		}
		return Union(spans), set
	}
	for range 500 {
		a, inA := draw()
		b, inB := draw()
		rest := Minus(a, b)
		start := r.Below(n)
		end := start + r.Below(n-start+1)
		overlap := 0
		for i := range n {
			if Has(a, i) != inA[i] || Has(rest, i) != (inA[i] && !inB[i]) {
				t.Fatalf("%v without %v is %v: wrong at %d", a, b, rest, i)
			}
			if inA[i] && i >= start && i < end {
				overlap++
			}
		}
		if got := Overlap(a, start, end); got != overlap {
			t.Fatalf("%v has %d of %d … %d, want %d", a, got, start, end, overlap)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(small)
	f.Add("20\t1\t2")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Read(strings.NewReader(text), "a.bed")
		if err != nil {
			return
		}
		for name, spans := range p.spans {
			for i, s := range spans {
				if s.Len() <= 0 || i > 0 && s.Start <= spans[i-1].End {
					t.Errorf("%q: %v", name, spans)
				}
			}
		}
	})
}
