package hub

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// globSet are compiled patterns. The regular expressions of Go take time in proportion to the name, whatever the pattern.
type globSet []*regexp.Regexp

// match reports whether one of the patterns matches.
func (g globSet) match(name string) bool {
	return slices.ContainsFunc(g, func(r *regexp.Regexp) bool { return r.MatchString(name) })
}

// globs compiles the patterns of a flag.
func globs(flag string, patterns []string) (globSet, error) {
	const most = 1024
	var all globSet
	for _, p := range patterns {
		if p == "" || len(p) > most {
			return nil, fmt.Errorf("found a pattern of %d bytes for %s, expected 1 to %d, such as '*.safetensors'", len(p), flag, most)
		}
		r, err := regexp.Compile(expression(p))
		if err != nil {
			return nil, fmt.Errorf("found %s %s, expected a pattern such as '*.safetensors' or 'model-[0-9]*'", flag, quoted(p))
		}
		all = append(all, r)
	}
	return all, nil
}

// expression is a pattern as a regular expression, by the rules of Python's fnmatch.
func expression(pattern string) string {
	if strings.HasSuffix(pattern, "/") {
		pattern += "*"
	}
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for rest := pattern; rest != ""; {
		if set, after, ok := cutSet(rest); ok {
			b.WriteString(set)
			rest = after
			continue
		}
		_, size := utf8.DecodeRuneInString(rest)
		switch character := rest[:size]; character {
		case "*":
			b.WriteString(`.*`)
		case "?":
			b.WriteString(`.`)
		default:
			b.WriteString(regexp.QuoteMeta(character))
		}
		rest = rest[size:]
	}
	b.WriteString(`\z`)
	return b.String()
}

// cutSet cuts a set such as [a-z] or [!0-9] from the beginning of a pattern. A "]" right after the "[" or "!" belongs to the set. A "["
// without an end stands for itself.
func cutSet(pattern string) (set, after string, ok bool) {
	body, ok := strings.CutPrefix(pattern, "[")
	if !ok {
		return "", "", false
	}
	body, not := strings.CutPrefix(body, "!")
	if body == "" {
		return "", "", false
	}
	end := strings.Index(body[1:], "]") + 1
	if end < 1 {
		return "", "", false
	}
	escaped := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `^`, `\^`, `&`, `\&`, `~`, `\~`).Replace(body[:end])
	begin := "["
	if not {
		begin = "[^"
	}
	return begin + escaped + "]", body[end+1:], true
}
