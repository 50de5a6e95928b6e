package pattern

import (
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func matches(t testing.TB, p Pattern, s string) (all []string) {
	t.Helper()
	if err := p.Each(s, func(from, to int) { all = append(all, s[from:to]) }); err != nil {
		t.Fatal(err)
	}
	return all
}

// A scanner finds what the pattern that it stands for finds in the engine.
func FuzzScanners(f *testing.F) {
	for _, seed := range []string{"don't 'S 'ſ IT'LL", "a  b\n\n c\t\r\n  ", "Ωmega ÄÖü ʰʷ ẞß ǅx",
		"12345 ½Ⅻ 1a2", "!?/ //\r\n ...", "e\u0301\u0301 \u0301a",
		"日本語 カナ", "\u00a0\u3000 x", "iPhone HTTPServer aB", "🙂🚀 ™"} {
		f.Add(seed)
	}
	engines := map[string]Pattern{}
	for text := range scanners {
		p, err := translate(text)
		if err != nil {
			f.Fatalf("%s: %v", text, err)
		}
		engines[text] = p
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || len(s) > 1000 {
			return
		}
		for text, next := range scanners {
			if got, want := matches(t, next, s), matches(t, engines[text], s); !slices.Equal(got, want) {
				t.Errorf("%s\nfinds %q in %q, want %q", text, got, s, want)
			}
		}
	})
}

func TestCompile(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          []string
	}{
		{` {2,}`, "a   b c  d", []string{"   ", "  "}},
		{`\d{1,3}(?=(?:\d{3})*\b)`, "1234567", []string{"1", "234", "567"}},
		{`[^\s\p{L}]+`, "a1, b", []string{"1,"}},
		{`\P{L}+`, "ab12cd", []string{"12"}},
		{`\p{^N}+`, "ab12cd", []string{"ab", "cd"}},
		{`a++b|a`, "aab aa", []string{"aab", "a", "a"}},
		{`(?i:ABC)|x{,2}y`, "abc xxy", []string{"abc", "xxy"}},
		{`^.`, "ab\ncd", []string{"a", "c"}},
		{`(?m:a.b)`, "a\nb", []string{"a\nb"}},
		{`\bab\b|\Bcd`, "ab abcd", []string{"ab", "cd"}},
		{`[\r\n]+|\x{65e5}|\u672c|\x41`, "a\r\n日本A", []string{"\r\n", "日", "本", "A"}},
		{`[一-龥]+`, "a日本b", []string{"日本"}},
		{`.{0}|a{b`, "a{b", []string{"", "", "", ""}},
	} {
		p, err := Compile(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got := matches(t, p, c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s finds %q in %q, want %q", c.pattern, got, c.text, c.want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for pattern, want := range map[string]string{
		``: "is empty", `(?<n>a)`: "a group of a kind that is not supported", `[a[b]]`: "a class inside a class", `[a&&b]`: "&& in a class",
		`\h`: `\h is not supported`, `\k`: `the escape \k is not supported`, `\pL`: `\p without a name`, `a**`: "a quantifier of a quantifier",
		`+`: "nothing to repeat", `)`: "a group ends", `[a`: "a class without its end", `(a`: "missing", `\xff`: "a byte that is no character",
		`\`: "ends inside an escape", strings.Repeat("a", 1<<17): "expected at most 65536",
	} {
		_, err := Compile(pattern)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20s: the error is %v; want %q in it", pattern, err, want)
		}
	}
}

// No pattern causes a panic.
func FuzzCompile(f *testing.F) {
	for text := range scanners {
		f.Add(text)
	}
	f.Add(`(?<=a)b++|[^\W\d]{2,3}?\p{Han}`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Compile(text)
		if err != nil || !utf8.ValidString(text) || Backtracks(p) && os.Getenv("LONGSPAN_SLOW") == "" {
			return
		}
		last := 0
		const s = "Hello wörld 123\n"
		if err := p.Each(s, func(from, to int) {
			if from < last || to < from || to > len(s) {
				t.Fatalf("%s matches %d to %d after %d", text, from, to, last)
			}
			last = to
		}); err != nil {
			t.Fatal(err)
		}
	})
}
