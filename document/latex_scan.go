package document

import (
	"strings"
	"unicode/utf8"
)

// dollars is the length of the formula at the beginning of s, or 0 if it has no end.
func dollars(s string) int {
	mark := "$"
	if strings.HasPrefix(s, "$$") {
		mark = "$$"
	}
	window := s[:min(len(s), farthest)]
	for i := len(mark); i < len(window); i++ {
		switch {
		case window[i] == '\\':
			i++
		case strings.HasPrefix(window[i:], mark):
			return i + len(mark)
		case window[i] == '\n' && mark == "$" && blankLines(window[i:]) > 0:
			return 0
		}
	}
	return 0
}

// group is the content of the group {…} of source at i, after white space; next is i if there is none.
func group(source string, i, end int) (from, to, next int) {
	s := source[i:end]
	begin := len(s) - len(strings.TrimLeft(s, " \t\n\r"))
	if begin >= len(s) || s[begin] != '{' {
		return i, i, i
	}
	depth := 0
	for k := begin; k < len(s) && k-begin < longestArgument; k++ {
		switch s[k] {
		case '\\':
			k++
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + begin + 1, i + k, i + k + 1
			}
		}
	}
	return i, i, i
}

// letterByte reports a letter of the name of a command.
func letterByte(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// commandName is the name of the command of source at i, without a star, and where it ends. It is one character or letters.
func commandName(source string, i, end int) (string, int) {
	k := i + 1
	for k < end && letterByte(source[k]) {
		k++
	}
	if k > i+1 {
		name := source[i+1 : k]
		if k < end && source[k] == '*' {
			k++
		}
		return name, k
	}
	if k >= end {
		return "", k
	}
	_, n := utf8.DecodeRuneInString(source[k:end])
	return source[k : k+n], k + n
}

// raw is where the part of s at i ends that is copied as it is: a comment, a formula or a program; i: there is none. open has the
// environments that are known to have no end.
func raw(s string, i int, open map[string]bool) int {
	switch s[i] {
	case '%':
		if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
			return i + n
		}
		return len(s)
	case '$':
		return i + dollars(s[i:])
	}
	name, at := commandName(s, i, len(s))
	switch name {
	case "(", "[":
		mark := map[string]string{"(": `\)`, "[": `\]`}[name]
		if n := strings.Index(s[at:min(len(s), at+longestFormula)], mark); n >= 0 {
			return at + n + len(mark)
		}
	case "verb", "lstinline":
		if _, _, next := group(s, at, len(s)); next > at || at == len(s) {
			return next
		}
		if n := strings.IndexByte(s[at+1:min(len(s), at+1+farthest)], s[at]); n >= 0 {
			return at + n + 2
		}
	case "begin":
		return rawEnvironment(s, i, at, open)
	}
	return i
}

// rawEnvironment is where an environment that is not read as text ends, whose \begin is at i and whose name is the group at at.
func rawEnvironment(s string, i, at int, open map[string]bool) int {
	from, to, next := group(s, at, len(s))
	name := s[from:to]
	plain := strings.TrimSuffix(name, "*")
	if _, omit := omitted[plain]; next == at || open[name] || !omit && !formulas[plain] && !programs[plain] {
		return i
	}
	mark := `\end{` + name + `}`
	n := strings.Index(s[next:], mark)
	if n < 0 {
		open[name] = true
		return i
	}
	return next + n + len(mark)
}
