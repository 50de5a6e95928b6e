// Package wordlevel is the model WordLevel of a tokenizer.json: a word is one token.
package wordlevel

import (
	"fmt"

	"github.com/longspan/longspan/tokenizer/internal/vocab"
)

// Model is immutable.
type Model struct {
	*vocab.Vocab
	Unknown string // the name of the unknown token
}

// Tokens appends the token of a word.
func (m *Model) Tokens(dst []vocab.Token, s string) ([]vocab.Token, error) {
	id, ok := m.IDs[s]
	if !ok {
		if id, ok = m.IDs[m.Unknown]; !ok {
			return nil, fmt.Errorf("the word %.40q is unknown, and the vocabulary of the model WordLevel does not have its unk_token %q",
				s, m.Unknown)
		}
	}
	return append(dst, vocab.Token{ID: id, To: int32(len(s))}), nil
}
