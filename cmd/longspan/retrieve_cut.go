package main

import (
	"fmt"
	"unicode/utf8"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tokenizer"
)

// prompted gives the tokens of a text, with special ones and those of a prompt. Offsets are places in the text.
type prompted func(text string) (tokenizer.Encoding, error)

// cut leaves the beginning of passages, of at most --first tokens with the special ones and the prompt before it, and counts what it left
// out.
func (f *retrieveOptions) cut(m *model.Model, passages []input, prompt string, r *retrieveReading) error {
	if f.first == 0 {
		return nil
	}
	read := func(text string) (tokenizer.Encoding, error) { return m.ReadEmbedded(prompt, text) }
	for i := range passages {
		text, left, err := leading(read, passages[i].text, f.first)
		if err != nil {
			return fmt.Errorf("%s: %w", passages[i].name, err)
		}
		passages[i].text = text
		if left > 0 {
			r.Cut++
			r.LeftOut += left
		}
	}
	return nil
}

// leading is the beginning of a text that is read as at most so many tokens, and the number of tokens that are left out. It ends with a
// token and with a character. The beginning may have other tokens than it has in the whole, so it is read again until it fits.
func leading(read prompted, text string, most int) (begins string, left int, err error) {
	whole, err := read(text)
	if err != nil || len(whole.IDs) <= most {
		return text, 0, err
	}
	count, end := len(whole.IDs), len(text)
	for last := int(whole.Texts[0].To) - 1; count > most; {
		last -= count - most
		if last < int(whole.Texts[0].From) {
			return "", 0, tooFew(read, text, most)
		}
		if end = characters(text, int(whole.Offsets[last].To)); end < 1 {
			return "", 0, tooFew(read, text, most)
		}
		e, err := read(text[:end])
		if err != nil {
			return "", 0, err
		}
		count = len(e.IDs)
	}
	return text[:end], len(whole.IDs) - count, nil
}

// characters is the end of the last character of a text that ends at a byte or before it.
func characters(text string, end int) int {
	for end > 0 && end < len(text) && !utf8.RuneStart(text[end]) {
		end--
	}
	return end
}

// tooFew is the error about a number of tokens that no text has room in.
func tooFew(read prompted, text string, most int) error {
	_, size := utf8.DecodeRuneInString(text)
	e, err := read(text[:size])
	if err != nil {
		return err
	}
	return fmt.Errorf("found --first %d, expected at least %d: the special tokens, the prompt and a character", most, max(most+1, len(e.IDs)))
}
