package summarize

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// drawn is a text of random sentences, with drawn importance.
func drawn(t *testing.T, sentences int, seed uint64) (*Text, []int, *Importance) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	words := strings.Fields("boat harbour lamp river table window garden engine letter winter morning captain market bridge forest tower")
	var b strings.Builder
	for range sentences {
		for k := range 5 + r.IntN(5) {
			if k > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(words[r.IntN(len(words))])
		}
		b.WriteString(".\n\n")
	}
	text, err := newText(context.Background(), parsed(b.String()), "", &Frequencies{step: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	m := newImportance(text, 30)
	for term := range m.Terms {
		p := r.Float32()
		for k := range m.Terms[term] {
			m.Terms[term][k] = p
			p *= r.Float32()
		}
	}
	list := []int{}
	for i := range text.Sentences {
		list = append(list, i)
		text.eachGramOf(i, 2, func(g gram) { m.Pairs[g] = r.Float32() })
	}
	return text, list, m
}

// expectedF1 is what cover computes, from the definition.
func expectedF1(t *Text, m *Importance, chosen []int) (v float64) {
	count, pairs := map[int32]int{}, map[gram]bool{}
	var hits, size [2]float64
	for _, i := range chosen {
		for _, term := range t.sequence(i) {
			if k := count[term]; k < levels {
				hits[0] += float64(m.Terms[term][k])
			}
			count[term]++
			size[0]++
		}
		t.eachGramOf(i, 2, func(g gram) {
			if !pairs[g] {
				hits[1] += float64(m.Pairs[g])
			}
			pairs[g] = true
			size[1]++
		})
	}
	for n := range 2 {
		if hits[n] > 0 {
			v += 2 * hits[n] / (size[n] + max(0, m.tokens()-float64(n)))
		}
	}
	return v
}

// The running value is that of the definition, after sentences came and went.
func TestCover(t *testing.T) {
	text, list, m := drawn(t, 12, 1)
	c := text.newCover(list, m, nil, 1000)
	in := map[int]bool{}
	r := rand.New(rand.NewPCG(5, 0))
	for range 200 {
		x := r.IntN(len(list))
		if in[x] {
			c.remove(x)
		} else {
			c.add(x)
		}
		in[x] = !in[x]
		var chosen []int
		for k := range list {
			if in[k] {
				chosen = append(chosen, list[k])
			}
		}
		if got, want := c.value(), expectedF1(text, m, chosen); math.Abs(got-want) > 1e-9 {
			t.Fatalf("found the value %g of the sentences %v, expected %g", got, chosen, want)
		}
	}
}

// The search finds the best of all summaries that are long enough, or nearly.
func TestChooseExpected(t *testing.T) {
	sum, best := 0.0, 0.0
	for seed := range uint64(20) {
		text, list, m := drawn(t, 9, seed)
		b := Budget{Words: 30}
		chosen, err := text.chooseExpected(context.Background(), list, m, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		top := 0.0
		for set := range 1 << len(list) {
			var some []int
			words := 0
			for k, i := range list {
				if set>>k&1 == 1 {
					some = append(some, i)
					words += text.Sentences[i].Words
				}
			}
			if words <= b.Words && words >= b.Words/3 {
				top = max(top, expectedF1(text, m, some))
			}
		}
		words := 0
		for _, i := range chosen {
			words += text.Sentences[i].Words
		}
		value := expectedF1(text, m, chosen)
		if words > b.Words || words < b.Words/3 || value < 0.9*top {
			t.Errorf("seed %d: found %d words with the value %g, expected 10 to 30 words and nearly %g", seed, words, value, top)
		}
		sum, best = sum+value, best+top
	}
	if sum < 0.98*best {
		t.Errorf("found %.4f of the best values, expected at least 0.98", sum/best)
	}
}

// A number of sentences is a number of sentences, and a bonus outweighs what is expected.
func TestChooseExpectedSentences(t *testing.T) {
	text, list, m := drawn(t, 9, 3)
	bonus := make([]float64, len(list))
	bonus[7] = 5
	for n := range 10 {
		if n == 0 {
			continue
		}
		chosen, err := text.chooseExpected(context.Background(), list, m, Budget{Sentences: n}, bonus)
		if err != nil {
			t.Fatal(err)
		}
		if len(chosen) != min(n, len(list)) || !contains(int32s(chosen), 7) {
			t.Errorf("asked for %d sentences: found %v, expected so many, and sentence 7", n, chosen)
		}
	}
}

func int32s(all []int) (out []int32) {
	for _, v := range all {
		out = append(out, int32(v))
	}
	return out
}

// A Weigher that does not fit the text is an error, not a panic.
func TestImportanceRefused(t *testing.T) {
	text, _, m := drawn(t, 4, 1)
	for what, bad := range map[string]*Importance{
		"none":      nil,
		"too few":   {Terms: m.Terms[1:], Words: 30},
		"no words":  {Terms: m.Terms},
		"no number": {Terms: make([][levels]float32, text.size), Pairs: map[gram]float32{{0, 1}: float32(math.NaN())}, Words: 30},
		"rising":    {Terms: append([][levels]float32{{0.1, 0.2}}, m.Terms[1:]...), Words: 30},
	} {
		if err := bad.check(text); err == nil {
			t.Errorf("%s: found no error", what)
		}
	}
	if err := m.check(text); err != nil {
		t.Error(err)
	}
}
