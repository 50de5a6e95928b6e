package hf_test

import (
	"slices"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// pair is a batch of the target and the source of sequence i of a case, and the global tokens of the source.
func (g *golden) pair(t *testing.T, c goldenCase, i int) (b *data.Batch, globals []int) {
	t.Helper()
	read := func(name string, lengths []int) []int64 {
		all, width := g.ints(t, c, name), slices.Max(lengths)
		if all == nil {
			return nil
		}
		return all[i*width : i*width+lengths[i]]
	}
	one := func(name string, lengths []int) *data.Batch {
		b := &data.Batch{Lengths: lengths[i : i+1]}
		for _, id := range read(name, lengths) {
			b.Tokens = append(b.Tokens, int32(id))
		}
		return b
	}
	b = one("targets", c.Lengths)
	b.Source = one("ids", c.SourceLengths)
	for at, global := range read("globals", c.SourceLengths) {
		if global != 0 {
			globals = append(globals, at)
		}
	}
	return b, globals
}

// checkSource compares the states of the encoder for source i of a case; nil: the case has none.
func checkSource(t *testing.T, g *golden, c goldenCase, i int, m *model.Model, source *data.Batch) {
	t.Helper()
	if source == nil {
		return
	}
	states, err := m.NewSession(tensor.Exec{}).SourceStates(source)
	if err != nil {
		t.Fatal(c.Name, err)
	}
	if len(states) != len(g.Source) {
		t.Errorf("%s: %d states of the source, want %v", c.Name, len(states), g.Source)
	}
	at := 0
	for _, rows := range c.SourceRows[:i] {
		at += len(rows)
	}
	for k, what := range g.Source {
		if want, ok := g.mat(t, c, "source."+string('0'+rune(k))); ok && k < len(states) {
			near(t, c.Name+" source "+what, states[k], c.SourceRows[i], want, at)
		}
	}
}
