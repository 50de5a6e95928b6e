package genome

import (
	"slices"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
)

// repeated counts the k-mers in tokens that occurred before.
func repeated(tokens []int32, k int) (n int) {
	seen := map[string]bool{}
	for i := k; i <= len(tokens); i++ {
		word := make([]byte, k)
		for j, t := range tokens[i-k : i] {
			word[j] = byte(t)
		}
		if seen[string(word)] {
			n++
		}
		seen[string(word)] = true
	}
	return n
}

// A window of random bases has hardly any 16-mer twice, unless repeats are planted. Targets follow what was planted.
func TestRepeatsArePlanted(t *testing.T) {
	bases := make([]dna.Base, 1<<16)
	r := data.NewRandom(1, 1)
	for i := range bases {
		bases[i] = dna.Base(r.IntN(4))
	}
	s := &dna.Sequence{Name: "random"}
	s.Append(bases)
	read := func(share float64, epoch int) data.Batch {
		w, err := NewWindows([]*dna.Sequence{s}, WindowConfig{Tokens: 1 << 14, Repeats: share, Seed: 7})
		if err != nil {
			t.Fatal(err)
		}
		var b data.Batch
		if err := w.Append(&b, epoch, 1); err != nil {
			t.Fatal(err)
		}
		if err := b.Check(dna.Vocab); err != nil {
			t.Fatal(err)
		}
		return b
	}
	plain, planted := read(0, 0), read(0.25, 0)
	if n := repeated(plain.Tokens, 16); n != 0 {
		t.Errorf("random bases repeat %d words", n)
	}
	// A quarter is copied. In half of it a sixteenth of the bases is changed, which breaks up 16-mers, and the first
	// fifteen bases of a repeat end none.
	if n := float64(repeated(planted.Tokens, 16)) / (1 << 14); n < 0.12 || n > 0.25 {
		t.Errorf("%.3f of the bases repeat a word of 16; a quarter was asked for", n)
	}
	for i, target := range planted.Targets[:len(planted.Targets)-1] {
		if target != planted.Tokens[i+1] {
			t.Fatalf("base %d is to be followed by %d, and %d follows", i, target, planted.Tokens[i+1])
		}
	}
	if !slices.Equal(planted.Tokens, read(0.25, 0).Tokens) {
		t.Error("the same window has other repeats")
	}
	if slices.Equal(planted.Tokens, read(0.25, 1).Tokens) {
		t.Error("another epoch has the same repeats")
	}
}

// Windows shorter than two repeats stay as they are, and nothing else is too short or too N.
func TestRepeatsInShortWindows(t *testing.T) {
	for n := 2; n < 80; n++ {
		tokens := make([]int32, n)
		for i := range tokens {
			tokens[i] = int32(i % dna.Vocab)
		}
		plantRepeats(tokens, MaxRepeats, data.NewRandom(1, uint64(n)))
		for i, t4 := range tokens {
			if t4 < 0 || t4 >= dna.Vocab {
				t.Fatalf("%d tokens: token %d became %d", n, i, t4)
			}
		}
	}
}

func TestRepeatsRefuseShare(t *testing.T) {
	for _, share := range []float64{-0.1, 0.6} {
		if _, err := NewWindows([]*dna.Sequence{EColi()}, WindowConfig{Tokens: 64, Repeats: share}); err == nil {
			t.Errorf("a share of %g is taken", share)
		}
	}
}
