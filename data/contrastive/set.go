package contrastive

import (
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/documents"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/tokenizer"
)

// set is the pairs of a part. It is a data.Dataset.
type set struct {
	c       *Config
	encoder *data.Encoder
	around  tokenizer.Template
	records *text.Records
	items   []int32 // the record of each pair

	queries, passages length
}

// length counts the texts of a kind that are too long.
type length struct {
	noun                    string
	texts, tooLong, dropped int // dropped: tokens
}

// newSet returns an empty set. A text lies between the special tokens that stand around a document for the model's vectors.
func newSet(c *Config, e *data.Encoder) *set {
	return &set{c: c, encoder: e, around: e.Tokenizer.Template(), queries: length{noun: "query"}, passages: length{noun: "passage"}}
}

// Add appends a pair.
func (s *set) Add(i int, r text.Record) error {
	query, passage, err := s.pair(r)
	if err != nil {
		return err
	}
	s.items = append(s.items, int32(i))
	if err := s.count(r, &s.queries, len(query)); err != nil {
		return err
	}
	return s.count(r, &s.passages, len(passage))
}

// checkPrompts refuses a prompt that leaves no room for a text.
func (s *set) checkPrompts() error {
	for _, p := range []struct{ noun, key, text string }{
		{s.queries.noun, "query_prompt", s.c.QueryPrompt}, {s.passages.noun, "passage_prompt", s.c.PassagePrompt},
	} {
		room := documents.Lengths{Noun: p.noun, Room: s.room(), Unit: "tokens"}
		if err := room.CheckPrompt(s.encoder, p.key, p.text); err != nil {
			return err
		}
	}
	return nil
}

// count refuses a text of n tokens that is too long, unless it is cut.
func (s *set) count(r text.Record, l *length, n int) error {
	l.texts++
	room := s.room()
	if n <= room {
		return nil
	}
	if s.c.TooLong != documents.Truncate {
		return r.Errorf("the %s has %d tokens, and with tokens: %d a text has room for %d; raise tokens, or set too_long: truncate", l.noun, n,
			s.c.tokens(), room)
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
func (s *set) pair(r text.Record) (query, passage []int32, err error) {
	queries, passages := s.c.fields()
	if query, err = r.Tokens(s.encoder, s.c.QueryPrompt, queries...); err != nil {
		return nil, nil, err
	}
	passage, err = r.Tokens(s.encoder, s.c.PassagePrompt, passages...)
	return query, passage, err
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
	for _, ids := range [][]int32{query, passage} {
		ids = ids[:min(len(ids), s.room())]
		dst.Tokens = append(append(append(dst.Tokens, s.around.Before...), ids...), s.around.After...)
		dst.Lengths = append(dst.Lengths, len(s.around.Before)+len(ids)+len(s.around.After))
	}
	return nil
}

// room is the number of tokens of a text between the special ones.
func (s *set) room() int { return s.c.tokens() - len(s.around.Before) - len(s.around.After) }
