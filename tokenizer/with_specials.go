package tokenizer

import "fmt"

// WithSpecials returns a tokenizer whose special tokens have the given roles, for files that do not say them. An id that is neither in the
// vocabulary nor [None] is an error.
func (t *Tokenizer) WithSpecials(s Specials) (*Tokenizer, error) {
	for _, id := range []int32{s.Begin, s.End, s.Unknown} {
		if id != None && (id < 0 || int(id) >= t.Vocab()) {
			return nil, fmt.Errorf("tokenizer: found the id %d of a special token, expected 0 to %d, or %d for none", id, t.Vocab()-1, None)
		}
	}
	with := *t
	with.roles = &s
	return &with, nil
}
