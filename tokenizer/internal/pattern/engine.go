package pattern

import (
	"fmt"
	"regexp"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// linear is a pattern in Go's engine, whose time is linear. It does not look around, and gives no repetition its way back.
type linear struct{ re *regexp.Regexp }

// Each implements [Pattern].
func (l linear) Each(s string, f func(from, to int)) error {
	for _, m := range l.re.FindAllStringIndex(s, -1) {
		f(m[0], m[1])
	}
	return nil
}

// inLinear returns a translated pattern in Go's engine, and nil where that engine does not have the pattern, or where the pattern matches
// the empty text, of which the engines find different ones.
func inLinear(text string) Pattern {
	re, err := regexp.Compile("(?m:" + text + ")")
	if err != nil || re.MatchString("") {
		return nil
	}
	return linear{re}
}

// backtracking is a pattern in an engine that can look ahead.
type backtracking struct{ re *regexp2.Regexp }

// timeout is the longest time for one match. A pattern of a hostile file could otherwise take for ever.
const timeout = 20 * time.Second

// Each implements [Pattern].
func (b backtracking) Each(s string, f func(from, to int)) error {
	runes := []rune(s)
	at, offset := 0, 0 // the same place in runes and in s
	to := func(i int) int {
		for ; at < i; at++ {
			offset += utf8.RuneLen(runes[at])
		}
		return offset
	}
	m, err := b.re.FindRunesMatch(runes)
	for ; m != nil && err == nil; m, err = b.re.FindNextMatch(m) {
		from := to(m.Index)
		f(from, to(m.Index+m.Length))
	}
	if err != nil {
		return fmt.Errorf("the regular expression %s: %w", b.re, err)
	}
	return nil
}

// inBacktracking returns a translated pattern in the other engine.
func inBacktracking(text string) (Pattern, error) {
	re, err := regexp2.Compile(text, regexp2.Multiline)
	if err != nil {
		return nil, err
	}
	re.MatchTimeout = timeout
	return backtracking{re}, nil
}

// Backtracks says whether a pattern runs in the engine that may give up.
func Backtracks(p Pattern) bool {
	_, ok := p.(backtracking)
	return ok
}
