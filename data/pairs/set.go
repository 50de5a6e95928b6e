package pairs

import (
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/documents"
	"github.com/longspan/longspan/data/text"
)

// set is the pairs of a part. It is a data.Dataset.
type set struct {
	c                *Config
	records          *text.Records
	items            []int32 // the record of each pair
	sources, targets documents.Lengths
}

// newSet returns an empty set. A source lies between two text.End, a target follows one.
func newSet(c *Config) *set {
	n := c.tokens()
	return &set{c: c,
		sources: documents.Lengths{TooLong: c.TooLong, Noun: "source", Tokens: n, Room: n - 2},
		targets: documents.Lengths{TooLong: c.TooLong, Noun: "target", Tokens: n, Room: n - 1}}
}

// Add appends a pair.
func (s *set) Add(i int, r text.Record) error {
	source, target, err := s.c.pair(r)
	if err != nil {
		return err
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

// pair is the source and the target of a record.
func (c *Config) pair(r text.Record) (source, target []byte, err error) {
	from, to := c.fields()
	if source, err = r.Text(from); err != nil {
		return nil, nil, err
	}
	target, err = r.Text(to)
	return source, target, err
}

// Len is the number of pairs.
func (s *set) Len() int { return len(s.items) }

// Append adds pair index to dst and its sources; it is the same in every epoch. A truncated target has nothing to predict after its last
// byte, as it does not end there.
func (s *set) Append(dst *data.Batch, _, index int) error {
	if index < 0 || index >= len(s.items) {
		return fmt.Errorf("pairs: example %d of %d", index, len(s.items))
	}
	r, err := s.records.At(int(s.items[index]))
	if err != nil {
		return err
	}
	source, target, err := s.c.pair(r)
	if err != nil {
		return err
	}
	if dst.Source == nil {
		dst.Source = &data.Batch{}
	}
	source = source[:min(len(source), s.sources.Room)]
	dst.Source.Tokens = append(text.AppendTokens(append(dst.Source.Tokens, text.End), source), text.End)
	dst.Source.Lengths = append(dst.Source.Lengths, len(source)+2)
	last := int32(text.End)
	if room := s.targets.Room; len(target) > room {
		target, last = target[:room], data.Ignore
	}
	dst.Tokens = text.AppendTokens(append(dst.Tokens, text.End), target)
	dst.Targets = append(text.AppendTokens(dst.Targets, target), last)
	dst.Lengths = append(dst.Lengths, len(target)+1)
	return nil
}
