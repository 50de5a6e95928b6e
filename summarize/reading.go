package summarize

import (
	"context"
	"fmt"

	"github.com/longspan/longspan/tokenizer"
)

// The marks before the parts of a text: its title, the titles of its sections, and its sentences; and the mark of a hidden token.
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

// part is a piece of a text that has a mark.
type part struct {
	mark     string
	text     string
	sentence int32 // −1: none
}

// eachPart yields the title and the sentences of a text, and the title of a section before its first sentence.
func (t *Text) eachPart(use func(part) error) error {
	if err := use(part{titleMark, t.Document.Title, -1}); err != nil {
		return err
	}
	section := -1
	for i, s := range t.Sentences {
		if s.Section != section {
			section = s.Section
			if title := t.Document.Sections[section].Title; title != "" {
				if err := use(part{headingMark, title, -1}); err != nil {
					return err
				}
			}
		}
		if err := use(part{sentenceMark, s.Text, int32(i)}); err != nil {
			return err
		}
	}
	return nil
}

// reading is a text as the tokens that an encoder reads, part by part.
type reading struct {
	tokens    []int32
	lengths   []int            // tokens of each part, with its mark
	parts     []int32          // of each sentence: the index of its part
	sentences []int32          // of each token: its sentence; −1: none
	places    []tokenizer.Span // bytes of each token in the text of its part; those of marks are empty
}

// read encodes a text. Cost: linear in the text.
func (t *Text) read(ctx context.Context, with *tokenizer.Tokenizer, m marks) (*reading, error) {
	r := &reading{}
	id := map[string]int32{titleMark: m.title, headingMark: m.heading, sentenceMark: m.sentence}
	err := t.eachPart(func(u part) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		e, err := with.Encode(u.text)
		if err != nil {
			return fmt.Errorf("summarize: %w", err)
		}
		if u.sentence >= 0 {
			r.parts = append(r.parts, int32(len(r.lengths)))
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

// prefix is the number of parts, and of their tokens and sentences, that fit into a number of tokens; 0: all.
func (r *reading) prefix(most int) (parts, tokens, sentences int) {
	for _, n := range r.lengths {
		if most > 0 && tokens+n > most {
			break
		}
		parts, tokens = parts+1, tokens+n
	}
	for sentences < len(r.parts) && int(r.parts[sentences]) < parts {
		sentences++
	}
	return parts, tokens, sentences
}

// ofSentences are the tokens of each sentence, with its mark.
func (r *reading) ofSentences() (g tokenGroups) {
	g.lengths = make([]int, len(r.parts))
	for i, s := range r.sentences {
		if s >= 0 {
			g.tokens = append(g.tokens, int32(i))
			g.lengths[s]++
		}
	}
	return g
}
