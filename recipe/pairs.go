package recipe

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/data/text/sample"
	"github.com/longspan/longspan/internal/strict"
)

// Pairs is texts to be made from others, as an encoder-decoder learns to: JSON lines with a source and a target each. A byte is a token.
// The source is read between two text.End; the target is predicted byte by byte from text.End on, and text.End after its last byte.
type Pairs struct {
	Train      []string `yaml:"train,omitempty"`      // files and folders of JSON lines; none means the abstracts and titles of the 24 documents in the program
	Validation []string `yaml:"validation,omitempty"` // where there are none, hold_out says which documents are kept from training
	Test       []string `yaml:"test,omitempty"`       // none means the validation documents
	HoldOut    int      `yaml:"hold_out"`             // every so many documents one is kept from training; 0 keeps none, or every fourth of those in the program
	Source     string   `yaml:"source,omitempty"`     // field of the source, a path as text.NewReader has them; none means source
	Target     string   `yaml:"target,omitempty"`     // field of the target; none means target
	Tokens     int      `yaml:"tokens"`               // longest source, and longest target; 0 means 2048
	Longer     string   `yaml:"longer,omitempty"`     // of sources and targets: error (default) or cut
}

func (p *Pairs) tokens() int { return orDefault(p.Tokens, 2048) }

// fields are where the source and the target are.
func (p *Pairs) fields() (source, target string) {
	if len(p.Train) == 0 {
		return "abstract", "title"
	}
	return cmp.Or(p.Source, "source"), cmp.Or(p.Target, "target")
}

func (p *Pairs) documents() documents {
	d := documents{train: p.Train, validation: p.Validation, test: p.Test, holdOut: p.HoldOut, inProgram: sample.Files()}
	if p.HoldOut == 0 && len(p.Train) == 0 && len(p.Validation) == 0 {
		d.holdOut = 4
	}
	return d
}

func (p *Pairs) check() error {
	source, target := p.fields()
	switch {
	case p.tokens() < 3:
		return strict.Wrong("tokens", "is %d; a source needs at least 3, a byte and what it lies between", p.Tokens)
	case !slices.Contains([]string{"", refuseLonger, cutLonger}, p.Longer):
		return strict.Wrong("longer", "is %q; use error or cut", p.Longer)
	case len(p.Train) == 0 && (p.Source != "" || p.Target != ""):
		return errors.New("source or target is given without train; the documents in the program have fields of their own")
	case len(p.Train) == 0 && len(p.Validation)+len(p.Test) > 0:
		return errors.New("validation or test is given without train; the documents in the program are judged by some of themselves")
	case source == target:
		return strict.Wrong("target", "and source are both the field %s; a target is made from another text", target)
	}
	return p.documents().check()
}

// pairsSet is the pairs of a part. It is a data.Dataset.
type pairsSet struct {
	p                *Pairs
	records          *text.Records
	items            []int32 // the record of each
	sources, targets longer
}

func (p *Pairs) open(batch int, seed uint64) (*Sets, error) {
	s := &Sets{Vocab: text.Vocab, Tokens: p.tokens(), Next: true, Pairs: true, Show: showBytes, Read: readSource}
	var parts [3]*pairsSet
	for _, split := range []data.Split{data.Train, data.Validation, data.Test} {
		set, err := p.read(split)
		if err != nil {
			return nil, err
		}
		if split != data.Test || len(p.Test) > 0 {
			s.Notes = append(s.Notes, slices.Concat(set.sources.notes(split), set.targets.notes(split))...)
		}
		parts[split] = set
		s.Bytes += set.records.Bytes() + 4*int64(cap(set.items))
	}
	s.digest = parts[data.Train].records.Digest()
	return s, s.load(batch, seed, parts[data.Train], parts[data.Validation], parts[data.Test])
}

// sourceRoom and targetRoom are the bytes that fit a sequence: a source lies between two text.End, a target follows one.
func (p *Pairs) sourceRoom() int { return p.tokens() - 2 }
func (p *Pairs) targetRoom() int { return p.tokens() - 1 }

// read reads the pairs of a part.
func (p *Pairs) read(split data.Split) (*pairsSet, error) {
	set := &pairsSet{p: p}
	set.sources = longer{what: p.Longer, noun: "source", tokens: p.tokens()}
	set.targets = longer{what: p.Longer, noun: "target", tokens: p.tokens()}
	var err error
	set.records, err = p.documents().part(split, func(i int, r text.Record) error {
		source, target, err := p.pair(r)
		if err != nil {
			return err
		}
		if _, err := set.sources.fit(r, len(source), p.sourceRoom()); err != nil {
			return err
		}
		set.items = append(set.items, int32(i))
		_, err = set.targets.fit(r, len(target), p.targetRoom())
		return err
	})
	return set, err
}

// pair is the source and the target of a record.
func (p *Pairs) pair(r text.Record) (source, target []byte, err error) {
	from, to := p.fields()
	if source, err = r.Text(from); err != nil {
		return nil, nil, err
	}
	target, err = r.Text(to)
	return source, target, err
}

// Len is the pairs.
func (s *pairsSet) Len() int { return len(s.items) }

// Append adds pair index to dst and its sources; it is the same in every epoch. Where a target was cut nothing is predicted: it does not
// end there.
func (s *pairsSet) Append(dst *data.Batch, _, index int) error {
	if index < 0 || index >= len(s.items) {
		return fmt.Errorf("pair %d of %d", index, len(s.items))
	}
	r, err := s.records.At(int(s.items[index]))
	if err != nil {
		return err
	}
	source, target, err := s.p.pair(r)
	if err != nil {
		return err
	}
	if dst.Source == nil {
		dst.Source = &data.Batch{}
	}
	from := sourceTokens(source[:min(len(source), s.p.sourceRoom())])
	dst.Source.Tokens = append(dst.Source.Tokens, from...)
	dst.Source.Lengths = append(dst.Source.Lengths, len(from))
	last := int32(text.End)
	if room := s.p.targetRoom(); len(target) > room {
		target, last = target[:room], data.Ignore
	}
	dst.Tokens = appendBytes(append(dst.Tokens, text.End), target)
	dst.Targets = append(appendBytes(dst.Targets, target), last)
	dst.Lengths = append(dst.Lengths, len(target)+1)
	return nil
}

// sourceTokens is a source as it is read.
func sourceTokens(b []byte) []int32 {
	return append(appendBytes([]int32{text.End}, b), text.End)
}

// readSource is what a text is to be made from.
func readSource(s string) ([]int32, error) { return sourceTokens([]byte(s)), nil }
