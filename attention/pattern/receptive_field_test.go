package pattern

import (
	"math/rand/v2"
	"testing"
)

// What ReceptiveField says holds in the dense matrix: nothing is visible past it, it is reached where it is exact, and moving
// by a period changes nothing inside a piece that contains all the keys.
func TestReceptiveField(t *testing.T) {
	const T = 96
	r := rand.New(rand.NewPCG(9, 10))
	of, told := leaves(), 0
	for n := range 500 {
		p := of[n%len(of)]
		if n >= len(of) {
			p = randomPattern(r, of[:39], 2)
		}
		field, err := ReceptiveFieldOf(p)
		s := Square(T)
		if err != nil || p.Check(s) != nil {
			continue
		}
		told++
		visible, err := Dense(p, s)
		if err != nil {
			t.Fatal(err)
		}
		for q := range T {
			for k := range T {
				if visible[q*T+k] && (q-k > field.Before || k-q > field.After) {
					t.Fatalf("%v: query %d sees key %d, past its receptive field %+v", p, q, k, field)
				}
				if q+field.Period < T && k+field.Period < T &&
					visible[q*T+k] != visible[(q+field.Period)*T+k+field.Period] {
					t.Fatalf("%v: does not repeat after %d at (%d, %d)", p, field.Period, q, k)
				}
			}
		}
	}
	if told < 180 {
		t.Errorf("%d patterns told their field", told)
	}
}

func TestKnownReceptiveFields(t *testing.T) {
	for text, want := range map[string]ReceptiveField{
		"window(512)":                             {512, 512, 1},
		"causal & window(512)":                    {512, 0, 1},
		"window(3, 0) | window(0, 9)":             {3, 9, 1},
		"dilated(4, 8) | window(5)":               {32, 32, 1},
		"dilated(536870912, 536870912)":           {Unbounded, Unbounded, 1},
		"causal & (window(9) | strided(4))":       {Unbounded, 0, 1},
		"segments(6) | window(2) & segments(4)":   {5, 5, 12},
		"window(100) & (segments(8)|summary(12))": {100, 100, 24},
		"window2d(10, 3)":                         {33, 33, 10},
		"window2d(3, 8)":                          {26, 26, 3},
		"causal & window2d(10, 1)":                {11, 0, 10},
		"window2d(536870912, 2)":                  {Unbounded, Unbounded, MaxTokens},
		"none | full":                             {Unbounded, Unbounded, 1},
	} {
		p, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ReceptiveFieldOf(p); err != nil || got != want {
			t.Errorf("%s: %+v, %v, expected %+v", text, got, err, want)
		}
	}
	for _, c := range []struct {
		want string
		p    Pattern
	}{
		{"nil: found no pattern", nil},
		{"window(-1): found -1 before", Window(-1)},
		{"global(0): found global positions", Global(0)},
		{"prefix(3): found a prefix", Prefix(3)},
		{"short(9): found a limit on the length", Or(Window(3), Short(9))},
		{"segments_at(4): found boundaries", SegmentsAt(4)},
		{"found global blocks at the ends", BigBird(4, 3, 2, 3, 0)},
		{"global(0): found global positions", Longformer(3, 0)},
		{"prefix(2): found a prefix", And(Window(3), Prefix(2))},
		{"repeat together only every 288230375614840832 tokens", Or(Segments(MaxTokens), Segments(MaxTokens-1))},
		{"does not tell its receptive field", struct{ Pattern }{Full()}},
	} {
		_, err := ReceptiveFieldOf(c.p)
		refused(t, err, c.want)
	}
}
