package tokenizer

import (
	"fmt"
	"math"
	"slices"
)

// None is the id of a special token that a tokenizer does not have.
const None int32 = -1

// Limits of what this package reads.
const (
	MaxVocab = 1 << 20       // the largest number of tokens in a vocabulary
	MaxText  = math.MaxInt32 // the largest number of bytes in a text
	MaxFile  = 64 << 20      // the largest number of bytes in a tokenizer.json
)

// Span is the bytes [From, To) of a text.
type Span struct{ From, To int32 }

// Encoding is the tokens of a text.
type Encoding struct {
	IDs     []int32 // in 0 … Vocab-1
	Offsets []Span  // of each token in the text; the tokens of a template are at Span{0, 0}
}

// Template is the special tokens around a document. Most models expect the ones of their training.
type Template struct {
	Before []int32 // ids in front of the text
	After  []int32 // ids behind the text
}

// Specials are the ids of tokens with a role. An id is [None] where a tokenizer has no such token.
type Specials struct {
	Begin   int32 // begins a document: a language model predicts the first token from it
	End     int32 // ends a document: a language model stops when it draws this token
	Unknown int32 // stands for text that is not known, such as the base N; it is never a target of training
}

// Tokenizer turns text into ids and ids into text. It is immutable: any number of goroutines may use it at once. The constructors and
// [Read] make one; the zero Tokenizer cannot be used.
type Tokenizer struct {
	kind     *kind
	tokens   []string // by id
	texts    []string // what each token is decoded to, by id
	ids      map[string]int32
	template Template
}

// newTokenizer makes a tokenizer of a kind. The kind's added tokens follow the tokens of the vocabulary; texts is nil where each
// token is decoded to itself.
func newTokenizer(k *kind, vocabulary, texts []string) *Tokenizer {
	if texts == nil {
		texts = vocabulary
	}
	t := &Tokenizer{kind: k, tokens: slices.Concat(vocabulary, k.added), texts: slices.Concat(texts, k.added)}
	t.ids = make(map[string]int32, len(t.tokens))
	for id, token := range t.tokens {
		t.ids[token] = int32(id)
	}
	return t
}

// Vocab returns the number of tokens. Ids are 0 … Vocab-1.
func (t *Tokenizer) Vocab() int { return len(t.tokens) }

// Token returns the name of an id, as tokenizer.json has it: Ġ for the byte 32 of [Bytes]. It is empty for an id outside the vocabulary.
func (t *Tokenizer) Token(id int32) string {
	if !t.has(id) {
		return ""
	}
	return t.tokens[id]
}

// ID returns the id of a token by its name.
func (t *Tokenizer) ID(token string) (id int32, ok bool) {
	id, ok = t.ids[token]
	return id, ok
}

// Specials returns the ids of the special tokens.
func (t *Tokenizer) Specials() Specials { return t.kind.specials }

// Template returns the special tokens that [Tokenizer.EncodeDocument] puts around a text.
func (t *Tokenizer) Template() Template {
	return Template{Before: slices.Clone(t.template.Before), After: slices.Clone(t.template.After)}
}

// WithTemplate returns a tokenizer that differs in its template. An id that is no special token is an error.
func (t *Tokenizer) WithTemplate(template Template) (*Tokenizer, error) {
	for _, id := range slices.Concat(template.Before, template.After) {
		if !t.special(id) {
			return nil, fmt.Errorf("tokenizer: the template has the id %d, which is no special token; this tokenizer has %d of them: %q",
				id, len(t.kind.added), t.kind.added)
		}
	}
	with := *t
	with.template = Template{Before: slices.Clone(template.Before), After: slices.Clone(template.After)}
	return &with, nil
}

// Encode returns the tokens of a text, without a template. The name of a special token in the text is read like any other text, so that
// no text can forge the end of a document. The library tokenizers does the same with encode_special_tokens = True.
//
// A text of more than [MaxText] bytes is an error. The doc comment of each constructor states its other errors. The cost is linear in
// the bytes of the text. The two slices of the result are the only allocations.
func (t *Tokenizer) Encode(text string) (Encoding, error) { return t.encode(text, Template{}) }

// EncodeDocument returns the tokens of a text between the special tokens of the template. It is the same as [Tokenizer.Encode] for a
// tokenizer without a template.
func (t *Tokenizer) EncodeDocument(text string) (Encoding, error) { return t.encode(text, t.template) }

func (t *Tokenizer) encode(text string, template Template) (Encoding, error) {
	if len(text) > MaxText {
		return Encoding{}, fmt.Errorf("tokenizer: the text has %d bytes; expected at most %d: cut it into parts", len(text), MaxText)
	}
	before, after := len(template.Before), len(template.After)
	room := before + t.kind.most(len(text)) + after
	e := Encoding{IDs: make([]int32, before, room), Offsets: make([]Span, before, room)}
	copy(e.IDs, template.Before)
	e, err := t.kind.encode(t, e, text)
	if err != nil {
		return Encoding{}, err
	}
	e.IDs = append(e.IDs, template.After...)
	e.Offsets = append(e.Offsets, make([]Span, after)...)
	return e, nil
}

// has says whether id is in the vocabulary.
func (t *Tokenizer) has(id int32) bool { return id >= 0 && int(id) < len(t.tokens) }

// special says whether id is a special token. These follow the others.
func (t *Tokenizer) special(id int32) bool { return t.has(id) && int(id) >= t.plain() }

// plain is the number of tokens that are not special.
func (t *Tokenizer) plain() int { return len(t.tokens) - len(t.kind.added) }
