package chunk

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention/pattern"
)

func parse(t *testing.T, text string) pattern.Pattern {
	t.Helper()
	p, err := pattern.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		o    Options
		T    int
		want []Chunk
	}{
		{Options{}, 0, nil},
		{Options{}, 1, []Chunk{{0, 1, 0, 1}}},
		{Options{}, 4096, []Chunk{{0, 4096, 0, 4096}}},
		{Options{Before: 1, After: 129}, 5000, []Chunk{{0, 4352, 0, 4096}, {3968, 5000, 4096, 5000}}},
		{Options{Size: 200, After: 100}, 600, []Chunk{{0, 384, 0, 256}, {256, 600, 256, 512}, {512, 600, 512, 600}}},
		{Options{Size: 128, Before: 1000}, 300, []Chunk{{0, 128, 0, 128}, {0, 256, 128, 256}, {0, 300, 256, 300}}},
		{Options{Size: 100, Before: 1, Period: 96}, 800, []Chunk{{0, 384, 0, 384}, {0, 768, 384, 768}, {384, 800, 768, 800}}},
	} {
		got, err := c.o.Plan(c.T)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%+v of %d tokens: %v, %v, expected %v", c.o, c.T, got, err, c.want)
		}
	}
	got, err := Plan(600, 200, 50)
	if want := []Chunk{{0, 384, 0, 256}, {128, 600, 256, 512}, {384, 600, 512, 600}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, expected %v", got, err, want)
	}
}

// Every token is kept once, borders lie on tiles, and a chunk reads the overlap wherever the document has it.
func TestPlanKeepsEveryToken(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		T := r.IntN(20000)
		o := Options{Size: 1 + r.IntN(3000), Before: r.IntN(2000), After: r.IntN(2000), Period: r.IntN(300)}
		chunks, err := o.Plan(T)
		if err != nil {
			t.Fatal(err)
		}
		kept := make([]int, T)
		for _, c := range chunks {
			for i := c.KeepStart; i < c.KeepEnd; i++ {
				kept[i]++
			}
			if c.Start%Tile != 0 || c.KeepStart%Tile != 0 || c.End%Tile != 0 && c.End != T || c.Start%max(1, o.Period) != 0 {
				t.Fatalf("%+v of %d tokens: borders of %+v", o, T, c)
			}
			if c.KeepStart-c.Start < min(o.Before, c.KeepStart) || c.End-c.KeepEnd < min(o.After, T-c.KeepEnd) {
				t.Fatalf("%+v of %d tokens: %+v reads too little", o, T, c)
			}
		}
		if slices.ContainsFunc(kept, func(n int) bool { return n != 1 }) {
			t.Fatalf("%+v of %d tokens: not every token is kept once: %v", o, T, chunks)
		}
		if err := checkChunks(T, chunks); err != nil {
			t.Fatal(err)
		}
	}
}

// refused fails the test unless err has want in it.
func refused(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("found error %v, expected %q", err, want)
	}
}

func TestPlanRefusals(t *testing.T) {
	const far = pattern.MaxTokens + 1
	for want, o := range map[string]Options{
		"found Size = -1": {Size: -1}, "found Before = -1": {Before: -1}, "found After = -1": {After: -1}, "found Period = -1": {Period: -1},
		"found Size = 536870913": {Size: far}, "found Before = 536870913": {Before: far},
		"found a pattern that repeats every 536870911 tokens": {Period: pattern.MaxTokens - 1},
	} {
		_, err := o.Plan(10)
		refused(t, err, want)
	}
	for want, T := range map[string]int{"found T = -1": -1, "found T = 536870913": far} {
		_, err := Plan(T, 0, 0)
		refused(t, err, want)
	}
}

func TestExactOverlap(t *testing.T) {
	for _, c := range [][3]int{{12, 512, 6144}, {0, 512, 0}, {1, 0, 0}, {1, 1, 128}, {3, 100, 384}, {2, 64, 128}} {
		if got, err := ExactOverlap(c[0], c[1]); err != nil || got != c[2] {
			t.Errorf("%d layers of window %d: %d, %v, expected %d", c[0], c[1], got, err, c[2])
		}
	}
	for want, c := range map[string][2]int{
		"found layers = -1": {-1, 1}, "found window = -1": {1, -1}, "1099511627776 in all": {1 << 20, 1 << 20},
		"288230376151711744 in all": {pattern.MaxTokens, pattern.MaxTokens},
	} {
		_, err := ExactOverlap(c[0], c[1])
		refused(t, err, want)
	}
}

func TestExact(t *testing.T) {
	for _, c := range []struct {
		layers []string
		want   Options
	}{
		{nil, Options{4096, 0, 0, 1}},
		{[]string{"window(512)", "window(512)"}, Options{4096, 1024, 1024, 1}},
		{[]string{"window(100, 0)", "causal & window(200)"}, Options{4096, 384, 0, 1}},
		{[]string{"window(100)", "dilated(10, 30)", "window(0, 3)"}, Options{4096, 512, 512, 1}},
		{[]string{"segments(100)", "window(9)"}, Options{6400, 3200, 3200, 100}},
	} {
		var layers []pattern.Pattern
		for _, text := range c.layers {
			layers = append(layers, parse(t, text))
		}
		if got, err := Exact(0, layers...); err != nil || got != c.want {
			t.Errorf("%v: %+v, %v, expected %+v", c.layers, got, err, c.want)
		}
	}
	for text, why := range map[string]string{
		"window(9) | global(0)": "global positions counted from the start",
		"prefix(4)":             "a prefix at the start",
		"bigbird":               "random",
		"segments_at(40)":       "boundaries counted from the start",
		"causal":                "looks as far as the document goes",
		"full":                  "looks as far as the document goes",
		"summary(64)":           "looks as far as the document goes",
		"window(536870911)":     "found layers that together look",
	} {
		_, err := Exact(0, pattern.Window(3), parse(t, text))
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: error %v, expected it to say: %s", text, err, why)
		}
	}
	_, err := Exact(-1, pattern.Window(3))
	refused(t, err, "found Size = -1")
	_, err = Exact(0, nil)
	refused(t, err, "layer 1 cannot run in chunks: pattern: nil")
}

// The report agrees with following every pair of tokens through every layer.
func TestEffectMatchesDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	kinds := []string{"window(40)", "window(70, 0)", "window(3, 90)", "dilated(5, 9)", "segments(64)", "causal", "window(0)", "full"}
	for range 60 {
		T := 1 + r.IntN(700)
		o := Options{Size: 1 + r.IntN(400), Before: r.IntN(300), After: r.IntN(300), Period: 64}
		var layers []pattern.Pattern
		for range r.IntN(4) {
			layers = append(layers, parse(t, kinds[r.IntN(len(kinds))]))
		}
		chunks, err := o.Plan(T)
		if err != nil {
			t.Fatal(err)
		}
		report, err := Effect(T, chunks, layers...)
		if err != nil {
			t.Fatal(err)
		}
		checkReport(t, report, T, chunks, layers)
	}
}

func checkReport(t *testing.T, report Report, T int, chunks []Chunk, layers []pattern.Pattern) {
	t.Helper()
	differ := make([]bool, T)
	fewer, differing := make([]int, len(layers)), make([]int, len(layers))
	dense := make([][]bool, len(layers))
	for l, p := range layers {
		var err error
		if dense[l], err = pattern.Dense(p, pattern.Square(T)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range chunks {
		same := make([]bool, T) // by token of the document: it is in the chunk, and as in the whole
		for i := c.Start; i < c.End; i++ {
			same[i] = true
		}
		for l, visible := range dense {
			next := make([]bool, T)
			for q := c.Start; q < c.End; q++ {
				all, whole := true, true
				for k := range T {
					if visible[q*T+k] {
						all = all && same[k]
						whole = whole && c.Start <= k && k < c.End
					}
				}
				next[q] = all
				if q >= c.KeepStart && q < c.KeepEnd {
					fewer[l] += count(!whole)
					differing[l] += count(!all)
				}
			}
			same = next
		}
		for q := c.KeepStart; q < c.KeepEnd; q++ {
			differ[q] = !same[q]
		}
	}
	claimed := make([]bool, T)
	for _, s := range report.Differ {
		for i := s.Lo; i < s.Hi; i++ {
			claimed[i] = true
		}
	}
	exact := !slices.ContainsFunc(layers, func(p pattern.Pattern) bool { // what it sees is not all within its reach
		return strings.HasPrefix(p.String(), "segments") || strings.HasPrefix(p.String(), "dilated")
	})
	for i := range T {
		if differ[i] && !claimed[i] || exact && claimed[i] != differ[i] {
			t.Fatalf("%d tokens, %v under %v: token %d differs: %v, reported: %v", T, chunks, layers, i, differ[i], claimed[i])
		}
	}
	for l, layer := range report.Layers {
		if layer.Fewer < fewer[l] || layer.Differ < differing[l] || exact && (layer.Fewer != fewer[l] || layer.Differ != differing[l]) {
			t.Fatalf("%d tokens, %v under %v: layer %d is %+v, expected %d and %d", T, chunks, layers, l, layer, fewer[l], differing[l])
		}
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestEffectOfKnown(t *testing.T) {
	w := pattern.Window(100)
	chunks, err := Plan(1024, 512, 128)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Effect(1024, chunks, w, w, w)
	if err != nil {
		t.Fatal(err)
	}
	// At the border between the chunks, tokens nearer than l·100 to the end of what is read differ after layer l; 128 of
	// these are not kept.
	want := []Layer{{0, 0, 0, 0}, {0, 144, 72, 72}, {0, 344, 172, 172}}
	if !slices.Equal(got.Layers, want) || !slices.Equal(got.Differ, []pattern.Span{{Lo: 340, Hi: 684}}) ||
		got.Before != 300 || got.After != 300 || got.Longest != 640 || got.Read != 1280 || got.Exact() || got.Differing() != 344 ||
		got.Share() != 344.0/1024 {
		t.Errorf("got %+v", got)
	}
	if text := got.String(); text != "1024 tokens in 2 chunks of up to 640 read, 1.25 times the work: 344 tokens (33.6%) at the borders "+
		"may differ from the whole; an overlap of 300 before and 300 after would be exact" {
		t.Error(text)
	}
	o, err := Exact(512, w, w, w)
	if err != nil {
		t.Fatal(err)
	}
	if chunks, err = o.Plan(1024); err != nil {
		t.Fatal(err)
	}
	if got, err = Effect(1024, chunks, w, w, w); err != nil || !got.Exact() || !strings.Contains(got.String(), "same bits") {
		t.Errorf("%v, %v", got, err)
	}
	if got, err = Effect(1024, chunks, pattern.Causal()); err != nil || got.Differing() != 512 || !strings.Contains(got.String(),
		"no overlap would") {
		t.Errorf("%v, %v", got, err)
	}
}

func TestEffectRefusals(t *testing.T) {
	good := []Chunk{{0, 256, 0, 128}, {0, 300, 128, 300}}
	if _, err := Effect(300, good, pattern.Window(4)); err != nil {
		t.Error(err)
	}
	narrow := pattern.Window(4)
	for _, c := range []struct {
		want   string
		T      int
		chunks []Chunk
		layer  pattern.Pattern
	}{
		{"chunk 2 reads tokens 0 … 299, expected borders at multiples of 128", 301, good, narrow},
		{"the chunks keep 128 tokens, expected 300", 300, good[:1], narrow},
		{"chunk 1 keeps tokens 128 … 299 of 300, expected it to go on from 0", 300, good[1:], narrow},
		{"found T = -1", -1, nil, narrow},
		{"expected at least the 128 … 299 that it keeps", 300, []Chunk{{0, 300, 0, 128}, {129, 300, 128, 300}}, narrow},
		{"chunk 2 reads tokens 100 … 299, expected borders", 300, []Chunk{{0, 300, 0, 128}, {100, 300, 128, 300}}, narrow},
		{"chunk 1 reads tokens 0 … 199, expected borders", 300, []Chunk{{0, 200, 0, 128}, {0, 300, 128, 300}}, narrow},
		{"chunk 2 reads tokens 0 … 309 of 300", 300, []Chunk{{0, 300, 0, 128}, {0, 310, 128, 300}}, narrow},
		{"begins at token 128, expected a multiple of 100", 300, []Chunk{{0, 128, 0, 128}, {128, 300, 128, 300}}, pattern.Segments(100)},
		{"global(0): found global positions", 300, good, pattern.Global(0)},
		{"window(-1): found -1 before", 300, good, pattern.Window(-1)},
		{"nil: found no pattern", 300, good, nil},
	} {
		_, err := Effect(c.T, c.chunks, c.layer)
		refused(t, err, c.want)
	}
}
