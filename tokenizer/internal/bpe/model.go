// Package bpe is byte-pair encoding, as the model BPE of a tokenizer.json has it. Sennrich, Haddow, Birch 2016. A piece of n symbols
// takes O(n log n), so that a text without a border between words is no trouble.
package bpe

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer/internal/cache"
	"github.com/longspan/longspan/tokenizer/internal/component"
	"github.com/longspan/longspan/tokenizer/internal/normalize"
	"github.com/longspan/longspan/tokenizer/internal/vocab"
)

// Model is immutable but for its cache.
type Model struct {
	*vocab.Vocab
	Options
	merges table
	count  int // of merges

	unknown  int32      // the id of the unknown token, none where there is none
	fallback [256]int32 // the ids of <0x00> … <0xFF>
	symbols  symbols

	raw    bool          // texts are bytes, which the vocabulary has in the byte-level alphabet
	cut    bool          // a piece may be cut before each ▁ behind a character that is neither ▁ nor in glued
	glued  string        // the characters that a merge joins to a ▁ behind them
	whole  []atomic.Bool // whether the merges make one token of a piece that is a token; found out when a text has the piece
	cache  cache.Cache
	wholes wholes
}

// Options are the settings of a model beside its vocabulary and merges.
type Options struct {
	Unknown      string // the name of the unknown token
	HasUnknown   bool
	Prefix       string // of a symbol that does not begin a piece
	Suffix       string // of a symbol that ends a piece
	FuseUnknown  bool   // unknown characters side by side are one token
	ByteFallback bool   // an unknown character is written as its bytes
	IgnoreMerges bool   // a piece that is in the vocabulary is one token, whatever the merges say
}

const none int32 = -1

// Merge is a pair of tokens that becomes one.
type Merge struct{ Left, Right int32 }

// New returns a model. The merges are in the order of their ranks; a pair that stands twice has the last rank.
func New(v *vocab.Vocab, merges []Merge, o Options) (*Model, error) {
	m := &Model{Vocab: v, Options: o, count: len(merges), unknown: none, merges: newTable(len(merges))}
	joined := make([]byte, 0, 64)
	for rank, pair := range merges {
		left, right := v.Tokens[pair.Left], v.Tokens[pair.Right]
		if len(right) < len(o.Prefix) {
			return nil, fmt.Errorf("the merge %d joins %q, which is shorter than the prefix %q", rank, right, o.Prefix)
		}
		joined = append(append(joined[:0], left...), right[len(o.Prefix):]...)
		id, ok := v.IDs[string(joined)]
		if !ok {
			return nil, fmt.Errorf("the merge %d makes %q, which is not in the vocabulary", rank, joined)
		}
		m.merges.put(pair, value(uint32(rank), id))
	}
	if o.HasUnknown {
		if id, ok := v.IDs[o.Unknown]; ok {
			m.unknown = id
		}
	}
	for b := range m.fallback {
		id, ok := v.IDs[fmt.Sprintf("<0x%02X>", b)]
		if !ok {
			id = none
		}
		m.fallback[b] = id
	}
	m.symbols = newSymbols(v)
	m.whole = make([]atomic.Bool, len(v.Tokens))
	m.cut = m.mayCut(merges)
	return m, nil
}

// space is the character for a blank in SentencePiece.
const space = "▁"

// longestGlued is the largest size of the list of characters in bytes. A longer one is slower than pieces that are not cut.
const longestGlued = 64

// mayCut says whether a piece may be cut into words, which can be kept in the cache: before each ▁ behind another character, but for the
// few characters that a merge joins to it. The ▁ must be in the vocabulary, or it could become one unknown token with its neighbours.
func (m *Model) mayCut(merges []Merge) bool {
	if _, ok := m.IDs[space]; !ok || m.Prefix != "" || m.Suffix != "" || m.IgnoreMerges {
		return false
	}
	for _, pair := range merges {
		left := m.Tokens[pair.Left]
		if !strings.HasPrefix(m.Tokens[pair.Right], space) || strings.HasSuffix(left, space) {
			continue
		}
		if r, size := utf8.DecodeLastRuneInString(left); !strings.ContainsRune(m.glued, r) {
			m.glued += left[len(left)-size:]
		}
		if len(m.glued) > longestGlued {
			return false
		}
	}
	return true
}

// word returns the end of the word that begins at a byte.
func (m *Model) word(s string, from int) int {
	for at := from; ; at += len(space) {
		i := strings.Index(s[at:], space)
		if i < 0 {
			return len(s)
		}
		at += i
		if r, _ := utf8.DecodeLastRuneInString(s[:at]); at > from && r != '▁' && !strings.ContainsRune(m.glued, r) {
			return at
		}
	}
}

// Raw makes the model read bytes in place of characters of the byte-level alphabet. It returns false where the model needs the characters:
// it has no token for a byte, or its symbols have a prefix or a suffix.
func (m *Model) Raw() bool {
	if m.Prefix != "" || m.Suffix != "" {
		return false
	}
	for b, r := range normalize.Alphabet {
		id, ok := m.IDs[string(r)]
		if !ok {
			return false
		}
		m.symbols.bytes[b] = id
	}
	m.raw, m.cut = true, false
	m.wholes = newWholes(m.Vocab)
	return true
}

// Reader reads pieces one after the other. It is for one goroutine.
type Reader struct {
	m *Model
	w word
}

// NewReader returns a reader.
func (m *Model) NewReader() *Reader { return &Reader{m: m} }

// Tokens appends the tokens of a piece.
func (r *Reader) Tokens(dst []vocab.Token, s string) ([]vocab.Token, error) {
	if !r.m.cut {
		return r.piece(dst, s, 0)
	}
	for from := 0; from < len(s); {
		to := r.m.word(s, from)
		var err error
		if dst, err = r.piece(dst, s[from:to], from); err != nil {
			return nil, err
		}
		from = to
	}
	return dst, nil
}

// piece appends the tokens of a piece whose first byte is byte base of the text.
func (r *Reader) piece(dst []vocab.Token, s string, base int) ([]vocab.Token, error) {
	m := r.m
	if s == "" {
		return dst, nil
	}
	id, known := m.find(s)
	if known && (m.IgnoreMerges || m.whole[id].Load()) {
		return append(dst, vocab.Token{ID: id, From: int32(base), To: int32(base + len(s))}), nil
	}
	if tokens, ok := m.cache.Get(s); ok {
		return shift(append(dst, tokens...), len(tokens), base), nil
	}
	if err := r.w.fill(m, s); err != nil {
		return nil, err
	}
	r.w.merge(&m.merges)
	first := len(dst)
	dst = r.w.tokens(dst)
	made := dst[first:]
	if known && len(made) == 1 && made[0] == (vocab.Token{ID: id, To: int32(len(s))}) {
		m.whole[id].Store(true)
	} else {
		m.cache.Put(s, made)
	}
	return shift(dst, len(made), base), nil
}

// find returns the id of a piece that is a token.
func (m *Model) find(s string) (int32, bool) {
	if m.raw {
		return m.wholes.find(s)
	}
	id, ok := m.IDs[s]
	return id, ok
}

// shift moves the last n tokens by base bytes.
func shift(dst []vocab.Token, n, base int) []vocab.Token {
	if base != 0 {
		for i := len(dst) - n; i < len(dst); i++ {
			dst[i].From += int32(base)
			dst[i].To += int32(base)
		}
	}
	return dst
}

// ReadOptions takes the settings of a model from its component.
func ReadOptions(f *component.Fields) Options {
	o := Options{HasUnknown: f.Has("unk_token")}
	o.Unknown = f.StringOr("unk_token", "")
	o.Prefix = f.StringOr("continuing_subword_prefix", "")
	o.Suffix = f.StringOr("end_of_word_suffix", "")
	o.FuseUnknown = f.BoolOr("fuse_unk", false)
	o.ByteFallback = f.BoolOr("byte_fallback", false)
	o.IgnoreMerges = f.BoolOr("ignore_merges", false)
	var dropout float64
	if f.Has("dropout") {
		f.Into("dropout", &dropout, "a number")
		if dropout != 0 {
			f.Fail("dropout", "is %v, which makes the tokens of a text a matter of chance; expected null", dropout)
		}
	}
	f.Raw("dropout")
	return o
}

var errUnknown = errors.New("the model BPE has an unk_token that is not in its vocabulary, and the text has an unknown character")

// symbols are the ids of single characters.
type symbols struct {
	bytes [256]int32
	bmp   []int32 // by character below 0x10000
	other map[rune]int32
}

func newSymbols(v *vocab.Vocab) symbols {
	s := symbols{bmp: make([]int32, 1<<16), other: map[rune]int32{}}
	for i := range s.bmp {
		s.bmp[i] = none
	}
	for token, id := range v.IDs {
		r, size := utf8.DecodeRuneInString(token)
		switch {
		case size == 0 || size != len(token):
		case r < 1<<16:
			s.bmp[r] = id
		default:
			s.other[r] = id
		}
	}
	return s
}

// of returns the id of a character, none where it has none.
func (s *symbols) of(r rune) int32 {
	if r < 1<<16 {
		return s.bmp[r]
	}
	if id, ok := s.other[r]; ok {
		return id
	}
	return none
}
