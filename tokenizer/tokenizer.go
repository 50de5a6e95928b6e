package tokenizer

import (
	"fmt"
	"math"
	"slices"

	"github.com/longspan/longspan/tokenizer/internal/normalize"
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

// CheckBelow refuses the tokens of e, made by t, that a model of so many tokens lacks: a tokenizer may have more.
func (t *Tokenizer) CheckBelow(tokens int, e Encoding) error {
	for i, id := range e.IDs {
		if int(id) >= tokens {
			return fmt.Errorf("found the token %q at byte %d, number %d of the tokenizer, expected one of the model's %d tokens; take it out of "+
				"the text", t.Token(id), e.Offsets[i].From, id, tokens)
		}
	}
	return nil
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

// WithSentencePieceNormalizer returns a tokenizer that reads the character map of a SentencePiece model, the normalizer Precompiled, as
// SentencePiece does: it takes the longest entry at each place. The library tokenizers 0.22.2 takes the shortest entry that a grapheme
// cluster begins with, and so loses the tone marks of decomposed Vietnamese; a model whose training used SentencePiece has not seen such
// text. Ids then differ from the library's. A tokenizer without such a normalizer stays as it is.
func (t *Tokenizer) WithSentencePieceNormalizer() (*Tokenizer, error) {
	if t.pipeline == nil {
		return t, nil
	}
	p, with := *t.pipeline, *t
	var err error
	if p.normalizer, err = normalize.Read("normalizer", p.file["normalizer"], normalize.SentencePiece); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if p.added, err = p.added.WithNormalizer(p.normalizer); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	p.finish()
	with.pipeline = &p
	return &with, nil
}
