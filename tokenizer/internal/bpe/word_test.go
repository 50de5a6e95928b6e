package bpe

import (
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/tokenizer/internal/vocab"
)

// naive merges as the paper says it: the pair of the lowest rank, the leftmost of them, again and again.
func naive(ids, sizes []int32, t *table) (merged, lengths []int32) {
	ids, sizes = slices.Clone(ids), slices.Clone(sizes)
	for {
		best, at := uint64(noMerge), -1
		for i := range len(ids) - 1 {
			if p := t.get(ids[i], ids[i+1]); p < best {
				best, at = p, i
			}
		}
		if at < 0 {
			return ids, sizes
		}
		ids[at] = int32(uint32(best))
		sizes[at] += sizes[at+1]
		ids, sizes = slices.Delete(ids, at+1, at+2), slices.Delete(sizes, at+1, at+2)
	}
}

// made is a model of the letters a … d whose merges a list of pairs of letters gives; each may use what those before made.
func made(t testing.TB, pairs string) *Model {
	t.Helper()
	tokens := []string{"a", "b", "c", "d", "▁"}
	known := map[string]int32{}
	for i, token := range tokens {
		known[token] = int32(i)
	}
	var merges []Merge
	for i := 0; i+1 < len(pairs) && len(tokens) < 60; i += 2 {
		m := Merge{int32(pairs[i]) % int32(len(tokens)), int32(pairs[i+1]) % int32(len(tokens))}
		token := tokens[m.Left] + tokens[m.Right]
		if _, ok := known[token]; !ok {
			known[token] = int32(len(tokens))
			tokens = append(tokens, token)
		}
		if len(token) < 40 {
			merges = append(merges, m)
		}
	}
	m, err := New(vocab.Of(tokens), merges, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Short and long pieces, with and without cuts, from the cache and not, merge as the definition says.
func FuzzMerge(f *testing.F) {
	f.Add("\x00\x01\x05\x02\x05\x05", "abcabcab")
	f.Add("\x00\x00\x05\x05\x06\x06", strings.Repeat("a", 200))
	f.Add("\x04\x00\x04\x04\x06\x05\x00\x04", "▁a▁▁ab▁ba")
	f.Fuzz(func(t *testing.T, pairs, text string) {
		text = strings.Map(func(r rune) rune {
			if r == '▁' || 'a' <= r && r <= 'd' {
				return r
			}
			return rune("abcd▁▁▁"[r&3])
		}, text)
		m := made(t, pairs)
		var w word
		if err := w.fill(m, text); err != nil {
			t.Fatal(err)
		}
		ids, sizes := naive(w.ids, w.sizes, &m.merges)
		for range 2 { // the second time from the cache
			got, err := m.NewReader().Tokens(nil, text)
			if err != nil || len(got) != len(ids) {
				t.Fatalf("%q has %d tokens (%v), want %d", text, len(got), err, len(ids))
			}
			from := int32(0)
			for i, token := range got {
				if want := (vocab.Token{ID: ids[i], From: from, To: from + sizes[i]}); token != want {
					t.Fatalf("token %d of %q is %v, want %v", i, text, token, want)
				}
				from += sizes[i]
			}
		}
	})
}

// A megabyte without a border is read, and its tokens are those of its parts.
func TestLongPiece(t *testing.T) {
	m := made(t, "\x00\x01\x05\x05\x06\x06\x07\x07")
	got, err := m.NewReader().Tokens(nil, strings.Repeat("ab", 1<<19))
	if err != nil || len(got) != 1<<16 {
		t.Fatalf("%d tokens (%v), want %d", len(got), err, 1<<16)
	}
	if last := got[len(got)-1]; last.To != 1<<20 || last.ID != got[0].ID {
		t.Errorf("the last token is %v", last)
	}
}
