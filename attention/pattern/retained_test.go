package pattern

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Nothing that a query at n or later sees may be left out, whatever its shape, nor anything come back that was left out before.
func TestRetainedIsAllThatIsSeenLater(t *testing.T) {
	const T = 72
	r := rand.New(rand.NewPCG(11, 12))
	of, bounded := leaves(), 0
	for i := range 300 {
		p := of[i%len(of)]
		if i >= len(of) {
			p = randomPattern(r, of, 2)
		}
		if i%3 == 0 {
			p = And(Causal(), p)
		}
		if p.Check(Square(T)) != nil {
			continue
		}
		visible, err := Dense(p, Square(T))
		if err != nil {
			t.Fatal(err)
		}
		had := make([]bool, T)
		for n := range T {
			had[n] = true
			retained := make([]bool, T)
			last := -1
			spans := Retained([]Span{{5, 6}}, p, n)
			for _, s := range spans[1:] {
				if s.Lo <= last || s.Hi <= s.Lo || s.Hi > n {
					t.Fatalf("%v: found the spans %v retained of %d keys", p, spans[1:], n)
				}
				last = s.Hi
				for k := s.Lo; k < s.Hi; k++ {
					retained[k] = true
				}
			}
			if n == T-1 && !slices.Equal(spans[1:], []Span{{0, n}}) {
				bounded++
			}
			for k := range n {
				if retained[k] && !had[k] {
					t.Fatalf("%v: key %d came back after %d", p, k, n)
				}
				had[k] = retained[k]
				for q := n; q < T; q++ {
					if visible[q*T+k] && !retained[k] {
						t.Fatalf("%v: query %d sees key %d, which is not retained after %d", p, q, k, n)
					}
				}
			}
		}
	}
	if bounded < 30 {
		t.Errorf("%d patterns leave something out", bounded)
	}
}

func TestRetainedOfKnown(t *testing.T) {
	for text, want := range map[string][]Span{
		"causal & window(20, 0)":               {{80, 100}},
		"causal & (window(20) | global(0, 3))": {{0, 1}, {3, 4}, {80, 100}},
		"causal & (window(20) | global(200))":  {{0, 100}},
		"window(4) | prefix(8)":                {{0, 8}, {96, 100}},
		"window(4) | short(8)":                 {{0, 8}, {96, 100}},
		"segments(30) | summary(30, 29)":       {{29, 30}, {59, 60}, {89, 100}},
		"segments_at(40, 100)":                 nil,
		"causal & dilated(4, 5)":               {{80, 100}},
		"causal & window2d(12, 2)":             {{74, 100}},
		"window2d(10, 2)":                      {{80, 100}},
		"window2d(10, 10)":                     {{0, 100}},
		"window(9) & none":                     nil,
	} {
		p, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Retained(nil, p, 100); !slices.Equal(got, want) {
			t.Errorf("%s: %v, expected %v", text, got, want)
		}
	}
	if got := Retained(nil, struct{ Pattern }{Window(3)}, 9); !slices.Equal(got, []Span{{0, 9}}) {
		t.Errorf("a pattern that does not tell needs %v", got)
	}
}
