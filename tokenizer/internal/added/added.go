// Package added has the added tokens of a tokenizer.json: names that are found in a text before the model reads the rest of it.
package added

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer/internal/aligned"
	"github.com/longspan/longspan/tokenizer/internal/chars"
	"github.com/longspan/longspan/tokenizer/internal/normalize"
	"github.com/longspan/longspan/tokenizer/internal/trie"
	"github.com/longspan/longspan/tokenizer/internal/vocab"
)

// Token is an added token.
type Token struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // it is none inside a word
	LStrip     bool   `json:"lstrip"`      // it takes the white space before it
	RStrip     bool   `json:"rstrip"`      // it takes the white space behind it
	Normalized bool   `json:"normalized"`  // it is looked for in the normalized text, and is normalized itself
	Special    bool   `json:"special"`     // it is left out of decoded text
}

// Set is the added tokens of a tokenizer. It is immutable.
type Set struct {
	Tokens  []Token  // in the order of the file
	Notes   []string // where the library does not follow the file
	byID    map[int32]int
	byName  map[string]int
	plain   bool   // special tokens are left to the model
	exact   finder // looked for in the text as it is
	changed finder // looked for in the normalized text
	top     int32  // the largest id
}

// finder finds tokens in a text.
type finder struct {
	trie   *trie.Trie
	tokens []Token   // by the value of the trie
	begins [256]bool // the first bytes of tokens
}

func newFinder(tokens []Token, contents []string) finder {
	f := finder{trie: trie.New(contents), tokens: tokens}
	for _, c := range contents {
		f.begins[c[0]] = true
	}
	return f
}

// Read reads the list of added tokens. Ids follow the library: a token of the model's vocabulary has its id there, and the others are
// numbered from the size of the vocabulary on, whatever the file says. Where the file says something else, a note says so.
func Read(raw json.RawMessage, v *vocab.Vocab, n normalize.Normalizer) (*Set, error) {
	var all []Token
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &all); err != nil {
			return nil, fmt.Errorf("the component added_tokens: %w", err)
		}
	}
	return New(all, v, n)
}

// New returns a set.
func New(all []Token, v *vocab.Vocab, n normalize.Normalizer) (*Set, error) {
	s := &Set{byID: map[int32]int{}, byName: map[string]int{}, top: -1}
	next := int32(len(v.IDs))
	for _, t := range all {
		if t.Content == "" {
			continue // the library leaves it out
		}
		said := t.ID
		at, again := s.byName[t.Content]
		switch id, known := v.IDs[t.Content]; {
		case known:
			t.ID = id
		case again:
			t.ID = s.Tokens[at].ID
		default:
			t.ID = next
			next++
		}
		if t.ID != said {
			s.Notes = append(s.Notes, fmt.Sprintf("the file gives the added token %q the id %d; the library tokenizers counts, and gives it %d",
				t.Content, said, t.ID))
		}
		if again {
			s.Tokens[at] = t
			continue
		}
		if t.ID >= vocab.Max {
			return nil, fmt.Errorf("the added token %q has the id %d; expected 0 … %d", t.Content, t.ID, vocab.Max-1)
		}
		s.byName[t.Content], s.byID[t.ID] = len(s.Tokens), len(s.Tokens)
		s.Tokens = append(s.Tokens, t)
		s.top = max(s.top, t.ID)
	}
	return s, s.build(n)
}

// build makes the finders.
func (s *Set) build(n normalize.Normalizer) error {
	var exact, changed []Token
	var contents, normalized []string
	for _, t := range s.Tokens {
		if s.plain && t.Special {
			continue
		}
		if !t.Normalized {
			exact, contents = append(exact, t), append(contents, t.Content)
			continue
		}
		text := aligned.Of(t.Content, 0)
		if n != nil {
			var err error
			if text, err = n.Apply(text); err != nil {
				return err
			}
		}
		if text.S == "" {
			return fmt.Errorf("the added token %q is empty after it is normalized; expected a token that a text can have", t.Content)
		}
		changed, normalized = append(changed, t), append(normalized, text.S)
	}
	s.exact, s.changed = newFinder(exact, contents), newFinder(changed, normalized)
	return nil
}

// WithoutSpecials returns the set in which special tokens are not looked for.
func (s *Set) WithoutSpecials(n normalize.Normalizer) (*Set, error) {
	with := *s
	with.plain = true
	return &with, with.build(n)
}

// WithNormalizer returns the set whose tokens are normalized in another way.
func (s *Set) WithNormalizer(n normalize.Normalizer) (*Set, error) {
	with := *s
	return &with, with.build(n)
}

// ByID returns the token of an id.
func (s *Set) ByID(id int32) (Token, bool) {
	at, ok := s.byID[id]
	if !ok {
		return Token{}, false
	}
	return s.Tokens[at], true
}

// ByName returns the token of a name.
func (s *Set) ByName(name string) (Token, bool) {
	at, ok := s.byName[name]
	if !ok {
		return Token{}, false
	}
	return s.Tokens[at], true
}

// Top is the largest id, -1 where there is none.
func (s *Set) Top() int32 { return s.top }

// Exact calls found with each token of the text as it is, and rest with the texts between.
func (s *Set) Exact(t aligned.Text, found func(Token, aligned.Text), rest func(aligned.Text)) {
	s.exact.find(t, found, rest)
}

// HasNormalized says whether tokens are looked for in the normalized text.
func (s *Set) HasNormalized() bool { return len(s.changed.tokens) > 0 }

// Normalized calls found with each token of the normalized text, and rest with the texts between.
func (s *Set) Normalized(t aligned.Text, found func(Token, aligned.Text), rest func(aligned.Text)) {
	s.changed.find(t, found, rest)
}

// find takes the leftmost token, of these the longest, and goes on behind it. No text is empty.
func (f *finder) find(t aligned.Text, found func(Token, aligned.Text), rest func(aligned.Text)) {
	last := 0
	if len(f.tokens) > 0 {
		for i := 0; i < len(t.S); {
			if !f.begins[t.S[i]] {
				i++
				continue
			}
			value, size := f.trie.Longest(t.S[i:])
			if value == trie.None {
				i++
				continue
			}
			token := f.tokens[value]
			from, to, ok := token.widen(t.S, i, i+size, last)
			i += size
			if !ok {
				continue
			}
			if last < from {
				rest(t.Slice(last, from))
			}
			if from < to {
				found(token, t.Slice(from, to))
			}
			last = to
		}
	}
	if last < len(t.S) {
		rest(t.Slice(last, len(t.S)))
	}
}

// widen returns the bytes of a token with the white space that belongs to it. ok is false where the token must be a word and is none.
func (t Token) widen(s string, from, to, last int) (begin, end int, ok bool) {
	table := chars.All()
	if t.SingleWord {
		before, _ := utf8.DecodeLastRuneInString(s[:from])
		after, _ := utf8.DecodeRuneInString(s[to:])
		if from > 0 && table.Of(before)&chars.RustWord != 0 || to < len(s) && table.Of(after)&chars.RustWord != 0 {
			return 0, 0, false
		}
	}
	if t.LStrip {
		from = max(last, trimRight(table, s[:from]))
	}
	if t.RStrip {
		to = len(s) - trimLeft(table, s[to:])
	}
	return from, to, true
}

// trimRight is the size of s without the white space at its end.
func trimRight(table *chars.Tables, s string) int {
	for len(s) > 0 {
		r, size := utf8.DecodeLastRuneInString(s)
		if table.Of(r)&chars.RustSpace == 0 {
			break
		}
		s = s[:len(s)-size]
	}
	return len(s)
}

// trimLeft is the size of s without the white space at its beginning.
func trimLeft(table *chars.Tables, s string) int {
	for len(s) > 0 {
		class, size := table.Decode(s)
		if class&chars.RustSpace == 0 {
			break
		}
		s = s[size:]
	}
	return len(s)
}
