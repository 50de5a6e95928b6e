// Package vocab holds the tokens of a model by id and by name.
package vocab

import (
	"fmt"
	"maps"
	"slices"

	"github.com/longspan/longspan/tokenizer/internal/scan"
)

// Max is the largest number of ids: every id is below it.
const Max = 1 << 20

// Token is one token of a text: its id, and its bytes [From, To) in the text.
type Token struct{ ID, From, To int32 }

// Vocab is the tokens of a model. Ids may have holes, where the name is empty.
type Vocab struct {
	IDs    map[string]int32
	Tokens []string // by id
}

// ID returns the id of a token.
func (v *Vocab) ID(token string) (int32, bool) {
	id, ok := v.IDs[token]
	return id, ok
}

// Token returns the name of an id. It is empty where no token has it.
func (v *Vocab) Token(id int32) string {
	if id < 0 || int(id) >= len(v.Tokens) {
		return ""
	}
	return v.Tokens[id]
}

// entry is a token in an arena of bytes.
type entry struct {
	from, to int
	id       int32
}

// Read reads an object with the id of each token.
func Read(s *scan.Scanner) (*Vocab, error) {
	var arena []byte
	var entries []entry
	top := int32(-1)
	err := s.Object(func(key []byte) error {
		from := len(arena)
		arena = append(arena, key...)
		id, err := s.Int()
		if err != nil {
			return fmt.Errorf("the id of the token %q: %w", arena[from:], err)
		}
		if id < 0 || id >= Max {
			return fmt.Errorf("the vocabulary gives %q the id %d; expected 0 … %d", arena[from:], id, Max-1)
		}
		if len(entries) >= Max {
			return fmt.Errorf("the vocabulary has more than %d tokens", Max)
		}
		entries = append(entries, entry{from, len(arena), int32(id)})
		top = max(top, int32(id))
		return nil
	})
	if err != nil {
		return nil, err
	}
	names := string(arena)
	v := &Vocab{IDs: make(map[string]int32, len(entries)), Tokens: make([]string, top+1)}
	seen := make([]bool, top+1)
	for _, e := range entries {
		token := names[e.from:e.to]
		v.IDs[token] = e.id
		if seen[e.id] {
			return nil, fmt.Errorf("the vocabulary gives %q and %q the id %d; expected each id once", v.Tokens[e.id], token, e.id)
		}
		v.Tokens[e.id], seen[e.id] = token, true
	}
	if len(v.IDs) != len(entries) {
		return nil, fmt.Errorf("the vocabulary has %d tokens twice; expected each once", len(entries)-len(v.IDs))
	}
	return v, nil
}

// Of returns the vocabulary of tokens whose ids are their places. A token that stands twice has the id of the last.
func Of(tokens []string) *Vocab {
	v := &Vocab{IDs: make(map[string]int32, len(tokens)), Tokens: tokens}
	for id, token := range tokens {
		v.IDs[token] = int32(id)
	}
	return v
}

// Sorted returns the ids in order.
func (v *Vocab) Sorted() []int32 { return slices.Sorted(maps.Values(v.IDs)) }
