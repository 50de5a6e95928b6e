package mechanism

import (
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/parallel"
)

func transientConfig(t *testing.T, text string) Config {
	t.Helper()
	m, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return Config{Mechanism: m, Heads: 2, KVHeads: 2, HeadDim: 8,
		Terms: Terms{T5: &attention.T5{Buckets: 32, MaxDistance: 128, Bidirectional: true}}}
}

// A token sees radius tokens on each side, and each summary; a summary sees nothing. The work grows with n·(radius + n/block).
func TestTransientSees(t *testing.T) {
	r := transientRows{radius: 2, block: 4}
	for _, c := range []struct {
		tokens, query int
		want          []pattern.Span
	}{
		{10, 0, []pattern.Span{{Lo: 0, Hi: 3}, {Lo: 10, Hi: 12}}},
		{10, 5, []pattern.Span{{Lo: 3, Hi: 8}, {Lo: 10, Hi: 12}}},
		{10, 7, []pattern.Span{{Lo: 5, Hi: 12}}},
		{10, 10, nil},
		{3, 0, []pattern.Span{{Lo: 0, Hi: 3}}},
		{4, 1, []pattern.Span{{Lo: 0, Hi: 5}}},
	} {
		rows := c.tokens + c.tokens/4
		if got := r.Spans(nil, c.query, pattern.Square(rows)); !slices.Equal(got, c.want) {
			t.Errorf("query %d of %d tokens sees %v, want %v", c.query, c.tokens, got, c.want)
		}
	}
	l, err := New(transientConfig(t, "transient"))
	if err != nil {
		t.Fatal(err)
	}
	const n = 4096
	core, err := l.Compile(attention.Self(n + n/16))
	if err != nil {
		t.Fatal(err)
	}
	if pairs := core.Work().Forward / (4 * 2 * 8); pairs != n*(255+n/16)-127*128 {
		t.Errorf("%g pairs", pairs)
	}
}

func TestTransientIsRefused(t *testing.T) {
	refused := func(what, want string, err error) {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", what, err, want)
		}
	}
	for want, change := range map[string]func(c *Config){
		"found a causal mask":                     func(c *Config) { c.Causal = true },
		"cross-attention or a memory with transi": func(c *Config) { c.Cross = true },
		"without the position t5":                 func(c *Config) { c.Terms = Terms{} },
		"or with another term":                    func(c *Config) { c.Terms.Sinks = true },
		"expected a radius of at most":            func(c *Config) { c.Mechanism.kind = &transient{pattern.MaxTokens + 1, 4} },
		"and blocks of 1 to":                      func(c *Config) { c.Mechanism.kind = &transient{radius: 3} },
	} {
		c := transientConfig(t, "transient(radius=2, block=4)")
		change(&c)
		_, err := New(c)
		refused("a layer", want, err)
	}
	l, err := New(transientConfig(t, "transient(radius=2, block=4)"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Compile(attention.Self(4))
	refused("rows", "found 4 queries after 0 tokens over 4 rows", err)
	_, err = l.NewState(nil, 0)
	refused("decoding", "to decode token by token", err)
	s, err := parallel.NewShare(parallel.Dry(0, 2), []int{10})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Over(l, s)
	refused("ranks", "found transient(radius=2, block=4) over 2 ranks", err)
}
