// Package wordpiece is the model WordPiece of a tokenizer.json: the longest token that a word begins with, then the longest that its rest
// begins with. Schuster and Nakajima 2012; Devlin et al. 2018.
package wordpiece

import (
	"fmt"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer/internal/component"
	"github.com/longspan/longspan/tokenizer/internal/trie"
	"github.com/longspan/longspan/tokenizer/internal/vocab"
)

// Model is immutable.
type Model struct {
	*vocab.Vocab
	Options
	unknown int32 // none where the vocabulary does not have it
	trie    *trie.Trie
	rest    int32 // the node of the prefix
	hasRest bool
}

// Options are the settings of a model beside its vocabulary.
type Options struct {
	Unknown string // the name of the unknown token
	Prefix  string // of a token that does not begin a word
	Longest int    // the largest number of characters in a word; a longer one is unknown
}

// ReadOptions takes the settings of a model from its component.
func ReadOptions(f *component.Fields) Options {
	o := Options{Unknown: f.StringOr("unk_token", "[UNK]"), Prefix: f.StringOr("continuing_subword_prefix", "##")}
	o.Longest = f.IntOr("max_input_chars_per_word", 100)
	return o
}

// New returns a model.
func New(v *vocab.Vocab, o Options) *Model {
	m := &Model{Vocab: v, Options: o, trie: trie.New(v.Tokens), unknown: -1}
	if id, ok := v.IDs[o.Unknown]; ok {
		m.unknown = id
	}
	m.rest, m.hasRest = m.trie.Walk(o.Prefix)
	return m
}

// Tokens appends the tokens of a word.
func (m *Model) Tokens(dst []vocab.Token, s string) ([]vocab.Token, error) {
	if len(s) > m.Longest && utf8.RuneCountInString(s) > m.Longest {
		return m.unknownWord(dst, s)
	}
	first := len(dst)
	for from := 0; from < len(s); {
		id, size := trie.None, 0
		switch {
		case from == 0:
			id, size = m.trie.Longest(s)
		case m.hasRest:
			id, size = m.trie.LongestFrom(m.rest, s[from:])
		}
		if id == trie.None {
			return m.unknownWord(dst[:first], s)
		}
		dst = append(dst, vocab.Token{ID: id, From: int32(from), To: int32(from + size)})
		from += size
	}
	return dst, nil
}

func (m *Model) unknownWord(dst []vocab.Token, s string) ([]vocab.Token, error) {
	if m.unknown < 0 {
		return nil, fmt.Errorf("the word %.40q is unknown, and the vocabulary of the model WordPiece does not have its unk_token %q",
			s, m.Unknown)
	}
	return append(dst, vocab.Token{ID: m.unknown, To: int32(len(s))}), nil
}
