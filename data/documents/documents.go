// Package documents reads examples of several fields from JSON lines, in three parts: for training, validation and test.
package documents

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/data/text/sample"
	"github.com/longspan/longspan/internal/strict"
)

// Config names the files of the parts. Its fields are those of a recipe.
type Config struct {
	Train      []string // files and folders; none means the 24 documents in the program
	Validation []string // none means the documents that HoldOut keeps from training
	Test       []string // none means the validation documents
	HoldOut    int      // one of HoldOut documents is kept from training; 0 keeps none, or one of four of those in the program
}

// holdOut is HoldOut with its default.
func (c Config) holdOut() int {
	if len(c.Train) == 0 && len(c.Validation) == 0 {
		return cmp.Or(c.HoldOut, 4)
	}
	return c.HoldOut
}

// Check returns an error about a key of a recipe.
func (c Config) Check() error {
	switch n := c.holdOut(); {
	case n < 0 || n == 1:
		return strict.Wrong("hold_out", "is %d; use 0, or 2 and more", n)
	case len(c.Validation) > 0 && n > 0:
		return strict.Wrong("hold_out", "and validation are given together; "+
			"validation documents come from files of their own or from those of the training, not both")
	case len(c.Validation) == 0 && n == 0:
		return errors.New("nothing to validate on; name validation files, or keep documents from training with hold_out: 20")
	}
	return nil
}

// Parts are the documents of the three parts.
type Parts struct {
	Records [3]*text.Records // by data.Split; parts of the same files share their records
	Bytes   int64            // memory that they take
	Notes   []string         // what was left out of folders
}

// Read reads every document once. It shows each to take, with its part and its index among the records of the part; an error of take ends
// it. Test documents are shown if they have files of their own. Documents that would take more than limit bytes of memory are a
// *memory.Error; 0 is no limit.
func (c Config) Read(limit int64, take func(split data.Split, i int, r text.Record) error) (*Parts, error) {
	p, taken := &Parts{}, [3]int{}
	for split, paths := range [][]string{c.Train, c.Validation, c.Test} {
		if split > 0 && len(paths) == 0 {
			continue // the documents of the part before
		}
		i, left := -1, limit
		if limit > 0 {
			left = max(1, limit-p.Bytes)
		}
		records, err := p.read(paths, left, func(r text.Record) error {
			i++
			part := data.Split(split)
			if part == data.Train && text.HeldOut(r.At, c.holdOut()) {
				part = data.Validation
			}
			taken[part]++
			return take(part, i, r)
		})
		if err != nil {
			return nil, err
		}
		for part := split; part < len(p.Records); part++ {
			p.Records[part] = records
		}
	}
	for _, split := range []data.Split{data.Train, data.Validation} {
		if taken[split] == 0 {
			return nil, fmt.Errorf("of %d documents none is left for %s; hold out fewer or more than every %d-th, or name more files",
				p.Records[split].Len(), split, c.holdOut())
		}
	}
	return p, nil
}

// read reads files and folders; none stand for the documents in the program.
func (p *Parts) read(paths []string, limit int64, visit func(text.Record) error) (*text.Records, error) {
	files := sample.Files()
	if len(paths) > 0 {
		var notes []string
		var err error
		if files, notes, err = text.List(paths...); err != nil {
			return nil, err
		}
		p.Notes = append(p.Notes, notes...)
	}
	records, err := text.NewRecords(files, limit, visit)
	if err == nil {
		p.Bytes += records.Bytes()
	}
	return records, err
}
