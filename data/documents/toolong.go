package documents

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/internal/strict"
)

// The treatment of texts that are longer than a sequence.
const (
	Error    = "error" // the default
	Truncate = "truncate"
	Split    = "split"
)

// CheckTooLong refuses a too_long that is none of those allowed.
func CheckTooLong(found string, allowed ...string) error {
	if found == "" || slices.Contains(allowed, found) {
		return nil
	}
	last := len(allowed) - 1
	return strict.Wrong("too_long", "is %q; use %s or %s", found, strings.Join(allowed[:last], ", "), allowed[last])
}

// Lengths fits texts into sequences, and counts those that are too long.
type Lengths struct {
	TooLong string // one of the constants above
	Noun    string // of the texts: document, source or target
	Tokens  int    // of a sequence
	Room    int    // the largest number of bytes, or of tokens, in a sequence
	Unit    string // bytes or tokens; empty: bytes
	Key     string // of the recipe, that sets Tokens; empty: tokens

	documents, tooLong int
	dropped            int // units
	pieces             int // of those that were split
}

// unit is the unit of lengths.
func (l *Lengths) unit() string { return cmp.Or(l.Unit, "bytes") }

func (l *Lengths) key() string { return cmp.Or(l.Key, "tokens") }

// Check refuses a sequence without room for a unit between the special tokens.
func (l *Lengths) Check() error {
	if l.Room < 1 {
		return fmt.Errorf("found %ss of %d tokens, of which %d are special, expected more; raise %s", l.Noun, l.Tokens, l.Tokens-l.Room, l.key())
	}
	return nil
}

// CheckPrompt refuses a prompt before the texts that leaves no room for a text. The key of the recipe gives it.
func (l *Lengths) CheckPrompt(e *data.Encoder, key, prompt string) error {
	ids, err := e.Tokens(prompt)
	if err != nil {
		return strict.Wrong(key, "%w", err)
	}
	if len(ids) > 0 && len(ids) >= l.Room {
		return strict.Wrong(key, "has %d %s, and a %s has room for %d: no text is left; shorten it, or raise %s", len(ids), l.unit(), l.Noun,
			l.Room, l.key())
	}
	return nil
}

// Fit returns the first bytes, or tokens, of the pieces of a text of n. It returns an error for a text that is too long, unless it is cut.
func (l *Lengths) Fit(r text.Record, n int) (from []int, err error) {
	l.documents++
	if n <= l.Room {
		return []int{0}, nil
	}
	l.tooLong++
	switch l.TooLong {
	case Truncate:
		l.dropped += n - l.Room
		return []int{0}, nil
	case Split:
		for at := 0; at < n; at += l.Room {
			from = append(from, at)
		}
		l.pieces += len(from)
		return from, nil
	}
	advice := "too_long: truncate or too_long: split"
	if l.Noun != "document" {
		advice = "too_long: truncate" // a piece of a source has no target of its own
	}
	return nil, r.Errorf("the %s has %d %s, and with %[4]s: %[5]d a sequence has room for %d; raise %[4]s, or set %[7]s",
		l.Noun, n, l.unit(), l.key(), l.Tokens, l.Room, advice)
}

// Notes is a note on the number and the treatment of texts that are too long, if any.
func (l *Lengths) Notes(split data.Split) []string {
	if l.tooLong == 0 {
		return nil
	}
	what := fmt.Sprintf("%s: %d of %d %ss are longer than %d tokens, and were", split, l.tooLong, l.documents, l.Noun, l.Tokens)
	if l.TooLong == Truncate {
		return []string{fmt.Sprintf("%s truncated: %d %s are left out", what, l.dropped, l.unit())}
	}
	return []string{fmt.Sprintf("%s split into %d pieces", what, l.pieces)}
}
