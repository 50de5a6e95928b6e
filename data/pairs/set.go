package pairs

import (
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/documents"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/tokenizer"
)

// set is the pairs of a part. It is a data.Dataset.
type set struct {
	c                *Config
	encoder          *data.Encoder
	around           tokenizer.Template // of a source
	records          *text.Records
	items            []int32 // the record of each pair
	sources, targets documents.Lengths
}

// newSet returns an empty set. A source lies between the special tokens of a document, a target between those of the encoder's targets.
// Texts are counted in units.
func newSet(c *Config, e *data.Encoder, unit string) *set {
	n, m, around, key := c.tokens(), c.targetTokens(), e.Tokenizer.Template(), ""
	if c.TargetTokens > 0 {
		key = "target_tokens"
	}
	return &set{c: c, encoder: e, around: around,
		sources: documents.Lengths{TooLong: c.TooLong, Noun: "source", Tokens: n, Room: n - len(around.Before) - len(around.After), Unit: unit},
		targets: documents.Lengths{TooLong: c.TooLong, Noun: "target", Tokens: m, Room: e.Target.Room(m), Key: key, Unit: unit}}
}

// Add appends a pair.
func (s *set) Add(i int, r text.Record) error {
	source, target, err := s.pair(r)
	if err != nil {
		return err
	}
	if len(source)+len(s.around.Before)+len(s.around.After) == 0 {
		return r.Errorf("the source has no tokens, expected at least one; leave the line out")
	}
	if _, err := s.sources.Fit(r, len(source)); err != nil {
		return err
	}
	s.items = append(s.items, int32(i))
	_, err = s.targets.Fit(r, len(target))
	return err
}

// Finish returns the memory of the pairs, and the notes on their lengths.
func (s *set) Finish(split data.Split, records *text.Records) (bytes int64, notes []string, err error) {
	s.records = records
	return 4 * int64(cap(s.items)), append(s.sources.Notes(split), s.targets.Notes(split)...), nil
}

// pair is the tokens of the source and of the target of a record, without the special ones.
func (s *set) pair(r text.Record) (source, target []int32, err error) {
	from, to := s.c.fields()
	if source, err = r.Tokens(s.encoder, s.c.SourcePrompt, from); err != nil {
		return nil, nil, err
	}
	target, err = r.Tokens(s.encoder, "", to)
	return source, target, err
}

// Len is the number of pairs.
func (s *set) Len() int { return len(s.items) }

// Append adds pair index to dst and its sources; it is the same in every epoch. A truncated target has nothing to predict after its last
// token, as it does not end there.
func (s *set) Append(dst *data.Batch, _, index int) error {
	if index < 0 || index >= len(s.items) {
		return fmt.Errorf("pairs: example %d of %d", index, len(s.items))
	}
	r, err := s.records.At(int(s.items[index]))
	if err != nil {
		return err
	}
	source, target, err := s.pair(r)
	if err != nil {
		return err
	}
	if dst.Source == nil {
		dst.Source = &data.Batch{}
	}
	source = source[:min(len(source), s.sources.Room)]
	dst.Source.Tokens = append(append(append(dst.Source.Tokens, s.around.Before...), source...), s.around.After...)
	dst.Source.Lengths = append(dst.Source.Lengths, len(s.around.Before)+len(source)+len(s.around.After))
	kept := target[:min(len(target), s.targets.Room)]
	s.encoder.Target.Append(dst, kept, len(kept) < len(target))
	return nil
}
