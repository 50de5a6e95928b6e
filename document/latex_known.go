package document

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// breaks are commands that end a paragraph.
var breaks = setOf(`par maketitle tableofcontents newpage clearpage cleardoublepage listoffigures listoftables listoftodos printindex
	printbibliography appendix frontmatter mainmatter backmatter bigskip medskip smallskip`)

// styles are commands that change how text looks, not what it says. Their arguments stay.
var styles = setOf(`emph textbf textit texttt textsc textsf textrm textup textsl textmd textnormal underline uline mbox hbox fbox makebox
	framebox text bf it tt sc sf rm sl em bfseries itshape ttfamily scshape sffamily rmfamily slshape upshape mdseries normalfont selectfont
	tiny scriptsize footnotesize small normalsize large Large LARGE huge Huge centering raggedright raggedleft noindent indent
	pagebreak nopagebreak nolinebreak sloppy fussy protect xspace relax null strut unskip ignorespaces leavevmode allowbreak
	long global makeatletter
	makeatother vfill doublespacing singlespacing onehalfspacing textsuperscript textsubscript footnotemark twocolumn onecolumn balance
	flushbottom raggedbottom and titlepage selectlanguage lowercase MakeUppercase MakeLowercase mathrm mathbf mathit hline toprule midrule
	bottomrule boldmath unboldmath`)

// structure are commands that the reader carries out by itself.
var structure = setOf(`begin end title item \ [ ( footnote caption input include verb lstinline url path def ensuremath`)

// known reports a command whose meaning a definition in the document does not change. Characters and accents are not among them.
func known(name string) bool {
	_, drop := dropped[name]
	return drop || styles[name] || structure[name] || breaks[name] || cites[name] || levels[name] > 0 || quantities[name] != "" ||
		definers[name] != ""
}

// named is the number of names in a note.
const named = 3

// mostFrequent lists the most frequent commands with their counts: \foo (7), \bar (2), \baz (1) and 2 more names.
func mostFrequent(counts map[string]int) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], strings.Compare(a, b))
	})
	list := make([]string, min(named, len(names)))
	for i := range list {
		list[i] = fmt.Sprintf(`\%s (%d)`, names[i], counts[names[i]])
	}
	text := strings.Join(list, ", ")
	switch more := len(names) - named; {
	case more == 1:
		text += " and 1 more name"
	case more > 1:
		text += fmt.Sprintf(" and %d more names", more)
	}
	return text
}

func total(counts map[string]int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// commands is a number of commands, with the verb.
func commands(n int) string {
	if n == 1 {
		return "1 command that is"
	}
	return fmt.Sprintf("%d commands that are", n)
}
