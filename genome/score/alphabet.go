package score

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/longspan/longspan/model"
)

// bases are the letters that have a probability.
const bases = "ACGT"

// alphabet turns letters of bases into tokens.
type alphabet struct {
	ids    [256]int32 // of bases, upper case
	before []int32    // special tokens that begin a sequence
}

// newAlphabet refuses a tokenizer that does not read one base a token.
func newAlphabet(m *model.Model) (a alphabet, err error) {
	t := m.Tokenizer()
	if t == nil {
		return a, errors.New("score: found a model without a tokenizer, expected one that reads one base a token; add tokenizer.json")
	}
	a.before = t.Template().Before
	var each []int32
	for _, c := range []byte(bases) {
		e, err := t.Encode(string(c))
		if err != nil || len(e.IDs) != 1 || slices.Contains(each, e.IDs[0]) {
			return a, errTokens
		}
		a.ids[c] = e.IDs[0]
		each = append(each, e.IDs[0])
	}
	const text = "ACGTTGCAACCAGGTT"
	e, err := t.Encode(text)
	if err != nil {
		return a, errTokens
	}
	if tokens := a.tokens(nil, []byte(text)); !slices.Equal(tokens, e.IDs) {
		return a, fmt.Errorf("%w; it reads the %d bases %s as %d tokens", errTokens, len(text), text, len(e.IDs))
	}
	return a, nil
}

var errTokens = errors.New("score: found a tokenizer that does not read one base a token, expected a model of DNA whose tokens are " +
	"A, C, G and T")

// tokens appends the tokens of letters.
func (a *alphabet) tokens(dst []int32, letters []byte) []int32 {
	for _, c := range letters {
		dst = append(dst, a.ids[c])
	}
	return dst
}

// complement appends the other strand of letters, read in its own direction. A letter that is no base stays.
func complement(dst, letters []byte) []byte {
	for i := len(letters) - 1; i >= 0; i-- {
		c := letters[i]
		if base := strings.IndexByte(bases, c); base >= 0 {
			c = bases[len(bases)-1-base]
		}
		dst = append(dst, c)
	}
	return dst
}
