package recipe

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/data/text/sample"
	"github.com/longspan/longspan/internal/strict"
)

// Labelled is documents with a class each, or a number each: JSON lines, a document a line. A sequence is text.End, and then a byte a
// token.
type Labelled struct {
	Train      []string `yaml:"train,omitempty"`      // files and folders of JSON lines; none means the 24 documents in the program, by their source
	Validation []string `yaml:"validation,omitempty"` // where there are none, hold_out says which documents are kept from training
	Test       []string `yaml:"test,omitempty"`       // none means the validation documents
	HoldOut    int      `yaml:"hold_out"`             // every so many documents one is kept from training; 0 keeps none, or every fourth of those in the program
	Fields     []string `yaml:"fields,omitempty"`     // of the text; none means text
	Label      string   `yaml:"label,omitempty"`      // field of the class, a text or a whole number; none means label, where number is not given
	Number     string   `yaml:"number,omitempty"`     // field of the number to predict, in place of a class
	Tokens     int      `yaml:"tokens"`               // longest sequence; 0 means 2048
	Longer     string   `yaml:"longer,omitempty"`     // of documents: error (default), cut, or split into pieces that are examples of their own

	// What opening the training documents finds, unless it is given: a run keeps it.
	Classes   []string `yaml:"classes,omitempty"` // in order: class 0, 1, …
	Mean      float64  `yaml:"mean,omitempty"`    // of the numbers; the model predicts (number − mean)/deviation
	Deviation float64  `yaml:"deviation,omitempty"`
}

func (l *Labelled) tokens() int { return orDefault(l.Tokens, 2048) }

func (l *Labelled) documents() documents {
	d := documents{train: l.Train, validation: l.Validation, test: l.Test, holdOut: l.HoldOut, inProgram: sample.Files()}
	if l.HoldOut == 0 && len(l.Train) == 0 && len(l.Validation) == 0 {
		d.holdOut = 4
	}
	return d
}

func (l *Labelled) check() error {
	switch {
	case l.tokens() < 2:
		return strict.Wrong("tokens", "is %d; a sequence needs at least 2, one to begin with and a byte", l.Tokens)
	case !slices.Contains([]string{"", refuseLonger, cutLonger, splitLonger}, l.Longer):
		return strict.Wrong("longer", "is %q; use error, cut or split", l.Longer)
	case l.Label != "" && l.Number != "":
		return strict.Wrong("number", "and label are given together; a model classifies, or predicts a number, not both")
	case l.Number != "" && len(l.Classes) > 0:
		return strict.Wrong("classes", "are given with number; numbers have none")
	case l.Number == "" && (l.Mean != 0 || l.Deviation != 0):
		return strict.Wrong("mean", "and deviation are given without number; classes have none")
	case !(l.Deviation >= 0) || math.IsInf(l.Deviation, 0) || math.IsNaN(l.Mean) || math.IsInf(l.Mean, 0):
		return strict.Wrong("deviation", "is %g, and mean %g; expected a positive number and a finite one", l.Deviation, l.Mean)
	case l.Deviation == 0 && l.Mean != 0:
		return strict.Wrong("mean", "is given without deviation; give both, or none to have them from the training documents")
	case len(l.Train) == 0 && (len(l.Fields) > 0 || l.Number != "" || l.Label != "" && l.Label != "source"):
		return errors.New("fields, label or number are given without train; the documents in the program have fields of their own, and are labelled by their source")
	}
	for i, name := range l.Classes {
		if slices.Contains(l.Classes[:i], name) {
			return strict.Wrong("classes", "has %q twice", name)
		}
	}
	return l.documents().check()
}

// labelledSet is the documents of a part. It is a data.Dataset.
type labelledSet struct {
	l       *Labelled
	records *text.Records
	items   []labelledItem
	classes []string  // of the documents, one each, before they have numbers
	numbers []float64 // the same for numbers
	longer  longer
}

// labelledItem is a document or a piece of one.
type labelledItem struct {
	record, from int32
	document     int32 // among those of the part
	label        int32
	value        float32
}

// itemBytes is the size of a labelledItem.
const itemBytes = 20

func (l *Labelled) open(batch int, seed uint64) (*Sets, error) {
	s := &Sets{Vocab: text.Vocab, Tokens: l.tokens(), Show: showBytes, Read: readBytes}
	var parts [3]*labelledSet
	for _, split := range []data.Split{data.Train, data.Validation, data.Test} {
		set, err := l.read(split)
		if err != nil {
			return nil, err
		}
		if split == data.Train {
			if err := l.learn(set); err != nil {
				return nil, err
			}
		}
		if err := set.resolve(); err != nil {
			return nil, err
		}
		if split != data.Test || len(l.Test) > 0 {
			s.Notes = append(s.Notes, set.longer.notes(split)...)
		}
		parts[split] = set
		s.Bytes += set.records.Bytes() + int64(cap(set.items))*itemBytes
	}
	if l.Number != "" {
		s.Numbers, s.Mean, s.Deviation = true, l.Mean, l.Deviation
	} else {
		s.Classes, s.ClassNames = len(l.Classes), l.Classes
	}
	s.digest = parts[data.Train].records.Digest()
	return s, s.load(batch, seed, parts[data.Train], parts[data.Validation], parts[data.Test])
}

// read reads the documents of a part, whose classes are still names.
func (l *Labelled) read(split data.Split) (*labelledSet, error) {
	set := &labelledSet{l: l, longer: longer{what: l.Longer, noun: document, tokens: l.tokens()}}
	var err error
	set.records, err = l.documents().part(split, func(i int, r text.Record) error {
		body, err := r.Text(l.fields()...)
		if err != nil {
			return err
		}
		if err := set.label(r); err != nil {
			return err
		}
		from, err := set.longer.fit(r, len(body), l.tokens()-1)
		for _, at := range from {
			set.items = append(set.items, labelledItem{record: int32(i), from: int32(at), document: int32(max(len(set.classes), len(set.numbers)) - 1)})
		}
		return err
	})
	return set, err
}

func (l *Labelled) fields() []string {
	if len(l.Train) == 0 {
		return sample.Fields()
	}
	return l.Fields
}

// label reads the class or the number of a document.
func (s *labelledSet) label(r text.Record) error {
	field := s.l.Number
	if field == "" {
		field = s.l.Label
	}
	switch {
	case field == "" && len(s.l.Train) == 0:
		field = "source"
	case field == "":
		field = "label"
	}
	value, isNumber, err := r.Scalar(field)
	if err != nil {
		return err
	}
	if s.l.Number == "" {
		if isNumber && strings.ContainsAny(value, ".eE") {
			return r.Errorf("the field %s is %s; a class is a text or a whole number; to predict numbers, give number: %s in place of label", field, value, field)
		}
		if len(s.l.Classes) > 0 && !slices.Contains(s.l.Classes, value) {
			return r.Errorf("the class %q is none of those of the training documents, or given: %s; list it in classes if it is one", value, strings.Join(s.l.Classes, ", "))
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

// learn takes from the training documents what is not given: the classes, or the mean and the deviation of the numbers.
func (l *Labelled) learn(train *labelledSet) error {
	if l.Number != "" {
		if l.Deviation > 0 {
			return nil
		}
		l.Mean, l.Deviation = moments(train.numbers)
		if !(l.Deviation > 0) || math.IsInf(l.Deviation, 0) {
			return fmt.Errorf("the %d numbers to train on have the mean %g and the deviation %g; there is nothing to predict", len(train.numbers), l.Mean, l.Deviation)
		}
		return nil
	}
	if len(l.Classes) == 0 {
		l.Classes = slices.Clone(train.classes)
		slices.SortFunc(l.Classes, byNumberThenText)
		l.Classes = slices.Compact(l.Classes)
	}
	if len(l.Classes) < 2 {
		return fmt.Errorf("all %d documents to train on have the class %q; expected two classes or more", len(train.classes), l.Classes[0])
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

// resolve gives items their classes and values.
func (s *labelledSet) resolve() error {
	for i := range s.items {
		item := &s.items[i]
		if s.l.Number != "" {
			v := (s.numbers[item.document] - s.l.Mean) / s.l.Deviation
			if math.Abs(v) > math.MaxFloat32 {
				return fmt.Errorf("the number %g is %g deviations from the mean; there must be a mistake in it", s.numbers[item.document], v)
			}
			item.value = float32(v)
			continue
		}
		item.label = int32(slices.Index(s.l.Classes, s.classes[item.document]))
	}
	s.classes, s.numbers = nil, nil
	return nil
}

// Len is the documents, or with pieces the pieces.
func (s *labelledSet) Len() int { return len(s.items) }

// Append adds document index to dst; it is the same in every epoch.
func (s *labelledSet) Append(dst *data.Batch, _, index int) error {
	item := s.items[index]
	r, err := s.records.At(int(item.record))
	if err != nil {
		return err
	}
	body, err := r.Text(s.l.fields()...)
	if err != nil {
		return err
	}
	body = body[item.from:]
	body = body[:min(len(body), s.l.tokens()-1)]
	dst.Tokens = appendBytes(append(dst.Tokens, text.End), body)
	dst.Lengths = append(dst.Lengths, len(body)+1)
	if s.l.Number != "" {
		dst.Values = append(dst.Values, item.value)
	} else {
		dst.Labels = append(dst.Labels, item.label)
	}
	return nil
}
