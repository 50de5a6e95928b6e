package pattern

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// linear is a pattern in Go's engine, whose time is linear. The syntax and meaning of simple patterns are the same in both engines.
type linear struct{ re *regexp.Regexp }

// Each implements [Pattern].
func (l linear) Each(s string, f func(from, to int)) error {
	for _, m := range l.re.FindAllStringIndex(s, -1) {
		f(m[0], m[1])
	}
	return nil
}

// simple returns the pattern in Go's engine where it has no class, anchor or option that the engines read in different ways, and
// nil where it has. A pattern that may match nothing at all goes to the other engine too.
func simple(text string) Pattern {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '^', '$', '&', '(', ')':
			if c != '^' || i == 0 || text[i-1] != '[' {
				return nil
			}
		case '\\':
			i++
			if i == len(text) || !strings.ContainsRune(`\.+*?[]{}()|-/^$nrt`, rune(text[i])) {
				return nil
			}
		case '+':
			if i > 0 && strings.ContainsRune("+*?}", rune(text[i-1])) {
				return nil
			}
		case '[':
			if strings.HasPrefix(text[i:], "[[") {
				return nil
			}
		}
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil || mayBeEmpty(parsed) {
		return nil
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil
	}
	return linear{re}
}

// mayBeEmpty says whether a pattern matches the empty text.
func mayBeEmpty(re *syntax.Regexp) bool {
	compiled, err := regexp.Compile(re.String())
	return err != nil || compiled.MatchString("")
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

// compile returns a translated pattern.
func compile(text string) (Pattern, error) {
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
