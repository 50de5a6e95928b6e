package tokenizer

import (
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer/internal/vocab"
)

// None is the id of a special token that a tokenizer does not have.
const None int32 = -1

// Limits of what this package reads.
const (
	MaxVocab = vocab.Max     // the largest number of tokens in a vocabulary
	MaxText  = math.MaxInt32 // the largest number of bytes in a text
	MaxFile  = 64 << 20      // the largest number of bytes in a tokenizer.json
)

// Span is the bytes [From, To) of a text.
type Span struct{ From, To int32 }

// Encoding is the tokens of a text, or of a pair of texts.
type Encoding struct {
	IDs     []int32 // in 0 … Vocab-1
	Offsets []Span  // of each token in its text; the tokens of a template are at Span{0, 0}

	// TypeIDs are the numbers that tell a model the texts of a pair apart. They are nil where all are 0.
	TypeIDs []int32

	// Special says which tokens come from the template. It is nil where none does.
	Special []bool

	// Texts are the tokens of the first and of the second text: the indices [From, To).
	Texts [2]Span
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
	*pipeline // of a file, nil for a tokenizer of this package
	kind      *kind
	tokens    []string // by id
	texts     []string // what each token is decoded to, by id
	ids       map[string]int32
	template  Template
	ignored   []string
	roles     *Specials // where a folder says them
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

// Vocab returns the number of ids: they are 0 … Vocab-1. A file may leave some of them without a token.
func (t *Tokenizer) Vocab() int {
	if t.pipeline != nil {
		return t.size()
	}
	return len(t.tokens)
}

// Token returns the name of an id, as tokenizer.json has it: Ġ for the byte 32 of [Bytes]. It is empty for an id without a token.
func (t *Tokenizer) Token(id int32) string {
	if t.pipeline != nil {
		name, _ := t.token(id)
		return name
	}
	if !t.has(id) {
		return ""
	}
	return t.tokens[id]
}

// ID returns the id of a token by its name.
func (t *Tokenizer) ID(token string) (id int32, ok bool) {
	if t.pipeline != nil {
		return t.id(token)
	}
	id, ok = t.ids[token]
	return id, ok
}

// Specials returns the ids of the special tokens. A tokenizer.json does not say which token has which role, but for the unknown token;
// [OpenFolder] reads the roles from the files beside it.
func (t *Tokenizer) Specials() Specials {
	switch {
	case t.roles != nil:
		return *t.roles
	case t.pipeline != nil:
		return Specials{Begin: None, End: None, Unknown: t.model.unknown}
	}
	return t.kind.specials
}

// Ignored returns what a file says that the tokenizer does not follow: truncation and padding, which would lose text or add tokens to it
// silently, and ids of added tokens that the library does not follow either. Each is one sentence or setting.
func (t *Tokenizer) Ignored() []string {
	if t.pipeline != nil {
		return slices.Clone(t.pipeline.ignored)
	}
	return slices.Clone(t.ignored)
}

// Template returns the special tokens that [Tokenizer.EncodeDocument] puts around a text.
func (t *Tokenizer) Template() Template {
	if t.pipeline != nil {
		before, after := t.post.Around()
		return Template{Before: slices.Clone(before), After: slices.Clone(after)}
	}
	return Template{Before: slices.Clone(t.template.Before), After: slices.Clone(t.template.After)}
}

// WithTemplate returns a tokenizer that differs in its template. An id that is no special token is an error. In a pair the template
// stands around each text, and the second has the type id 1.
func (t *Tokenizer) WithTemplate(template Template) (*Tokenizer, error) {
	for _, id := range slices.Concat(template.Before, template.After) {
		if !t.isSpecial(id) {
			names := t.specialNames()
			return nil, fmt.Errorf("tokenizer: the template has the id %d, which is no special token; this tokenizer has %d of them: %q",
				id, len(names), names)
		}
	}
	with := *t
	if t.pipeline == nil {
		with.template = Template{Before: slices.Clone(template.Before), After: slices.Clone(template.After)}
		return &with, nil
	}
	processor, err := t.post.WithTemplate(template.Before, template.After, t.Token)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	p := *t.pipeline
	p.post = processor
	p.finish()
	with.pipeline = &p
	return &with, nil
}

// specialNames are the names of the special tokens.
func (t *Tokenizer) specialNames() (names []string) {
	if t.pipeline == nil {
		return t.kind.added
	}
	for _, token := range t.added.Tokens {
		if token.Special {
			names = append(names, token.Content)
		}
	}
	return names
}

// WithSpecialsAsText returns a tokenizer that reads the name of a special token in a text like any other text, so that no text can forge
// one. The library calls this encode_special_tokens. The tokenizers of this package always do so.
func (t *Tokenizer) WithSpecialsAsText() (*Tokenizer, error) {
	if t.pipeline == nil {
		return t, nil
	}
	set, err := t.added.WithoutSpecials(t.normalizer)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	p, with := *t.pipeline, *t
	p.added = set
	p.finish()
	with.pipeline = &p
	return &with, nil
}

// Encode returns the tokens of a text, without a template.
//
// In a tokenizer of this package the name of a special token in the text is read like any other text, so that no text can forge the end
// of a document. In one of a file it is the special token, as in the library tokenizers; see [Tokenizer.WithSpecialsAsText].
//
// A text of more than [MaxText] bytes is an error. So is a text that is not UTF-8, but for [Bytes]. The doc comment of each constructor
// states its other errors. A file's model may refuse an unknown word or character; the library does the same. The cost is linear in the
// bytes of the text; it is O(n log n) for byte-pair encoding without a pre-tokenizer that cuts.
func (t *Tokenizer) Encode(text string) (Encoding, error) {
	return t.encodeTexts(Template{}, false, text)
}

// EncodeDocument returns the tokens of a text between the special tokens of the template. It is the same as [Tokenizer.Encode] for a
// tokenizer without a template.
func (t *Tokenizer) EncodeDocument(text string) (Encoding, error) {
	return t.encodeTexts(t.template, true, text)
}

// EncodePair returns the tokens of two texts with the template for pairs, such as a question and a passage. The offsets of a token are
// in its own text.
func (t *Tokenizer) EncodePair(first, second string) (Encoding, error) {
	return t.encodeTexts(t.template, true, first, second)
}

func (t *Tokenizer) encodeTexts(template Template, special bool, texts ...string) (Encoding, error) {
	for _, text := range texts {
		if len(text) > MaxText {
			return Encoding{}, fmt.Errorf("tokenizer: the text has %d bytes; expected at most %d: cut it into parts", len(text), MaxText)
		}
		if at := invalid(text); t.pipeline != nil && at >= 0 {
			return Encoding{}, fmt.Errorf("tokenizer: the text is not UTF-8: the byte 0x%02x at byte %d belongs to no character; "+
				"convert the text to UTF-8", text[at], at)
		}
	}
	if t.pipeline != nil {
		e, err := t.encode(texts, special)
		if err != nil {
			return Encoding{}, fmt.Errorf("tokenizer: %w", err)
		}
		return e, nil
	}
	return t.encodeNative(template, texts)
}

// invalid is the first byte of a text that belongs to no character, -1 where there is none.
func invalid(text string) int {
	if utf8.ValidString(text) {
		return -1
	}
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return i
			}
		}
	}
	return -1
}

// encodeNative is encode for the tokenizers of this package.
func (t *Tokenizer) encodeNative(template Template, texts []string) (e Encoding, err error) {
	before, after := len(template.Before), len(template.After)
	room := 0
	for _, text := range texts {
		room += before + t.kind.most(len(text)) + after
	}
	e = Encoding{IDs: make([]int32, 0, room), Offsets: make([]Span, 0, room)}
	var second int
	for i, text := range texts {
		e.IDs = append(e.IDs, template.Before...)
		e.Offsets = append(e.Offsets, make([]Span, before)...)
		from := len(e.IDs)
		if e, err = t.kind.encode(t, e, text); err != nil {
			return Encoding{}, err
		}
		e.Texts[i] = Span{int32(from), int32(len(e.IDs))}
		e.IDs = append(e.IDs, template.After...)
		e.Offsets = append(e.Offsets, make([]Span, after)...)
		if i == 0 {
			second = len(e.IDs)
		}
	}
	e.mark(second, before+after > 0)
	return e, nil
}

// mark fills in which tokens are special, and the types of a pair: 1 from the index second on.
func (e *Encoding) mark(second int, special bool) {
	if second < len(e.IDs) {
		e.TypeIDs = make([]int32, len(e.IDs))
		for i := second; i < len(e.IDs); i++ {
			e.TypeIDs[i] = 1
		}
	}
	if !special {
		return
	}
	e.Special = make([]bool, len(e.IDs))
	for i := range e.IDs {
		at := int32(i)
		e.Special[i] = (at < e.Texts[0].From || at >= e.Texts[0].To) && (at < e.Texts[1].From || at >= e.Texts[1].To)
	}
}

// has says whether id is in the vocabulary of a tokenizer of this package.
func (t *Tokenizer) has(id int32) bool { return id >= 0 && int(id) < len(t.tokens) }

// isSpecial says whether id is a special token.
func (t *Tokenizer) isSpecial(id int32) bool {
	if t.pipeline != nil {
		return t.special(id)
	}
	return t.has(id) && int(id) >= t.plain()
}

// plain is the number of tokens that are not special, which follow them, in a tokenizer of this package.
func (t *Tokenizer) plain() int { return len(t.tokens) - len(t.kind.added) }
