package hf_test

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

func openGolden(t *testing.T, name string, o model.OpenOptions) *model.Model {
	t.Helper()
	m, err := model.OpenWith(filepath.Join(goldenDir, name), o)
	if err != nil {
		t.Fatal(name, err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func lengthen(t *testing.T, m *model.Model, o model.LengthenOptions) (*model.Model, model.Lengthened) {
	t.Helper()
	long, did, err := m.Lengthen(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { long.Close() })
	return long, did
}

// hidden is the last hidden states of a sequence of n tokens that repeats after period tokens.
func hidden(t *testing.T, m *model.Model, n, period int) tensor.Mat {
	t.Helper()
	b := &data.Batch{Lengths: []int{n}}
	for i := range n {
		b.Tokens = append(b.Tokens, 5+int32(i%period*i%period*7)%80)
	}
	h, err := m.NewSession(tensor.Exec{}).Hidden(b, model.StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Positions are copied, and the rows before the first stay. What the short model reads is computed with the same bits.
func TestPositionsAreCopied(t *testing.T) {
	for name, reserved := range map[string]int{"bert": 0, "bert_plain": 0, "roberta": 2, "longformer": 2, "gpt2": 0} {
		m := openGolden(t, name, model.OpenOptions{})
		short := m.Spec().MaxTokens()
		tokens := 3*short + 17
		long, did := lengthen(t, m, model.LengthenOptions{Tokens: tokens})
		if want := (model.LengthenedTable{From: short, To: tokens, Reserved: reserved}); *did.Positions != want {
			t.Errorf("%s: found %+v, want %+v", name, *did.Positions, want)
		}
		old, table := named(t, m, "positions.weight"), named(t, long, "positions.weight")
		if table.Rows != reserved+tokens {
			t.Fatalf("%s: found %d rows, want %d", name, table.Rows, reserved+tokens)
		}
		for i := range table.Rows {
			from := i
			if i >= reserved {
				from = reserved + (i-reserved)%short
			}
			if !slices.Equal(table.Row(i), old.Row(from)) {
				t.Fatalf("%s: row %d is not row %d of the table", name, i, from)
			}
		}
		if got, want := hidden(t, long, short, short), hidden(t, m, short, short); !slices.Equal(got.F32, want.F32) {
			t.Errorf("%s: the long model reads %d tokens differently", name, short)
		}
		if got := long.Spec().MaxTokens(); got != tokens || long.Answers().Tokens != tokens {
			t.Errorf("%s: found room for %d tokens and a context of %d, want %d", name, got, long.Answers().Tokens, tokens)
		}
		hidden(t, long, tokens, short)
	}
}

func named(t *testing.T, m *model.Model, name string) tensor.Mat {
	t.Helper()
	i := slices.IndexFunc(m.Params(), func(p *tensor.Param) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("found no weight %s", name)
	}
	return m.Params()[i].Value
}

// In a text that repeats like the positions, a token far from both ends has the states of its copy. So positions lie where windows expect
// them.
func TestCopiesRepeat(t *testing.T) {
	m := openGolden(t, "roberta", model.OpenOptions{})
	short := m.Spec().MaxTokens()
	long, _ := lengthen(t, m, model.LengthenOptions{Tokens: 3 * short, Attention: []string{"window(8)"}})
	h := hidden(t, long, 3*short, short)
	const reach = 3 * 8 // of the layers together
	for i := short + reach; i < 2*short-reach; i++ {
		a, b := h.Row(i), h.Row(i-short)
		if i-short < reach {
			continue
		}
		for j := range a {
			if math.Abs(float64(a[j]-b[j])) > 1e-5 { // rounding alone: elements are near 1, and tiles differ
				t.Fatalf("token %d has %v, its copy %v", i, a[:3], b[:3])
			}
		}
	}
}

// Global tokens take copies of the first projections, which compute what a pattern of the first projections alone does.
func TestSecondProjectionsAreCopied(t *testing.T) {
	m := openGolden(t, "roberta", model.OpenOptions{})
	tokens := m.Spec().MaxTokens() + 100
	twice, did := lengthen(t, m, model.LengthenOptions{Tokens: tokens, Attention: []string{"window(8)"}, Global: []int{0, 3}})
	once, _ := lengthen(t, m, model.LengthenOptions{Tokens: tokens, Attention: []string{"window(8) | global(0, 3)"}})
	if did.Layers[1].Global != "copied" || did.Layers[1].To != "window(8) | global(0, 3)" || twice.Count() <= once.Count() {
		t.Errorf("found %+v, with %d weights, want copied projections and more than %d", did.Layers[1], twice.Count(), once.Count())
	}
	a, b := hidden(t, twice, tokens, 50), hidden(t, once, tokens, 50)
	for i, v := range a.F32 {
		if math.Abs(float64(v-b.F32[i])) > 3e-5 { // the order of sums
			t.Fatalf("element %d is %g with copies and %g without", i, v, b.F32[i])
		}
	}
	l := openGolden(t, "longformer", model.OpenOptions{Global: []int{0}})
	long, did := lengthen(t, l, model.LengthenOptions{Tokens: 500, Attention: []string{"window(16)"}})
	if got := did.Layers[0]; got.Global != "kept" || got.To != "window(16) | global(0)" {
		t.Errorf("found %+v, want the global token and its projections kept", got)
	}
	const q = "blocks.0.attention.global_q.weight"
	if !slices.Equal(named(t, long, q).F32, named(t, l, q).F32) {
		t.Error("the second projections are other ones")
	}
}

func TestRotaryAnglesAreScaled(t *testing.T) {
	for _, c := range []struct {
		folder, rotary, pattern string
		want                    []string // of the layers
	}{
		{"llama", "", "", []string{"yarn 4 of 256", "yarn 4 of 256", "yarn 4 of 256"}},
		{"llama", "linear", "", []string{"linear 4", "linear 4", "linear 4"}},
		{"llama", "", "window(64)", []string{"none", "none", "none"}},
		{"llama", "", "window(600)", []string{"yarn 4 of 256", "yarn 4 of 256", "yarn 4 of 256"}},
		{"llama", "none", "window(600)", []string{"none", "none", "none"}},
		{"llama_yarn", "", "", []string{"yarn 16 of 64", "yarn 16 of 64"}},
		{"llama_linear", "linear", "", []string{"linear 10", "linear 10"}},
		{"llama3rope", "none", "window(64)", []string{"llama3 8 of 256", "llama3 8 of 256"}},
		{"modernbert", "", "", []string{"yarn 4 of 256", "none", "none", "yarn 4 of 256"}},
		{"modernbert", "", "window(8) | global(0)", []string{"yarn 4 of 256", "yarn 4 of 256", "yarn 4 of 256", "yarn 4 of 256"}},
	} {
		m := openGolden(t, c.folder, model.OpenOptions{})
		o := model.LengthenOptions{Tokens: 1024, Rotary: c.rotary}
		if c.folder == "llama3rope" {
			o.Tokens = 8192
		}
		if c.pattern != "" {
			o.Attention = []string{c.pattern}
		}
		long, _ := lengthen(t, m, o)
		var got []string
		for _, l := range long.Spec().Layers {
			text := "none"
			if s := l.Attention.RotaryScaling; s != nil {
				text = fmt.Sprintf("%s %g", s.Kind, s.Factor)
				if s.Original > 0 {
					text += fmt.Sprintf(" of %d", s.Original)
				}
			}
			got = append(got, text)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s, --rotary %q, %q: found %q, want %q", c.folder, c.rotary, c.pattern, got, c.want)
		}
		hidden(t, long, 300, 300)
	}
}

// A long model is saved and opened again.
func TestLongModelsAreSaved(t *testing.T) {
	for _, name := range []string{"bert_plain", "roberta", "llama"} {
		o := model.LengthenOptions{Tokens: 700, Attention: []string{"window(32)", "full"}}
		long, _ := lengthen(t, openGolden(t, name, model.OpenOptions{}), o)
		dir := t.TempDir()
		if err := long.Save(dir, tensor.F32); err != nil {
			t.Fatal(name, err)
		}
		again, err := model.Open(dir)
		if err != nil {
			t.Fatal(name, err)
		}
		if got, want := hidden(t, again, 650, 90), hidden(t, long, 650, 90); !slices.Equal(got.F32, want.F32) {
			t.Errorf("%s: the saved model computes other states", name)
		}
		if again.Answers().Tokens != 700 {
			t.Errorf("%s: found a context of %d, want 700", name, again.Answers().Tokens)
		}
		again.Close()
	}
}

func TestLengthenRefuses(t *testing.T) {
	for _, c := range []struct {
		folder string
		o      model.LengthenOptions
		want   string
	}{
		{"bert", model.LengthenOptions{Tokens: 211}, "found 211 tokens for a model of 211 learned positions, expected more"},
		{"roberta", model.LengthenOptions{Tokens: 200}, "found 200 tokens for a model of 212 learned positions"},
		{"llama", model.LengthenOptions{Tokens: 256}, "found 256 tokens for a model that was made for 256, expected more"},
		{"llama", model.LengthenOptions{Tokens: 1024, Attention: []string{"nystrom(landmarks=16)"}}, "has no causal form"},
		{"llama", model.LengthenOptions{Tokens: 1024, Attention: []string{"window(8"}}, "window(8"},
		{"llama", model.LengthenOptions{Tokens: 1024, Rotary: "ntk"}, `found the rotary scaling "ntk", expected yarn, linear or none`},
		{"llama", model.LengthenOptions{Tokens: 1024, Rotary: "none"}, "found nothing to change"},
		{"llama", model.LengthenOptions{Tokens: 1024, Global: []int{0}}, "found global queries in a causal layer"},
		{"llama3rope", model.LengthenOptions{Tokens: 8192}, "found rotary angles that are scaled already, by llama3"},
		{"bert", model.LengthenOptions{Tokens: -5}, "found -5 tokens, expected 2 to"},
		{"bert", model.LengthenOptions{Tokens: 1 << 30}, "found 1073741824 tokens, expected 2 to"},
		{"bert", model.LengthenOptions{Tokens: 500, Global: []int{3, 3}}, "expected rising numbers"},
		{"bert", model.LengthenOptions{Tokens: 500, Attention: []string{"nystrom(landmarks=16, conv=33)"}},
			"expected a mechanism without weights"},
	} {
		if _, _, err := openGolden(t, c.folder, model.OpenOptions{}).Lengthen(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %+v: found the error\n  %v\nwant one with\n  %s", c.folder, c.o, err, c.want)
		}
	}
}
