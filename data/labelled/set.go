package labelled

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/documents"
	"github.com/longspan/longspan/data/text"
)

// set is the documents of a part. It is a data.Dataset.
type set struct {
	c       *Config
	records *text.Records
	items   []item
	classes []string  // names of the documents' classes, until Finish
	numbers []float64 // the documents' numbers, until Finish
	lengths documents.Lengths
	encoder *data.Encoder // nil: one byte a token
	last    atomic.Pointer[document]
}

// document is the tokens of a document that was cut into pieces. An evaluation asks for its pieces one after another.
type document struct {
	record int32
	tokens []int32
}

// item is a document or a piece of one.
type item struct {
	record, from int32
	document     int32 // among those of the part
	label        int32
	value        float32
}

// itemBytes is the size of an item.
const itemBytes = 20

func newSet(c *Config, e *data.Encoder) (*set, error) {
	s := &set{c: c, encoder: e, lengths: documents.Lengths{TooLong: c.TooLong, Noun: "document", Tokens: c.tokens(), Room: c.tokens() - 1}}
	if e == nil {
		return s, nil
	}
	var err error
	s.lengths.Unit = "tokens"
	s.lengths.Room, err = e.Room(c.tokens())
	return s, err
}

// tokens are the tokens of a document, without special ones.
func (s *set) tokens(r text.Record) ([]int32, error) {
	if s.encoder != nil {
		return r.Tokens(s.encoder, "", s.c.fields()...)
	}
	body, err := r.Text(s.c.fields()...)
	if err != nil {
		return nil, err
	}
	return text.AppendTokens(nil, body), nil
}

// around are the special tokens of a document.
func (s *set) around() (before, after []int32) {
	if s.encoder == nil {
		return []int32{text.End}, nil
	}
	return s.encoder.Around()
}

// Add appends a document or its pieces. Its class is a name until Finish.
func (s *set) Add(i int, r text.Record) error {
	body, err := s.tokens(r)
	if err != nil {
		return err
	}
	if err := s.label(r); err != nil {
		return err
	}
	from, err := s.lengths.Fit(r, len(body))
	document := int32(max(len(s.classes), len(s.numbers)) - 1)
	for _, at := range from {
		s.items = append(s.items, item{record: int32(i), from: int32(at), document: document})
	}
	return err
}

// label reads the class or the number of a document.
func (s *set) label(r text.Record) error {
	field := s.c.target()
	value, isNumber, err := r.Scalar(field)
	if err != nil {
		return err
	}
	if s.c.Number == "" {
		if isNumber && strings.ContainsAny(value, ".eE") {
			return r.Errorf("the field %s is %s; a class is a text or a whole number; "+
				"to predict numbers, give number: %s in place of label", field, value, field)
		}
		s.classes = append(s.classes, value)
		return nil
	}
	number, err := strconv.ParseFloat(value, 64)
	if err != nil || !isNumber {
		return r.Errorf("the field %s is %q; expected a number", field, value)
	}
	s.numbers = append(s.numbers, number)
	return nil
}

// learn fills in the classes, or the mean and the deviation of the numbers, from the training documents, unless they are given.
func (c *Config) learn(train *set) error {
	if c.Number != "" {
		if c.Deviation > 0 {
			return nil
		}
		c.Mean, c.Deviation = moments(train.numbers)
		if !(c.Deviation > 0) || math.IsInf(c.Deviation, 0) {
			return fmt.Errorf("the %d numbers to train on have the mean %g and the deviation %g; there is nothing to predict",
				len(train.numbers), c.Mean, c.Deviation)
		}
		return nil
	}
	if len(c.Classes) == 0 {
		c.Classes = slices.Clone(train.classes)
		slices.SortFunc(c.Classes, byNumberThenText)
		c.Classes = slices.Compact(c.Classes)
	}
	if len(c.Classes) < 2 {
		return fmt.Errorf("all %d documents to train on have the class %q; expected two classes or more", len(train.classes), c.Classes[0])
	}
	return nil
}

// byNumberThenText sorts whole numbers by their value, before all other names.
func byNumberThenText(a, b string) int {
	m, errA := strconv.Atoi(a)
	n, errB := strconv.Atoi(b)
	switch {
	case errA == nil && errB == nil && m != n:
		return cmp.Compare(m, n)
	case errA == nil && errB != nil:
		return -1
	case errA != nil && errB == nil:
		return 1
	}
	return strings.Compare(a, b)
}

// moments is the mean of numbers and the root of their mean square distance from it.
func moments(numbers []float64) (mean, deviation float64) {
	for _, v := range numbers {
		mean += v / float64(len(numbers))
	}
	for _, v := range numbers {
		deviation += (v - mean) * (v - mean) / float64(len(numbers))
	}
	return mean, math.Sqrt(deviation)
}

// Finish gives items their classes and values.
func (s *set) Finish(split data.Split, records *text.Records) (bytes int64, notes []string, err error) {
	s.records = records
	if split == data.Train {
		if err := s.c.learn(s); err != nil {
			return 0, nil, err
		}
	}
	return int64(cap(s.items)) * itemBytes, s.lengths.Notes(split), s.resolve()
}

// resolve gives items their classes and values.
func (s *set) resolve() error {
	number := map[string]int32{}
	for i, name := range s.c.Classes {
		number[name] = int32(i)
	}
	for i := range s.items {
		it, known := &s.items[i], true
		if s.c.Number != "" {
			v := (s.numbers[it.document] - s.c.Mean) / s.c.Deviation
			if math.Abs(v) > math.MaxFloat32 {
				return fmt.Errorf("the number %g is %g deviations from the mean; there must be a mistake in it", s.numbers[it.document], v)
			}
			it.value = float32(v)
		} else if it.label, known = number[s.classes[it.document]]; !known {
			r, err := s.records.At(int(it.record))
			if err != nil {
				return err
			}
			return r.Errorf("the class %q is none of those of the training documents, or given: %s; list it in classes if it is one",
				s.classes[it.document], strings.Join(s.c.Classes, ", "))
		}
	}
	s.classes, s.numbers = nil, nil
	return nil
}

// Len is the number of documents, or of their pieces.
func (s *set) Len() int { return len(s.items) }

// Append adds document index to dst; it is the same in every epoch.
func (s *set) Append(dst *data.Batch, _, index int) error {
	if index < 0 || index >= len(s.items) {
		return fmt.Errorf("labelled: example %d of %d", index, len(s.items))
	}
	it := s.items[index]
	body, err := s.tokensOf(it.record)
	if err != nil {
		return err
	}
	body = body[it.from:]
	body = body[:min(len(body), s.lengths.Room)]
	before, after := s.around()
	dst.Tokens = append(append(append(dst.Tokens, before...), body...), after...)
	dst.Lengths = append(dst.Lengths, len(before)+len(body)+len(after))
	if s.c.Number != "" {
		dst.Values = append(dst.Values, it.value)
	} else {
		dst.Labels = append(dst.Labels, it.label)
	}
	return nil
}

// tokensOf are the tokens of the document of a record, which nobody changes. Those of the last document are still there.
func (s *set) tokensOf(record int32) ([]int32, error) {
	if d := s.last.Load(); d != nil && d.record == record {
		return d.tokens, nil
	}
	r, err := s.records.At(int(record))
	if err != nil {
		return nil, err
	}
	tokens, err := s.tokens(r)
	if err != nil {
		return nil, err
	}
	s.last.Store(&document{record, tokens})
	return tokens, nil
}
