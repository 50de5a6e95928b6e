package tokenizer

import (
	"fmt"
	"unicode/utf8"
)

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
