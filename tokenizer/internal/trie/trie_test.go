package trie_test

import (
	"strings"
	"testing"

	"github.com/longspan/longspan/tokenizer/internal/trie"
)

// The longest key is the one that a look at all keys finds.
func FuzzLongest(f *testing.F) {
	f.Add("a ab abc b é 日 日本", "abcd日本é")
	f.Add("", "a")
	f.Add("aa a aa", "aaa")
	f.Fuzz(func(t *testing.T, words, text string) {
		keys := strings.Split(words, " ")
		tr := trie.New(keys)
		for from := range len(text) {
			want, size := trie.None, 0
			for i, k := range keys {
				if k != "" && len(k) >= size && strings.HasPrefix(text[from:], k) {
					want, size = int32(i), len(k)
				}
			}
			if got, n := tr.Longest(text[from:]); got != want || n != size {
				t.Fatalf("%q begins with key %d of %d bytes, want %d of %d; keys %q", text[from:], got, n, want, size, keys)
			}
		}
		for i, k := range keys {
			if node, ok := tr.Walk(k); !ok {
				t.Fatalf("key %d, %q, leads to node %d", i, k, node)
			}
		}
	})
}
