package document

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/longspan/longspan/document/sentences"
)

// fuzzReader checks that a reader gives blocks whose places lie in the source, whatever the source holds.
func fuzzReader(f *testing.F, format Format, seeds ...string) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if !utf8.ValidString(source) {
			return // Read has refused it
		}
		d := Parse("x", source, 0, format)
		if err := checkPlaces(d); err != nil {
			t.Fatalf("%+q: %v", source, err)
		}
		for _, x := range d.Sentences(sentences.Options{MostWords: 80}) {
			if !utf8.ValidString(source[x.From:x.To]) {
				t.Fatalf("%+q: sentence %q is %+q", source, x.Text, source[x.From:x.To])
			}
		}
		for i := range d.Blocks {
			b := &d.Blocks[i]
			if _, to := b.Source(0, len(b.Text)); to > int64(len(source)) {
				t.Fatalf("%+q: block %d ends at %d", source, i, to)
			}
			if !utf8.ValidString(b.Text) {
				t.Fatalf("%+q: block %d is %+q", source, i, b.Text)
			}
		}
	})
}

func FuzzPlain(f *testing.F) {
	fuzzReader(f, Text, "a\n\nb", "1 A\nb.", "T\n===\n- x\n", "\r\r\u2028x", "Title\n\n"+strings.Repeat("long ", 40))
}

func FuzzMarkdown(f *testing.F) {
	fuzzReader(f, Markdown, "# a\n> b *c*\n", "---\ntitle: x\n---\n", "```\nx", "a\n===\n", "|a|b|\n", "[a](b) ![c](d) [e][f] [^1]",
		"<!-- x\n\n-->y", "`a", "<a><b", "&amp;&#x41;",
		"[x]: y", "1. a\n\n    b\n", "a\n> b\n>> c", "***", "__a__ *b", "\\*\\", "<!-->", "<!--->x")
}

func FuzzHTML(f *testing.F) {
	fuzzReader(f, HTML, "<p>a<b>c", "<script>x</script", "<title>a", "<h1>a<h2>b</h1>", "<nav><nav>a</nav>b</nav>c", "&amp;&ltx&#65;&",
		"<pre> a\n</pre>", "<li>a</ul>", "<!-- x", "<svg><p>a</svg>")
}

func FuzzLaTeX(f *testing.F) {
	fuzzReader(f, LaTeX, "\\section{a}b", "\\begin{document}x\\end{document}y", "$a$ $$b$$ $c", "\\'e\\\"{\\i}\\c",
		"\\footnote{a\\footnote{b}}", "\\begin{figure}\\caption{a}\\end{figure}",
		"\\begin{equation}a", "\\verb|a|\\verb", "\\title{a}", "\\item[", "%", "\\", "{{{}", "\\cite[a]{b}",
		"\\begin{verbatim}a\\end{verbatim}", "\\def\\x{y}", "\\[a\\]\\(b", "\\begin{a}{b}{c}",
		"\\newcommand{\\x}[2][é]{a #1. É #2}\\x{b} \\x[c]d", "\\def\\x#1#2{#2. #1}\\x{ö}{Ü. \\x ab}", "\\def\\x{\\x\\x}\\x",
		"\\let\\x=\\y\\x",
		"\\newcommand\\x{\\begin{equation}}\\x a\\end{equation}b",
		"\\SI{4}{\\kilo\\metre} \\num{1} \\SIrange{1}{2}{m^{2}}", "\\todo{a}\\foo")
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"text": "a\u00e9\ud83d\ude00\ud800"}`,
		`{"sections": [{"title": "a", "sentences": ["b"]}], "title": "c"}`, `{"text": ["a", 1, null, ["b"]]}`, `{"a": {"text": 1}}`,
		`{"text":""}`,
		`{"sections": [{}]}`, `{"sections": [{"text": "a\n\nb"}], "sections": [["x"]]}`, `{"\u0074ext": "x"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if !utf8.ValidString(source) {
			return
		}
		d, err := ParseLine("x", source)
		if err != nil {
			return
		}
		if err := checkPlaces(d); err != nil {
			t.Fatalf("%+q: %v", source, err)
		}
	})
}

// Markup without ends takes time that grows with its length: these would take hours if it grew with the square.
func TestHostileMarkup(t *testing.T) {
	const n = 1 << 17
	for format, pieces := range map[Format][]string{
		Markdown: {">", "[", "[a](", "[a][", "*a ", "`", "```\n", "<a ", "<!--", "|a", "- ", "&", "_", "a_", "]("},
		HTML:     {"<a", "<p>", "<script>", "&", "<!--", "<nav>", "&amp", "<h1>"},
		LaTeX: {"\\label{", "\\begin{figure}", "\\begin{x}", "$", "\\[", "\\footnote{", "\\caption{", "{", "\\item[", "\\verb|", "\\'", "%",
			"\\section{",
			"\\begin{figure}\\caption{", "\\begin{tabular}", "\\def\\x{y}\\x", "\\newcommand{\\x}[1]{#1}\\x{", "\\def\\x{",
			"\\let\\x\\y\\x$",
			"\\def\\x{}\\begin{tabular}\\[", "\\SI{1}{", "\\num{"},
		Text: {"- a\n", "1 A\n", ". ", "(", "A\n===\n", "\r"},
	} {
		for _, piece := range pieces {
			if err := checkPlaces(Parse("x", strings.Repeat(piece, n/len(piece)), 0, format)); err != nil {
				t.Errorf("%s %q: %v", format, piece, err)
			}
		}
	}
}
