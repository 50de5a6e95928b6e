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

// Config is the files of the parts. The fields are keys of a recipe.
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

// Check returns an error about a key.
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

// Set is the examples of a part.
type Set interface {
	data.Dataset

	// Add appends the examples of record i, which is valid until Add returns.
	Add(i int, r text.Record) error

	// Finish is called once, after the last Add, with the records that the examples are in. Finish of the training part is called first. It
	// returns the bytes of the examples in memory, and notes.
	Finish(split data.Split, records *text.Records) (bytes int64, notes []string, err error)
}

// Open reads every document once, into the set of its part, and fills the sources, Bytes and Notes of b. Without test files the test set is
// the validation set. Documents that would take more than o.Memory bytes are a *memory.Error.
func (c Config) Open(b *data.Bundle, o data.OpenOptions, sets [3]Set) error {
	p := parts{sets: sets, holdOut: c.holdOut()}
	for split, paths := range [][]string{c.Train, c.Validation, c.Test} {
		if split > 0 && len(paths) == 0 {
			continue // the documents of the part before
		}
		if err := p.read(b, data.Split(split), paths, o.Memory); err != nil {
			return err
		}
	}
	for _, split := range []data.Split{data.Train, data.Validation} {
		if p.count[split] == 0 {
			return fmt.Errorf("of %d documents none is left for %s; hold out fewer or more than every %d-th, or name more files",
				p.records[split].Len(), split, c.holdOut())
		}
	}
	if len(c.Test) == 0 {
		p.sets[data.Test] = p.sets[data.Validation]
	}
	for split, s := range p.sets {
		if split == int(data.Test) && len(c.Test) == 0 {
			break
		}
		bytes, notes, err := s.Finish(data.Split(split), p.records[split])
		if err != nil {
			return err
		}
		b.Bytes, b.Notes = b.Bytes+bytes, append(b.Notes, notes...)
	}
	return b.Load(data.Parts{Train: p.sets[data.Train], Validation: p.sets[data.Validation], Test: p.sets[data.Test],
		Digest: p.records[data.Train].Digest()}, o)
}

// parts are the documents of the three parts, by data.Split.
type parts struct {
	sets    [3]Set
	records [3]*text.Records // parts of the same files share their records
	count   [3]int           // of documents
	holdOut int
}

// read reads the files and folders of a part, and of the parts after it until they have their own. No paths mean the documents in the
// program.
func (p *parts) read(b *data.Bundle, split data.Split, paths []string, limit int64) error {
	files := sample.Files()
	if len(paths) > 0 {
		var notes []string
		var err error
		if files, notes, err = text.List(paths...); err != nil {
			return err
		}
		b.Notes = append(b.Notes, notes...)
	}
	if limit > 0 {
		limit = max(1, limit-b.Bytes)
	}
	i := -1
	records, err := text.NewRecords(files, limit, func(r text.Record) error {
		i++
		part := split
		if part == data.Train && text.HeldOut(r.At, p.holdOut) {
			part = data.Validation
		}
		p.count[part]++
		return p.sets[part].Add(i, r)
	})
	if err != nil {
		return err
	}
	b.Bytes += records.Bytes()
	for part := int(split); part < len(p.records); part++ {
		p.records[part] = records
	}
	return nil
}
