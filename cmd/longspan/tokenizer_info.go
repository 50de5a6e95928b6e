package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/longspan/longspan/tokenizer"
)

func describeTokenizer(t *tokenizer.Tokenizer) tokenizerReport {
	const shown, longest = 8, 10
	names := make([]string, t.Vocab())
	for id := range names {
		names[id] = t.Token(int32(id))
	}
	specials := t.Specials()
	r := tokenizerReport{Vocab: t.Vocab(), Specials: map[string]string{}, Tokens: names}
	for role, id := range map[string]int32{"begin": specials.Begin, "end": specials.End, "unknown": specials.Unknown} {
		if id != tokenizer.None {
			r.Specials[role] = t.Token(id)
		}
	}
	template := t.Template()
	r.Before, r.After = namesOf(t, template.Before), namesOf(t, template.After)
	if len(names) > 2*shown {
		r.Tokens = slices.Concat(names[:shown], names[len(names)-shown:])
	}
	byLength := slices.Clone(names)
	slices.SortStableFunc(byLength, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	r.Longest = byLength[:min(longest, len(names))]
	return r
}

func namesOf(t *tokenizer.Tokenizer, ids []int32) []string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = t.Token(id)
	}
	return names
}

func (r tokenizerReport) write(w io.Writer) {
	fmt.Fprintf(w, "vocabulary  %d tokens: %s\n", r.Vocab, quoted(r.Tokens))
	for _, role := range []string{"begin", "end", "unknown"} {
		if name, ok := r.Specials[role]; ok {
			fmt.Fprintf(w, "%-10s  %s\n", role, name)
		}
	}
	document := slices.Concat(r.Before, []string{"text"}, r.After)
	fmt.Fprintf(w, "document    %s\n", strings.Join(document, " "))
	fmt.Fprintf(w, "longest     %s\n", quoted(r.Longest))
}

// quoted is texts in quotes, in one line. A long one is cut.
func quoted(texts []string) string {
	const longest = 40
	var b strings.Builder
	for i, text := range texts {
		if i > 0 {
			b.WriteString(" ")
		}
		if runes := []rune(text); len(runes) > longest {
			text = string(runes[:longest]) + "…"
		}
		fmt.Fprintf(&b, "%q", text)
	}
	return b.String()
}
