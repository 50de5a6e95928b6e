package recipe

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/internal/strict"
)

// documents says where examples of several fields come from: JSON lines, a document a line.
type documents struct {
	train, validation, test []string
	holdOut                 int
	inProgram               text.Files // where train is empty
}

func (d documents) check() error {
	switch {
	case d.holdOut < 0 || d.holdOut == 1:
		return strict.Wrong("hold_out", "is %d; use 0, or 2 and more", d.holdOut)
	case len(d.validation) > 0 && d.holdOut > 0:
		return strict.Wrong("hold_out", "and validation are given together; validation documents come from files of their own or from training's, not both")
	case len(d.validation) == 0 && d.holdOut == 0:
		return errors.New("nothing to validate on; name validation files, or keep documents from training with hold_out: 20")
	}
	return nil
}

// part reads the documents of a part: take is shown each, and says by an error what is wrong with it. It returns what identifies them.
func (d documents) part(split data.Split, take func(i int, r text.Record) error) (*text.Records, error) {
	paths, held := d.train, false
	switch {
	case split == data.Test && len(d.test) > 0:
		paths = d.test
	case split != data.Train && len(d.validation) > 0:
		paths = d.validation
	default:
		held = split != data.Train
	}
	files := d.inProgram
	if len(paths) > 0 {
		var err error
		if files, _, err = text.List(paths...); err != nil {
			return nil, err
		}
	}
	whole := split == data.Test && len(d.test) > 0
	taken, i := 0, -1
	records, err := text.NewRecords(files, func(r text.Record) error {
		i++
		if !whole && d.holdOut > 0 && d.isHeld(r.At) != held {
			return nil
		}
		taken++
		return take(i, r)
	})
	if err == nil && taken == 0 {
		err = fmt.Errorf("of %d documents none is left for %s; hold out fewer or more than every %d-th, or name more files", i+1, split, d.holdOut)
	}
	return records, err
}

// isHeld says whether a document is held out of training: by its file's place in the list and its line.
func (d documents) isHeld(at text.Position) bool {
	return data.Mix(data.Mix(uint64(at.File))+uint64(at.Line))%uint64(d.holdOut) == 0
}

// What to do with documents longer than a sequence.
const (
	refuseLonger = "error"
	cutLonger    = "cut"
	splitLonger  = "split"
)

// document is what a text of its own is called.
const document = "document"

// longer counts what was done to documents longer than a sequence.
type longer struct {
	what      string // one of the above
	noun      string // what they are: document, source or target
	tokens    int    // of a sequence
	documents int
	more      int // of them longer
	dropped   int // bytes
	pieces    int // of those that were split
}

// fit says from which bytes on the pieces of a document of n bytes begin, in sequences of room bytes.
func (l *longer) fit(r text.Record, n, room int) (from []int, err error) {
	l.documents++
	if n <= room {
		return []int{0}, nil
	}
	l.more++
	switch l.what {
	case cutLonger:
		l.dropped += n - room
		return []int{0}, nil
	case splitLonger:
		for at := 0; at < n; at += room {
			from = append(from, at)
		}
		l.pieces += len(from)
		return from, nil
	}
	advice := "longer: cut or longer: split"
	if l.noun != document {
		advice = "longer: cut" // a piece of a source has no target of its own
	}
	return nil, r.Errorf("the %s has %d bytes, and with tokens: %d a sequence has room for %d; raise tokens, or say with %s what to do",
		l.noun, n, l.tokens, room, advice)
}

// notes says what was done, if anything was.
func (l *longer) notes(split data.Split) []string {
	if l.more == 0 {
		return nil
	}
	what := fmt.Sprintf("%s: %d of %d %ss are longer than %d tokens, and were", split, l.more, l.documents, l.noun, l.tokens)
	if l.what == cutLonger {
		return []string{fmt.Sprintf("%s cut: %d bytes are left out", what, l.dropped)}
	}
	return []string{fmt.Sprintf("%s split into %d pieces", what, l.pieces)}
}

// appendBytes adds bytes as tokens.
func appendBytes(dst []int32, b []byte) []int32 {
	for _, c := range b {
		dst = append(dst, int32(c))
	}
	return dst
}
