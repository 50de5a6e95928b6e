package summarize

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer"
)

// The marks before the units of a text: its title, the titles of its sections, and its sentences; and the mark of a hidden token.
const (
	titleMark    = "<title>"
	headingMark  = "<heading>"
	sentenceMark = "<sentence>"
	maskMark     = "<mask>"
)

// Marks are the special tokens of the tokenizer of a Hierarchical scorer.
func Marks() []string { return []string{titleMark, headingMark, sentenceMark, maskMark} }

// marks are the ids of the marks.
type marks struct{ title, heading, sentence, mask int32 }

func marksOf(t *tokenizer.Tokenizer) (m marks, err error) {
	for i, id := range []*int32{&m.title, &m.heading, &m.sentence, &m.mask} {
		var ok bool
		if *id, ok = t.ID(Marks()[i]); !ok {
			return m, fmt.Errorf("found a tokenizer without the token %s, expected the special tokens %v", Marks()[i], Marks())
		}
	}
	return m, nil
}

// unit is a part of a text that has a mark.
type unit struct {
	mark     string
	text     string
	sentence int32 // −1: none
}

// eachUnit yields the title and the sentences of a text, and the title of a section before its first sentence.
func (t *Text) eachUnit(use func(unit) error) error {
	if err := use(unit{titleMark, t.Document.Title, -1}); err != nil {
		return err
	}
	section := -1
	for i, s := range t.Sentences {
		if s.Section != section {
			section = s.Section
			if title := t.Document.Sections[section].Title; title != "" {
				if err := use(unit{headingMark, title, -1}); err != nil {
					return err
				}
			}
		}
		if err := use(unit{sentenceMark, s.Text, int32(i)}); err != nil {
			return err
		}
	}
	return nil
}

// lower is a text in lower case, where that does not move the bytes behind: a few capitals stay.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if small := unicode.ToLower(r); utf8.RuneLen(small) == utf8.RuneLen(r) {
			return small
		}
		return r
	}, text)
}

// reading is a text as the tokens that an encoder reads, unit by unit.
type reading struct {
	tokens    []int32
	lengths   []int            // tokens of each unit, with its mark
	units     []int32          // of each sentence: the index of its unit
	sentences []int32          // of each token: its sentence; −1: none
	places    []tokenizer.Span // bytes of each token in the text of its unit; those of marks are empty
}

// read encodes a text. Cost: linear in the text.
func (t *Text) read(ctx context.Context, with *tokenizer.Tokenizer, m marks) (*reading, error) {
	r := &reading{}
	id := map[string]int32{titleMark: m.title, headingMark: m.heading, sentenceMark: m.sentence}
	err := t.eachUnit(func(u unit) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		e, err := with.Encode(lower(u.text))
		if err != nil {
			return fmt.Errorf("summarize: %w", err)
		}
		if u.sentence >= 0 {
			r.units = append(r.units, int32(len(r.lengths)))
		}
		r.tokens = append(append(r.tokens, id[u.mark]), e.IDs...)
		r.places = append(append(r.places, tokenizer.Span{}), e.Offsets...)
		r.lengths = append(r.lengths, 1+len(e.IDs))
		for range 1 + len(e.IDs) {
			r.sentences = append(r.sentences, u.sentence)
		}
		return nil
	})
	return r, err
}

// prefix is the number of units, and of their tokens and sentences, that fit into a number of tokens; 0: all.
func (r *reading) prefix(most int) (units, tokens, sentences int) {
	for _, n := range r.lengths {
		if most > 0 && tokens+n > most {
			break
		}
		units, tokens = units+1, tokens+n
	}
	for sentences < len(r.units) && int(r.units[sentences]) < units {
		sentences++
	}
	return units, tokens, sentences
}
