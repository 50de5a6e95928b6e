package model

import (
	"errors"
	"sort"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"github.com/longspan/longspan/tokenizer"
)

// prompted returns the tokens of a prompt and a text after it, with the special tokens of a document, and the index of the first token of
// the text. Offsets are those of the text; tokens of the prompt are at 0.
func (m *Model) prompted(prompt, text string) (e tokenizer.Encoding, first int, err error) {
	whole, original := prompt+text, func(at int) int { return at }
	if m.answers.LowerCase {
		whole, original = lowered(whole)
	}
	if e, err = m.encodeDocument(whole); err != nil {
		return e, 0, err
	}
	at := func(offset int32) int32 { return int32(max(0, original(int(offset))-len(prompt))) }
	for i, span := range e.Offsets {
		e.Offsets[i] = tokenizer.Span{From: at(span.From), To: at(span.To)}
	}
	first, last := int(e.Texts[0].From), int(e.Texts[0].To)
	for first < last && prompt != "" && e.Offsets[first].To == 0 {
		first++
	}
	return e, first, nil
}

// ReadEmbedded returns the tokens of a text after a prompt as [Session.EmbedEach] reads them: with special tokens, and not in chunks.
// Offsets are places in the text; those of the prompt's tokens are 0. It returns an error for a model without a tokenizer, and for a text
// of no tokens or of tokens that the model does not have.
func (m *Model) ReadEmbedded(prompt, text string) (tokenizer.Encoding, error) {
	e, _, err := m.prompted(prompt, text)
	return e, err
}

// lowered is a text in lower case, and the place in the text of each byte of it.
func lowered(text string) (lower string, original func(int) int) {
	lower = cases.Lower(language.Und).String(text)
	type shift struct{ at, by int } // from the byte at on, the text lies by bytes further
	var shifts []shift
	at, by := 0, 0
	for i, r := range text {
		_, size := utf8.DecodeRuneInString(lower[at:])
		if r == 'İ' { // the only character that becomes two
			_, more := utf8.DecodeRuneInString(lower[at+size:])
			size += more
		}
		at += size
		if n := i + utf8.RuneLen(r) - at; n != by {
			by = n
			shifts = append(shifts, shift{at, n})
		}
	}
	return lower, func(at int) int {
		k := sort.Search(len(shifts), func(i int) bool { return shifts[i].at > at })
		if k == 0 {
			return at
		}
		return at + shifts[k-1].by
	}
}

var errEmpty = errors.New("model: the text is empty, expected something to read")

// checkTexts refuses what no reader takes.
func (s *Session) checkTexts(texts []string) error {
	switch {
	case s.x.Pool.Dry():
		return errors.New("model: found a session with a dry pool, which computes nothing; expected a pool with memory")
	case s.m.tokenizer == nil:
		return s.m.textError()
	case s.m.spec.Kind == EncoderDecoder:
		return errors.New("model: found a model of kind encoder-decoder, which reads a source; expected an encoder or a decoder")
	}
	for i, text := range texts {
		if text == "" {
			return &TextError{i, len(texts), errEmpty}
		}
	}
	return nil
}

// bytesOf is the number of bytes of texts.
func bytesOf(texts []string) (n int64) {
	for _, text := range texts {
		n += int64(len(text))
	}
	return n
}
