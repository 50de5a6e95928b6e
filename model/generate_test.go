package model

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
)

// generators is every kind of model that generates, with every position encoding and mechanism that it can have.
func generators() map[string]Config {
	all := map[string]Config{}
	add := func(c Config) {
		c.Vocab, c.Width, c.Layers, c.Heads, c.Seed = 11, 16, 2, 2, 5
		if m, err := New(c, Options{Pool: tensor.NewDryPool()}); err == nil {
			m.Close()
			all[fmt.Sprint(c.Kind, " ", c.Position, " ", c.Attention, " ", c.Segment, c.CopyNgrams)] = c
		}
	}
	mechanisms := [][]string{
		{"full"}, {"window(8)"}, {"window(40)", "segments(16)"}, {"window(8) | global(0, 3)", "dilated(5, 4) | prefix(3)"},
		{"segments(16) | summary(16, 15)"}, {"performer(features=16)", "window(8)"}, {"elu"}, {"relu", "full"},
	}
	for _, position := range []string{"rotary", "none", "learned", "alibi", "t5", "relative"} {
		for i, mechanism := range mechanisms {
			c := Config{Attention: mechanism, Position: position, Sinks: i < 2, KVHeads: 1 + i%2}
			if position == "learned" {
				c.MaxTokens = 700
			}
			add(c)
			if i < 4 {
				c.Kind, c.NormPlace = TransformerXL, []string{"pre", "post"}[i%2]
				c.Memory, c.MaxTokens = 700, 0
				add(c)
				c.Memory = 0
			}
			if position == "learned" {
				c.MaxTokens = 700
			}
			c.NormPlace = ""
			if i%2 == 1 {
				c.Kind = EncoderDecoder
				add(c)
			}
			if i != 3 { // a segment that has just begun has no place for global positions
				c.Kind, c.Segment = Hierarchical, 10+23*(i%2)
				add(c)
			}
		}
	}
	add(Config{CopyNgrams: []int{1, 40}, NoPosition: []int{0}})
	add(Config{CopyNgrams: []int{2}, NoPosition: []int{1}, HashedNgrams: []int{3}, HashedNgramRows: 20, Attention: []string{"full",
		"window(8)"}})
	return all
}

// splits are ways to give a sequence: a prompt that has all global positions, and then many tokens, one, or anything between, by a seed.
func splits(seed uint64, tokens int) (parts []int) {
	r := data.NewRandom(seed, 7)
	parts = []int{4 + r.IntN(60)}
	tokens -= parts[0]
	for tokens > 0 {
		n := min(tokens, []int{1, 1, 2, 1 + r.IntN(20), 1 + r.IntN(150)}[r.IntN(5)])
		parts, tokens = append(parts, n), tokens-n
	}
	return parts
}

// generate gives the tokens in parts and returns the logits behind each part, by its last token.
func generate(t *testing.T, m *Model, x tensor.Exec, tokens, source []int32, parts []int) map[int][]float32 {
	t.Helper()
	g, err := m.NewSession(x).Decode(source)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	logits, at := map[int][]float32{}, 0
	for _, n := range parts {
		l, err := g.Step(tokens[at : at+n])
		if err != nil {
			t.Fatal(err)
		}
		at += n
		logits[at-1] = l
	}
	if g.Tokens() != at {
		t.Errorf("found %d tokens, want %d", g.Tokens(), at)
	}
	return logits
}

// whole is what Predict gives for the sequence.
func whole(t *testing.T, m *Model, b *data.Batch, source *data.Batch) tensor.Mat {
	t.Helper()
	b.Source = source
	want, err := m.NewSession(tensor.Exec{}).Predict(b, StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return want
}

func TestGenerationEqualsTheWhole(t *testing.T) {
	seed := uint64(0)
	for name, c := range generators() {
		seed++
		m := newModel(t, c, nil)
		var source *data.Batch
		var read []int32
		if c.Kind == EncoderDecoder {
			source = batch(3, 9)
			read = source.Tokens
		}
		b := batch(seed, 330)
		want := whole(t, m, b, source)
		for at, logits := range generate(t, m, tensor.Exec{}, b.Tokens, read, splits(seed, 330)) {
			near(t, fmt.Sprintf("%s, token %d", name, at), logits, want.Row(at), 5e-5)
		}
	}
	if seed < 60 {
		t.Errorf("only %d models were made", seed)
	}
}

// In 16 bits neither way is exact: generation is held to the distance of the whole from the whole in float32.
func TestGenerationIn16Bits(t *testing.T) {
	for _, precision := range []string{"bf16", "fp16"} {
		for name, c := range zoo() {
			if c.WithDefaults().Head != LM {
				continue
			}
			if c.Kind == TransformerXL {
				c.Memory = 300
			}
			exact := newModel(t, c, nil)
			c.Precision = precision
			m := newModel(t, c, nil)
			var source *data.Batch
			var read []int32
			if c.Kind == EncoderDecoder {
				source = batch(3, 9)
				read = source.Tokens
			}
			b := batch(4, 200)
			want, rounded := whole(t, exact, b, source), whole(t, m, b, source)
			allowed, worst := 0.0, 0.0
			for i := range want.F32 {
				allowed = max(allowed, math.Abs(float64(want.F32[i]-rounded.F32[i])))
			}
			for at, logits := range generate(t, m, tensor.Exec{}, b.Tokens, read, splits(6, 200)) {
				for i, x := range logits {
					worst = max(worst, math.Abs(float64(x-want.Row(at)[i])))
				}
			}
			if worst > 2*allowed || allowed == 0 {
				t.Errorf("%s %s: generation is %g off, the whole %g", precision, name, worst, allowed)
			}
		}
	}
}

// A token of a Transformer-XL sees as many before it as the memory holds, however they came: as if its mechanism ended there.
func TestMemoryEndsTheReachOfGeneration(t *testing.T) {
	for _, position := range []string{"relative", "rotary", "alibi", "t5"} {
		c := Config{Vocab: 11, Width: 16, Layers: 3, Heads: 2, Seed: 5, Kind: TransformerXL, Position: position, Memory: 400,
			Attention: []string{"memory(20)"}}
		b := batch(1, 400)
		want := whole(t, newModel(t, c, nil), b, nil)
		c.Memory, c.Attention = 20, nil
		for at, logits := range generate(t, newModel(t, c, nil), tensor.Exec{}, b.Tokens, nil, splits(2, 400)) {
			near(t, fmt.Sprintf("%s, token %d", position, at), logits, want.Row(at), 5e-5)
		}
	}
}

// Prompts of more than one pass, and segments of more than one, are the whole too.
func TestLongPrompts(t *testing.T) {
	const tokens = 2*promptTokens + 300
	for _, c := range []Config{
		{Attention: []string{"window(30)", "window(9) | global(2)"}, Position: "alibi"},
		{Attention: []string{"window(30)"}},
		{Attention: []string{"elu"}},
		{Kind: Hierarchical, Segment: 100},
		{Kind: Hierarchical, Segment: promptTokens + 100, Attention: []string{"window(20)"}},
	} {
		c.Vocab, c.Width, c.Layers, c.Heads, c.Seed = 11, 16, 2, 2, 5
		m, b := newModel(t, c, nil), batch(1, tokens)
		want := whole(t, m, b, nil)
		for at, logits := range generate(t, m, tensor.Exec{}, b.Tokens, nil, []int{tokens - 205, 3, 201, 1}) {
			near(t, fmt.Sprintf("%s %v, token %d", c.Kind, c.Attention, at), logits, want.Row(at), 5e-5)
		}
	}
}

func TestGenerationDoesNotDependOnThreads(t *testing.T) {
	for name, c := range generators() {
		if c.Kind == EncoderDecoder {
			continue
		}
		m, b := newModel(t, c, nil), batch(1, 60)
		parts := []int{40, 1, 1, 18}
		want := generate(t, m, tensor.Exec{Threads: 1}, b.Tokens, nil, parts)
		for at, logits := range generate(t, m, tensor.Exec{Threads: 3, Pool: tensor.NewPool()}, b.Tokens, nil, parts) {
			for i := range logits {
				if logits[i] != want[at][i] {
					t.Fatalf("%s: token %d has other bits on 3 threads", name, at)
				}
			}
		}
	}
}

// What is carried does not grow once the reach of the pattern, or the memory, is full; nor does what a step needs beside it.
func TestGenerationIsBounded(t *testing.T) {
	// A row of keys and one of values are 128 bytes here.
	const segment = 64
	for _, c := range []Config{
		{Attention: []string{"window(40)"}},
		{Attention: []string{"window(40) | global(0, 7)"}, Position: "alibi"},
		{Attention: []string{fmt.Sprintf("segments(%d)", segment), "window(30)"}, Position: "t5"},
		{Attention: []string{"window(40)"}, Position: "relative"},
		{Attention: []string{"performer(features=16)"}},
		{Kind: TransformerXL, Memory: 50},
	} {
		c.Vocab, c.Width, c.Layers, c.Heads = 11, 16, 2, 2
		x := tensor.Exec{Threads: 1, Pool: tensor.NewPool()}
		m, err := New(c, Options{Pool: x.Pool})
		if err != nil {
			t.Fatal(err)
		}
		weights := x.Pool.InUse()
		g, err := m.NewSession(x).Decode(nil)
		if err != nil {
			t.Fatal(err)
		}
		peak := func(passes, n int) int64 {
			x.Pool.ResetPeak()
			for range passes {
				if _, err := g.Step(batch(1, n).Tokens); err != nil {
					t.Fatal(err)
				}
			}
			return x.Pool.Peak()
		}
		short := peak(1, 2*promptTokens)
		if long := peak(1, 6*promptTokens); long > short {
			t.Errorf("%v %s: a longer prompt took %d bytes, a shorter one %d", c.Attention, c.Kind, long, short)
		}
		peak(700, 1)
		first := peak(700, 1)
		// What is needed of a segment when room is made depends on how much of it there is.
		if second := peak(1400, 1); second > first && (c.Position != "t5" || second > first+128*segment) {
			t.Errorf("%v %s: %d bytes for 700 tokens more, %d before", c.Attention, c.Kind, second, first)
		}
		// Two layers, the reach and half as many rows again, or the slack: far below 400 rows.
		if carried := x.Pool.InUse() - weights; carried > 2*128*400 {
			t.Errorf("%v %s: %d bytes are carried", c.Attention, c.Kind, carried)
		}
		g.Close()
		if x.Pool.InUse() != weights {
			t.Errorf("%v %s: %d bytes were kept", c.Attention, c.Kind, x.Pool.InUse()-weights)
		}
	}
}

func TestGenerationRefuses(t *testing.T) {
	m := newModel(t, Config{Vocab: 11, Width: 16, Heads: 2, Position: "learned", MaxTokens: 20}, nil)
	g, err := m.NewSession(tensor.Exec{}).Decode(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tokens := range [][]int32{nil, {11}, {-1}, make([]int32, 21)} {
		if _, err := g.Step(tokens); err == nil || g.Tokens() != 0 {
			t.Errorf("%v were taken", tokens)
		}
	}
	if _, err := g.Step(make([]int32, 20)); err != nil {
		t.Error(err)
	}
	if _, err := g.Step(make([]int32, 1)); err == nil {
		t.Error("21 tokens were taken for 20 positions")
	}
	g.Close()
	if _, err := g.Step(make([]int32, 1)); err == nil {
		t.Error("a closed generation went on")
	}
	if _, err := m.NewSession(tensor.Exec{}).Decode([]int32{1}); err == nil {
		t.Error("a source was taken by a decoder")
	}
}

// A model made for inference stores its tables in bf16, and gives the bits of one whose tables are rounded for each product.
func TestStorageInBF16ChangesNothing(t *testing.T) {
	for name, c := range zoo() {
		if c.WithDefaults().Head != LM || c.Kind == EncoderDecoder {
			continue
		}
		c.Precision = "bf16"
		stored, err := New(c, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if stored.target.tokens.Weight.Value.Type != tensor.BF16 {
			t.Errorf("%s: the embedding is stored in %s", name, stored.target.tokens.Weight.Value.Type)
		}
		tokens := batch(1, 40).Tokens
		var got [2][]float32
		for i, m := range []*Model{newModel(t, c, nil), stored} {
			g, err := m.NewSession(tensor.Exec{}).Decode(nil)
			if err != nil {
				t.Fatal(err)
			}
			for at := 0; at < 40; at += 20 {
				if got[i], err = g.Step(tokens[at : at+20]); err != nil {
					t.Fatal(err)
				}
			}
			g.Close()
		}
		if !slices.Equal(got[0], got[1]) {
			t.Errorf("%s: logits differ", name)
		}
	}
}
