package contrastive

import (
	"fmt"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/documents"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/tokenizer"
)

// set is the pairs of a part. It is a data.Dataset.
type set struct {
	c         *Config
	tokenizer *tokenizer.Tokenizer
	lowerCase bool
	records   *text.Records
	items     []int32 // the record of each pair

	queries, passages length
}

// length counts the texts of a kind that are too long.
type length struct {
	noun                    string
	texts, tooLong, dropped int // dropped: tokens
}

func newSet(c *Config, t *tokenizer.Tokenizer, lowerCase bool) *set {
	return &set{c: c, tokenizer: t, lowerCase: lowerCase, queries: length{noun: "query"}, passages: length{noun: "passage"}}
}

// Add appends a pair.
func (s *set) Add(i int, r text.Record) error {
	query, passage, err := s.pair(r)
	if err != nil {
		return err
	}
	s.items = append(s.items, int32(i))
	if err := s.count(r, &s.queries, len(query.IDs)); err != nil {
		return err
	}
	return s.count(r, &s.passages, len(passage.IDs))
}

// count refuses a text of n tokens that is too long, unless it is cut.
func (s *set) count(r text.Record, l *length, n int) error {
	l.texts++
	room := s.c.tokens()
	if n <= room {
		return nil
	}
	if s.c.TooLong != documents.Truncate {
		return r.Errorf("the %s has %d tokens, and tokens is %d; raise tokens, or set too_long: truncate", l.noun, n, room)
	}
	l.tooLong++
	l.dropped += n - room
	return nil
}

// Finish returns the memory of the pairs, and the notes on their lengths.
func (s *set) Finish(split data.Split, records *text.Records) (bytes int64, notes []string, err error) {
	s.records = records
	if n := len(s.items); n < 2 {
		return 0, nil, fmt.Errorf("%s: found %d pair, expected at least 2: the passages of the others are the negatives", split, n)
	}
	for _, l := range []length{s.queries, s.passages} {
		if l.tooLong > 0 {
			notes = append(notes, fmt.Sprintf("%s: of %d texts (%s), %d are longer than %d tokens, and were truncated: %d tokens are left out",
				split, l.texts, l.noun, l.tooLong, s.c.tokens(), l.dropped))
		}
	}
	return 4 * int64(cap(s.items)), notes, nil
}

// pair is the tokens of the query and of the passage of a record.
func (s *set) pair(r text.Record) (query, passage tokenizer.Encoding, err error) {
	queries, passages := s.c.fields()
	if query, err = s.encode(r, s.c.QueryPrompt, queries); err != nil {
		return query, passage, err
	}
	passage, err = s.encode(r, s.c.PassagePrompt, passages)
	return query, passage, err
}

// encode is the tokens of a text behind its prompt.
func (s *set) encode(r text.Record, prompt string, fields []string) (e tokenizer.Encoding, err error) {
	body, err := r.Text(fields...)
	if err != nil {
		return e, err
	}
	whole := prompt + string(body)
	if s.lowerCase {
		whole = cases.Lower(language.Und).String(whole)
	}
	if e, err = s.tokenizer.EncodeDocument(whole); err != nil {
		return e, r.Errorf("%w", err)
	}
	return e, nil
}

// Len is the number of pairs.
func (s *set) Len() int { return len(s.items) }

// Append adds pair index to dst, as two sequences; it is the same in every epoch.
func (s *set) Append(dst *data.Batch, _, index int) error {
	if index < 0 || index >= len(s.items) {
		return fmt.Errorf("contrastive: pair %d of %d", index, len(s.items))
	}
	r, err := s.records.At(int(s.items[index]))
	if err != nil {
		return err
	}
	query, passage, err := s.pair(r)
	if err != nil {
		return err
	}
	for _, e := range []tokenizer.Encoding{query, passage} {
		ids := s.fit(e)
		dst.Tokens = append(dst.Tokens, ids...)
		dst.Lengths = append(dst.Lengths, len(ids))
	}
	return nil
}

// fit is the tokens of a text, without the last of those between its special tokens where there are too many.
func (s *set) fit(e tokenizer.Encoding) []int32 {
	over := len(e.IDs) - s.c.tokens()
	if over <= 0 {
		return e.IDs
	}
	end := int(e.Texts[0].To) // special tokens follow
	cut := max(0, end-over)
	ids := append(append([]int32(nil), e.IDs[:cut]...), e.IDs[end:]...)
	return ids[:min(len(ids), s.c.tokens())]
}
