package document

import (
	"strings"
	"testing"

	"github.com/longspan/longspan/document/sentences"
)

// latexText is the text of the blocks of a LaTeX document, in lines.
func latexText(d *Document) string {
	var lines []string
	for _, b := range d.Blocks {
		lines = append(lines, Clean(strings.TrimSpace(b.Text)))
	}
	return strings.Join(lines, "\n")
}

func TestMacrosAreExpanded(t *testing.T) {
	for source, want := range map[string]string{
		`\newcommand{\sys}{\textsc{Larder}}\begin{document}We present \sys, a cache.\end{document}`: "We present Larder, a cache.",
		`\newcommand\sys{Larder\xspace}\begin{document}We like \sys a lot, \sys\ too, {\sys}s and \sys{}s.\end{document}`://
		"We like Larder a lot, Larder too, Larders and Larders.",
		`\def\name{Ada}\name{} wrote. \def\name{Bob}\name{} read.`:                             "Ada wrote. Bob read.",
		`\newcommand*{\two}[2]{#1 and #2}\two{one}{two}, \two a b.`:                            "one and two, a and b.",
		`\newcommand{\swap}[2]{#2 then #1}\swap{b}{a}.`:                                        "a then b.",
		`\newcommand{\opt}[2][mild]{#1 #2}\opt{tea}, \opt[hot]{tea}.`:                          "mild tea, hot tea.",
		`\providecommand{\x}{one}\providecommand{\x}{two}\x.`:                                  "one.",
		`\newcommand{\x}{one}\renewcommand{\x}{two}\x.`:                                        "two.",
		`\DeclareMathOperator{\lcm}{lcm}The \lcm{} of two.`:                                    "The lcm of two.",
		`\NewDocumentCommand{\x}{m m}{#1-#2}\x{a}{b}.`:                                         "a-b.",
		`\newcommand{\x}{one}\let\y\x\renewcommand{\x}{two}\y.`:                                "one.",
		`\let\oldemph=\emph An \oldemph{old} word.`:                                            "An old word.",
		`\newcommand{\in}{inner}\newcommand{\out}{an \in{} word}\out.`:                         "an inner word.",
		`\newcommand{\wrap}[1]{\emph{#1}}\newcommand{\sys}{Larder}\wrap{The \sys.}`:            "The Larder.",
		`\newcommand{\be}{\begin{equation}}\newcommand{\ee}{\end{equation}}So \be x \ee ends.`: "So [formula] ends.",
		`\newcommand{\head}[1]{\section{#1}}\head{Intro}Text.`:                                 "Intro\nText.",
		`\newcommand{\R}{\ensuremath{\mathbb{R}}}In \R{} and $\R$.`:                            `In $\mathbb{R}$ and $\R$.`,
		`\newcommand{\x}{y}\verb|\x| and \begin{verbatim}\x\end{verbatim}`:                     "\\x and\n\\x",
		"\\newcommand{\\x}{% a comment\n  text}The \\x.":                                       "The text.",
		"\\newcommand{\\x}[1]{(#1)}The \\x{a% b\n} end.":                                       "The (a) end.",
		`\newcommand{\x}[1]{\TeX#1}The \x{abc}.`:                                               "The TeXabc.",
		`\renewcommand{\section}[1]{never}\section{Intro}Text.`:                                "Intro\nText.",
		`\newcommand{\x}[1]{\@ifnextchar a{b}{c}}A \x{kept} word.`:                             "A kept word.",
		`\def\x#1.{gone}A \x{kept} word.`:                                                      "A kept word.",
		`\newcommand{\x}[1]{a #2}A \x{kept} word.`:                                             "A kept word.",
		`\newcommand{\x}[1]{[#1]}An \x`:                                                        "An",
	} {
		d := Parse("x.tex", source, 0, LaTeX)
		if got := latexText(d); got != want {
			t.Errorf("%s: found %q, expected %q", source, got, want)
		}
		if err := checkPlaces(d); err != nil {
			t.Errorf("%s: %v", source, err)
		}
	}
}

// The title of the preamble has its macros expanded, and the size is that of the source.
func TestMacroInTheTitle(t *testing.T) {
	source := `\newcommand{\sys}{A very long name of a system}\title{\sys: a cache}\begin{document}Text.\end{document}`
	d := Parse("x.tex", source, 0, LaTeX)
	if d.Title != "A very long name of a system: a cache" || d.Size != int64(len(source)) {
		t.Errorf("found the title %q and %d bytes of %d", d.Title, d.Size, len(source))
	}
}

// A sentence of an expansion has the bytes of the use; one of an argument has its own, where the macro takes the arguments in order.
func TestPlacesOfExpansions(t *testing.T) {
	const base = 3 // as after a byte order mark
	for _, c := range []struct{ source, want string }{
		{`\def\sys{Larder}\sys is fast. We like \sys. Last one.`, `\sys is fast.|We like \sys.|Last one.`},
		{`\def\x{One is. Two is.}Zero is. \x Three is.`, `Zero is.|\x|\x|Three is.`},
		{`\newcommand{\rev}[1]{\textbf{#1}}Zero is. \rev{One is. Two is.} Three is.`, `Zero is.|One is.|Two is.|Three is.`},
		{`\newcommand{\rev}[1]{\emph{#1}}Zero is. \rev{A \rev{bee} is. Cé is.} Three is.`, `Zero is.|A \rev{bee} is.|Cé is.|Three is.`},
		{`\newcommand{\swap}[2]{#2 #1}\swap{One is.}{Two is.} Three is.`, `\swap{One is.}{Two is.}|\swap{One is.}{Two is.}|Three is.`},
		{`\newcommand{\x}[1]{Öne. #1#1}Zero is. \x{É} Three is.`, `Zero is.|\x{É}|\x{É} Three is.`},
	} {
		d := Parse("x.tex", c.source, base, LaTeX)
		var got []string
		for _, s := range d.Sentences(sentences.Options{}) {
			got = append(got, c.source[s.From-base:s.To-base])
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("%s: found %q, expected %q", c.source, got, c.want)
		}
	}
}

func TestNotesOfLaTeX(t *testing.T) {
	unknown := strings.Repeat(`\foo `, 7) + `\bar{a} \bar \baz \qux \quux`
	for source, want := range map[string]string{
		unknown:      `left out: 12 commands that are not known: \foo (7), \bar (2), \baz (1) and 2 more names`,
		`A \foo{b}.`: `left out: 1 command that is not known: \foo (1)`,
		`\emph{A} \textbf{b} \noindent \'e \"{o} \%`:             "",
		`A\todo[inline]{cite somebody}\fixme{b} b\marginpar{c}.`: "left out: to-do note (2 times), margin note",
		`\def\a{\a}A \a b \a.`: `left out: 2 commands that are not known: \a (2)|` +
			`macros that do not end, or are too long, are not expanded: \a (2)`,
	} {
		if got := strings.Join(Parse("x.tex", source, 0, LaTeX).Notes, "|"); got != want {
			t.Errorf("%s: found the notes %q, expected %q", source, got, want)
		}
	}
}

func TestQuantities(t *testing.T) {
	for source, want := range map[string]string{
		`\SI{40}{\percent} of`:                        "40% of",
		`\qty{5}{\kilo\metre\per\second}.`:            "5 kilometre per second.",
		`\SI[per-mode=symbol]{5}{km/h}.`:              "5 km/h.",
		`\SI{20}{\celsius} or \ang{45}.`:              "20 °C or 45°.",
		`\num{1e5} in \si{\metre\squared}.`:           "1e5 in metre squared.",
		`\SIrange{1}{5}{\mega\byte}, \numrange{1}{2}`: "1 to 5 megabyte, 1 to 2",
		`\num{1.5 \pm 0.1}\,m, \SI{3}{m.s^{-1}}`:      "1.5 ±0.1 m, 3 m s^-1",
		`\SI{4}`:                                      "4",
		`\si{\kg\tothe{2}/\second}`:                   "kg^2/second",
	} {
		d := Parse("x.tex", source, 0, LaTeX)
		if got := latexText(d); got != want || len(d.Notes) > 0 {
			t.Errorf("%s: found %q and the notes %q, expected %q", source, got, d.Notes, want)
		}
		if err := checkPlaces(d); err != nil {
			t.Errorf("%s: %v", source, err)
		}
	}
}

// Macros that grow without end are bounded, and what is not expanded is noted.
func TestHostileMacros(t *testing.T) {
	var chain strings.Builder // of macros, each with ten of the one before: 10^12 letters
	chain.WriteString(`\def\a{aaaaaaaaaa}`)
	for c := 'b'; c < 'm'; c++ {
		chain.WriteString(`\def\` + string(c) + `{` + strings.Repeat(`\`+string(c-1)+" ", 10) + `}`)
	}
	for name, source := range map[string]string{
		"recursion": `\def\x{\x\x}` + strings.Repeat(`\x `, 1<<14),
		"pair":      `\def\x{a\y}\def\y{b\x}` + strings.Repeat(`\x\y `, 1<<13),
		"chain":     chain.String() + strings.Repeat(`\l `, 1<<14),
		"arguments": `\newcommand{\x}[1]{#1#1#1#1\x{#1#1}}` + strings.Repeat(`\x{`+strings.Repeat("a", 100)+`} `, 1<<10),
		"defines":   `\def\x{\def\x{\x\x}\x}` + strings.Repeat(`\x `, 1<<14),
	} {
		d := Parse("x.tex", source, 0, LaTeX)
		text := 0
		for _, b := range d.Blocks {
			text += len(b.Text)
		}
		if most := longestExpansion + 5*len(source); text > most {
			t.Errorf("%s: found %d bytes of text, expected at most %d", name, text, most)
		}
		if notes := strings.Join(d.Notes, "|"); !strings.Contains(notes, "macros that do not end, or are too long, are not expanded: \\") {
			t.Errorf("%s: found the notes %q", name, notes)
		}
		if err := checkPlaces(d); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
