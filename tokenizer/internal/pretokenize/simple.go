package pretokenize

import (
	"strings"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer/internal/aligned"
	"github.com/longspan/longspan/tokenizer/internal/chars"
	"github.com/longspan/longspan/tokenizer/internal/component"
	"github.com/longspan/longspan/tokenizer/internal/normalize"
	"github.com/longspan/longspan/tokenizer/internal/pattern"
)

// bert removes white space and makes each punctuation mark a part.
type bert struct{}

// Split implements [Pretokenizer].
func (bert) Split(t aligned.Text, f func(aligned.Text)) error {
	table := chars.All()
	last := 0
	for i := 0; i < len(t.S); {
		class, size := table.Decode(t.S[i:])
		if class&(chars.RustSpace|chars.Punctuation) != 0 {
			if last < i {
				f(t.Slice(last, i))
			}
			if class&chars.RustSpace == 0 {
				f(t.Slice(i, i+size))
			}
			last = i + size
		}
		i += size
	}
	if last < len(t.S) {
		f(t.Slice(last, len(t.S)))
	}
	return nil
}

// Local says whether a text that is cut before a blank or a line's end has the parts of its pieces.
func Local(p Pretokenizer) bool {
	_, ok := p.(bert)
	return ok
}

// whitespace makes a part of each run of word characters, and of each run of characters that are neither these nor white space.
func whitespace(t aligned.Text, f func(aligned.Text)) {
	table := chars.All()
	kind := func(c chars.Class) int {
		switch {
		case c&chars.RustWord != 0:
			return 1
		case c&chars.RustSpace != 0:
			return 0
		}
		return 2
	}
	last, current := 0, 0
	for i := 0; i < len(t.S); {
		class, size := table.Decode(t.S[i:])
		if k := kind(class); k != current {
			if current != 0 {
				f(t.Slice(last, i))
			}
			last, current = i, k
		}
		i += size
	}
	if current != 0 {
		f(t.Slice(last, len(t.S)))
	}
}

// scripts cuts where the script changes. Hiragana and Katakana belong to Han. A character without a script goes with what is before it;
// those at the beginning of a text are left out, as in the library.
func scripts(t aligned.Text, f func(aligned.Text)) {
	table := chars.All()
	from, current := -1, uint8(0)
	for i, r := range t.S {
		script := table.Script(r)
		if script == 0 || script == current {
			continue
		}
		if from >= 0 {
			f(t.Slice(from, i))
		}
		from, current = i, script
	}
	if from >= 0 {
		f(t.Slice(from, len(t.S)))
	}
}

// fixedLength makes parts of a number of characters.
type fixedLength int

func readFixedLength(f *component.Fields) Pretokenizer {
	n := f.IntOr("length", 5)
	if n == 0 {
		f.Fail("length", "is 0; expected 1 or more")
	}
	return fixedLength(n)
}

// Split implements [Pretokenizer].
func (n fixedLength) Split(t aligned.Text, f func(aligned.Text)) error {
	from, count := 0, 0
	for i := range t.S {
		if count == int(n) {
			f(t.Slice(from, i))
			from, count = i, 0
		}
		count++
	}
	if from < len(t.S) {
		f(t.Slice(from, len(t.S)))
	}
	return nil
}

// byteLevel cuts with GPT-2's pattern and writes bytes as characters.
type byteLevel struct {
	prefix, regex bool
	raw           bool // bytes stay as they are
}

func readByteLevel(f *component.Fields) Pretokenizer {
	b := byteLevel{prefix: f.Bool("add_prefix_space"), regex: f.BoolOr("use_regex", true)}
	f.Bool("trim_offsets") // it matters to the post-processor alone
	return b
}

// Split implements [Pretokenizer].
func (b byteLevel) Split(t aligned.Text, f func(aligned.Text)) error {
	if b.prefix && !strings.HasPrefix(t.S, " ") {
		t = t.Prepend(" ")
	}
	mapped := f
	if !b.raw {
		mapped = func(part aligned.Text) { f(normalize.ByteLevel(part)) }
	}
	if !b.regex {
		if t.S != "" {
			mapped(t)
		}
		return nil
	}
	return isolate(t, pattern.GPT2, mapped)
}

// metaspace writes blanks as another character and cuts before each of these.
type metaspace struct {
	replacement string
	scheme      string // always, first or never: where the character is put before a text that does not begin with it
	split       bool
}

func readMetaspace(f *component.Fields) Pretokenizer {
	m := metaspace{replacement: string(f.Char("replacement")), scheme: Scheme(f), split: f.BoolOr("split", true)}
	f.StringOr("str_rep", "") // an old name of the replacement
	return m
}

// Scheme reads the prepend_scheme of a Metaspace. Old files have add_prefix_space in its place.
func Scheme(f *component.Fields) string {
	scheme, declared := "always", f.Has("prepend_scheme")
	if declared {
		scheme = f.One("prepend_scheme", "always", "first", "never")
	}
	if !f.BoolOr("add_prefix_space", true) {
		if declared && scheme != "never" {
			f.Fail("add_prefix_space", "is false and prepend_scheme is %q; expected never", scheme)
		}
		return "never"
	}
	return scheme
}

// Split implements [Pretokenizer].
func (m metaspace) Split(t aligned.Text, f func(aligned.Text)) error {
	var blanks []aligned.Match
	for i := range len(t.S) {
		if t.S[i] == ' ' {
			blanks = append(blanks, aligned.Match{From: i, To: i + 1})
		}
	}
	t = t.Replace(blanks, m.replacement)
	if (m.scheme == "always" || m.scheme == "first" && t.Base == 0) && !strings.HasPrefix(t.S, m.replacement) {
		t = t.Prepend(m.replacement)
	}
	if !m.split {
		if t.S != "" {
			f(t)
		}
		return nil
	}
	for from := 0; from < len(t.S); {
		_, size := utf8.DecodeRuneInString(t.S[from:])
		to := len(t.S)
		if i := strings.Index(t.S[from+size:], m.replacement); i >= 0 {
			to = from + size + i
		}
		f(t.Slice(from, to))
		from = to
	}
	return nil
}
