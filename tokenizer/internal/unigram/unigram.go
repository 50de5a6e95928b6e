// Package unigram is the model Unigram of a tokenizer.json: of all ways to write a text in tokens, the one with the largest sum of scores.
// Kudo 2018, arXiv:1804.10959. A piece of n bytes takes O(n · the longest token).
package unigram

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer/internal/cache"
	"github.com/longspan/longspan/tokenizer/internal/scan"
	"github.com/longspan/longspan/tokenizer/internal/trie"
	"github.com/longspan/longspan/tokenizer/internal/vocab"
)

// Model is immutable but for its cache.
type Model struct {
	*vocab.Vocab
	Scores       []float64
	Unknown      int32 // the id of the unknown token, None where there is none
	ByteFallback bool  // an unknown character is written as its bytes

	trie     *trie.Trie
	lowest   float64 // the score of an unknown character
	fallback [256]int32
	cache    cache.Cache
}

// None is the id of an unknown token that a model does not have.
const None int32 = -1

// penalty is what an unknown character scores below the lowest token. SentencePiece's kUnkPenalty.
const penalty = 10

// ReadVocab reads the array of tokens with their scores.
func ReadVocab(s *scan.Scanner) (tokens []string, scores []float64, err error) {
	err = s.Array(func() error {
		if len(tokens) >= vocab.Max {
			return fmt.Errorf("the vocabulary has more than %d tokens", vocab.Max)
		}
		n := 0
		err := s.Array(func() error {
			n++
			switch n {
			case 1:
				token, err := s.Bytes()
				tokens = append(tokens, string(token))
				return err
			case 2:
				score, err := s.Float()
				scores = append(scores, score)
				return err
			}
			return errors.New("a third value; expected a token and its score")
		})
		if err == nil && n != 2 {
			err = errors.New("expected a token and its score")
		}
		if err != nil {
			return fmt.Errorf("token %d of the vocabulary: %w", max(0, len(tokens)-1), err)
		}
		return nil
	})
	return tokens, scores, err
}

// New returns a model. Token i has the score i.
func New(tokens []string, scores []float64, unknown int32, byteFallback bool) (*Model, error) {
	if unknown != None && (unknown < 0 || int(unknown) >= len(tokens)) {
		return nil, fmt.Errorf("unk_id is %d; expected an id of the vocabulary, 0 … %d", unknown, len(tokens)-1)
	}
	m := &Model{Vocab: vocab.Of(tokens), Scores: scores, Unknown: unknown, ByteFallback: byteFallback, trie: trie.New(tokens)}
	m.lowest = math.Inf(1)
	for _, score := range scores {
		m.lowest = min(m.lowest, score)
	}
	m.lowest -= penalty
	for b := range m.fallback {
		id, ok := m.IDs[fmt.Sprintf("<0x%02X>", b)]
		if !ok {
			id = None
		}
		m.fallback[b] = id
	}
	return m, nil
}

// node is the best way to write a text up to a byte: the last token, where it begins, and the sum of scores.
type node struct {
	score float64
	from  int32 // None where no way ends here
	id    int32
}

// Reader reads pieces one after the other. It is for one goroutine.
type Reader struct {
	m    *Model
	best []node
	path []vocab.Token
}

// NewReader returns a reader.
func (m *Model) NewReader() *Reader { return &Reader{m: m} }

var errUnknown = errors.New("the text has a character that the model Unigram does not know, and the model has no unk_id")

// Tokens appends the tokens of a piece.
func (r *Reader) Tokens(dst []vocab.Token, s string) ([]vocab.Token, error) {
	if s == "" {
		return dst, nil
	}
	if tokens, ok := r.m.cache.Get(s); ok {
		return append(dst, tokens...), nil
	}
	if err := r.forward(s); err != nil {
		return nil, err
	}
	first := len(dst)
	dst = r.backward(dst, s)
	r.m.cache.Put(s, dst[first:])
	return dst, nil
}

// forward finds the best way to each byte. Of two ways with the same score the first stays.
func (r *Reader) forward(s string) error {
	m := r.m
	if cap(r.best) <= len(s) {
		r.best = make([]node, len(s)+1, len(s)+len(s)/4+1)
	}
	r.best = r.best[:len(s)+1]
	for i := range r.best {
		r.best[i].from = None
	}
	r.best[0].score = 0
	for from := 0; from < len(s); {
		here := r.best[from].score
		_, size := utf8.DecodeRuneInString(s[from:])
		single := false // a token is this character
		at := trie.Root
		for i := from; i < len(s); i++ {
			child, id, ok := m.trie.Child(at, s[i])
			if !ok {
				break
			}
			at = child
			if id == trie.None {
				continue
			}
			if n, score := &r.best[i+1], m.Scores[id]+here; n.from == None || score > n.score {
				*n = node{score, int32(from), id}
			}
			single = single || i+1-from == size
		}
		if !single {
			if n, score := &r.best[from+size], m.lowest+here; n.from == None || score > n.score {
				if m.Unknown == None {
					return errUnknown
				}
				*n = node{score, int32(from), m.Unknown}
			}
		}
		from += size
	}
	return nil
}

// backward appends the tokens of the best way. Unknown tokens side by side are one.
func (r *Reader) backward(dst []vocab.Token, s string) []vocab.Token {
	r.path = r.path[:0]
	for to := int32(len(s)); to > 0; {
		n := r.best[to]
		last := len(r.path) - 1
		if n.id == r.m.Unknown && last >= 0 && r.path[last].ID == n.id {
			r.path[last].From = n.from
		} else {
			r.path = append(r.path, vocab.Token{ID: n.id, From: n.from, To: to})
		}
		to = n.from
	}
	for i := len(r.path) - 1; i >= 0; i-- {
		dst = r.m.known(dst, r.path[i], s)
	}
	return dst
}

// known appends a token. An unknown one is its bytes, where these are in the vocabulary and the model says so.
func (m *Model) known(dst []vocab.Token, t vocab.Token, s string) []vocab.Token {
	text := s[t.From:t.To]
	if t.ID != m.Unknown {
		return append(dst, t)
	}
	if id, ok := m.IDs[text]; ok {
		return append(dst, vocab.Token{ID: id, From: t.From, To: t.To})
	}
	if !m.ByteFallback {
		return append(dst, t)
	}
	for i := range len(text) {
		if m.fallback[text[i]] == None {
			return append(dst, t)
		}
	}
	for i := range len(text) {
		dst = append(dst, vocab.Token{ID: m.fallback[text[i]], From: t.From, To: t.To})
	}
	return dst
}
