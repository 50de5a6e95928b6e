package mechanism

import (
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// TestHaloIsOneRank holds that ranks have the bits of one, whatever the pattern, the lengths and the number of ranks.
func TestHaloIsOneRank(t *testing.T) {
	wide, narrow, small := Config{Heads: 4, KVHeads: 2, HeadDim: 64}, Config{Heads: 2, KVHeads: 1, HeadDim: 32}, Config{Heads: 1, HeadDim: 16}
	causal := func(c Config) Config {
		c.Causal = true
		return c
	}
	for i, x := range []struct {
		text    string
		c       Config
		lengths []int
	}{
		{"full", small, []int{1700}},
		{"full", causal(small), []int{1700}},
		{"window(256)", wide, []int{2300}},
		{"window(256)", small, []int{6000}},
		{"window(256)", causal(narrow), []int{2300}},
		{"window(128) | global(0, 1700)", narrow, []int{2300}},
		{"window(128) | global(0)", causal(small), []int{6000}},
		{"bigbird(64, 3, 2, 3, 0)", narrow, []int{2300}},
		{"bigbird_eval(block=50, random=2)", narrow, []int{450, 2300, 451}},
		{"dilated(64, 4)", small, []int{2300}},
		{"segments(700)", narrow, []int{2300}},
		{"window(64) | global(0, 9000)", small, []int{17000}},
		{"window(100)", narrow, []int{1}},
		{"window(100)", narrow, []int{7}},
		{"full", wide, []int{513}},
		{"window(300)", narrow, []int{700, 1, 7, 1500, 513, 40}},
		{"full", causal(narrow), []int{7, 600, 600, 513}},
	} {
		l := layer(t, x.text, x.c)
		sameAsOne(t, l, tensor.F32, x.lengths, withHalo(someLong), 1+i%5)
		sameAsOne(t, l, tensor.BF16, x.lengths, withHalo(someLong), 1+(i+2)%5)
	}
}

// TestLongRowsAreOneRank holds the same where all rows that meet more than a few others are summed by several ranks: in chains over one
// span, and in several spans.
func TestLongRowsAreOneRank(t *testing.T) {
	grouped, small := Config{Heads: 2, KVHeads: 1, HeadDim: 16}, Config{Heads: 1, HeadDim: 8}
	with := func(c Config, change func(c *Config)) Config { change(&c); return c }
	for i, x := range []struct {
		text    string
		c       Config
		lengths []int
		rows    int
	}{
		{"window(128) | global(0, 1700)", grouped, []int{2300}, 600},
		{"full", grouped, []int{1700}, 100},
		{"full", with(grouped, func(c *Config) { c.Causal = true }), []int{40, 2300, 7}, 700},
		{"window(90) | global(3, 700)", with(grouped, func(c *Config) { c.Terms.Sinks, c.Terms.ALiBi = true, true }), []int{1100, 1530}, 200},
		{"bigbird(64, 3, 2, 3, 0)", grouped, []int{2300}, 900},
		{"bigbird_eval(block=50, random=2)", grouped, []int{2300}, 900},
		{"window(64) | global(0, 9000, 16999) | strided(2000)", small, []int{17000}, 4000},
		{"window(64) | global(0)", small, []int{30, 18000, 500}, 1000},
	} {
		limit := longLimit{rows: x.rows, always: true}
		l := layer(t, x.text, x.c)
		s, err := parallel.NewShare(parallel.Dry(0, 3), x.lengths)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := l.(softmaxLayer).needs(s, limit); err != nil || len(n.tiles) == 0 || len(n.units) == 0 {
			t.Fatalf("%s: found %d long tiles and %d long units, %v", x.text, len(n.tiles), len(n.units), err)
		}
		sameAsOne(t, l, []tensor.Type{tensor.F32, tensor.BF16}[i%2], x.lengths, withHalo(limit), 2+i%2, 4+i%2)
	}
}

// TestLongRowsAreChosen holds which patterns have long rows, and the bytes that the owner of a global token receives for it.
func TestLongRowsAreChosen(t *testing.T) {
	const h, d, w, tokens = 2, 8, 512, 65536
	c := Config{Heads: h, HeadDim: d}
	biased := c
	biased.Terms.T5 = &attention.T5{Buckets: 32, MaxDistance: 128, Bidirectional: true}
	for _, x := range []struct {
		text         string
		c            Config
		lengths      []int
		tiles, units int
	}{
		{"window(512) | global(0)", c, []int{tokens}, 1, 1},
		{"window(512) | global(0..39, 99)", c, []int{100, tokens}, 3, 1},
		{"window(512) | global(0)", biased, []int{tokens}, 0, 0},
		{"window(512) | global(0)", c, []int{6000}, 0, 0},
		{"window(512)", c, []int{tokens}, 0, 0},
		{"full", c, []int{tokens}, 0, 0},
	} {
		l, e := layer(t, x.text, x.c), parallel.Dry(0, 4)
		s, err := parallel.NewShare(e, x.lengths)
		if err != nil {
			t.Fatal(err)
		}
		n, err := l.(softmaxLayer).needs(s, someLong)
		if err != nil || len(n.tiles) != x.tiles || len(n.units) != x.units {
			t.Errorf("%s of %v tokens: %d long tiles and %d long units, expected %d and %d (%v)", x.text, x.lengths, len(n.tiles), len(n.units),
				x.tiles, x.units, err)
		}
		if x.tiles != 1 {
			continue
		}
		core, err := overHalo(l.(softmaxLayer), s, n)
		if err != nil {
			t.Fatal(err)
		}
		r := newRun(l, tensor.F32, []int{tokens}, 1).rows(s.Own()).dry()
		if err := r.compute(tensor.Exec{Threads: 1, Pool: tensor.NewDryPool()}, core); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]int64{
			"keys and values":          w * 2 * h * d * 4,
			"sums of outputs":          6 * h * (d + 2) * 4, // of the spans of the other three ranks
			"keys, values and queries": w * (2*h*d*4 + 2*h*d*4 + 2*h*4),
			"sums of DQ":               6 * h * d * 4,
			"sums of DK and DV":        6 * 2 * h * d * 4,
		} {
			if got := e.ByName[name].Received; got != want {
				t.Errorf("the owner of the global token receives %d bytes of %s, expected %d", got, name, want)
			}
		}
	}
}

// TestHaloOfTerms holds the same for all that a softmax has beside a pattern.
func TestHaloOfTerms(t *testing.T) {
	c := Config{Heads: 4, KVHeads: 2, HeadDim: 16}
	for _, change := range []func(c *Config){
		func(c *Config) { c.Terms.Sinks = true },
		func(c *Config) { c.Terms.ALiBi = true },
		func(c *Config) { c.Terms.T5 = &attention.T5{Buckets: 32, MaxDistance: 128, Bidirectional: true} },
		func(c *Config) { c.Terms.Relative = true },
		func(c *Config) { c.SoftCap, c.Scale = 5, 0.3 },
		func(c *Config) { c.Terms.ALiBi, c.Causal, c.Terms.Sinks = true, true, true },
	} {
		with := c
		change(&with)
		sameAsOne(t, layer(t, "window(90) | global(3)", with), tensor.F32, []int{1100, 530}, withHalo(someLong), 3)
	}
	sameAsOne(t, layer(t, "window(90)", c), tensor.F16, []int{1100, 530}, withHalo(someLong), 3)
}

// TestHaloBytes holds the bytes of a window between ranks to the formula: rows of the window on each side.
func TestHaloBytes(t *testing.T) {
	const w, h, kv, d = 100, 4, 2, 16
	l := layer(t, "window(100)", Config{Heads: h, KVHeads: kv, HeadDim: d})
	for _, typ := range []tensor.Type{tensor.F32, tensor.BF16} {
		_, moved := halosOf(t, l, newRun(l, typ, []int{3000}, 1), []int{3000}, 3, withHalo(someLong))
		s := int64(typ.Size())
		keys, queries := 2*2*w*kv*d*s, 2*w*(2*h*d*s+2*h*4)
		for rank, sides := range []int64{1, 2, 1} {
			got := [2]int64{moved[rank]["keys and values"].Received, moved[rank]["keys, values and queries"].Received}
			if want := [2]int64{keys * sides / 2, (keys + queries) * sides / 2}; got != want {
				t.Errorf("%s, rank %d: %d bytes, expected %d", typ, rank, got, want)
			}
		}
	}
	_, moved := halosOf(t, l, newRun(l, tensor.F32, []int{512, 512, 7}, 1), []int{512, 512, 7}, 2, withHalo(someLong))
	if len(moved[0])+len(moved[1]) > 0 {
		t.Errorf("whole sequences exchange %v", moved)
	}
}

// TestPackedDocumentsAreApart holds that a change in one document, which a border cuts, changes that document alone.
func TestPackedDocumentsAreApart(t *testing.T) {
	lengths := []int{900, 1300, 800}
	for _, text := range []string{"full", "window(400) | global(0)"} {
		l := layer(t, text, Config{Heads: 2, HeadDim: 16})
		in := newRun(l, tensor.F32, lengths, 1)
		before, _ := halosOf(t, l, in, lengths, 4, withHalo(someLong))
		for _, m := range []tensor.Mat{in.q, in.k, in.v, in.do} {
			m.F32[1500*m.Cols] += 1
		}
		after, _ := halosOf(t, l, in, lengths, 4, withHalo(someLong))
		row := 0
		for r := range after {
			for i := range after[r].q.Rows {
				changed := 0
				for _, m := range [][2]tensor.Mat{{before[r].o, after[r].o}, {before[r].dq, after[r].dq}, {before[r].dk, after[r].dk},
					{before[r].dv, after[r].dv}} {
					changed += differingElements(m[0].SliceRows(i, i+1), m[1].SliceRows(i, i+1))
				}
				if inside := row >= 900 && row < 2200; !inside && changed > 0 || row == 1500 && changed == 0 {
					t.Fatalf("%s: %d elements of row %d changed", text, changed, row)
				}
				row++
			}
		}
	}
}
