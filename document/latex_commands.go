package document

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// levels are the levels of headings.
var levels = map[string]int{
	"part": 1, "chapter": 1, "section": 1, "subsection": 2, "subsubsection": 3, "paragraph": 4, "subparagraph": 5,
}

// dropped are commands whose arguments are no text, with their number.
var dropped = map[string]int{
	"label": 1, "vspace": 1, "hspace": 1, "includegraphics": 1, "usepackage": 1, "documentclass": 1, "bibliographystyle": 1, "nocite": 1,
	"setlength": 2, "addtolength": 2, "setcounter": 2, "addtocounter": 2, "newcommand": 2, "renewcommand": 2, "providecommand": 2,
	"DeclareRobustCommand": 2, "newrobustcmd": 2, "renewrobustcmd": 2, "NewDocumentCommand": 3, "RenewDocumentCommand": 3,
	"ProvideDocumentCommand": 3, "DeclareDocumentCommand": 3, "DeclarePairedDelimiter": 3, "DeclareSIUnit": 2, "sisetup": 1,
	"newenvironment": 3, "renewenvironment": 3, "newtheorem": 2, "DeclareMathOperator": 2, "pagestyle": 1, "thispagestyle": 1,
	"todo": 1, "fixme": 1, "marginpar": 1, "marginnote": 1, "fxnote": 1, "fxwarning": 1, "fxerror": 1, "fxfatal": 1, "missingfigure": 1,
	"hypersetup": 1, "color": 1, "textcolor": 1, "colorbox": 1, "fontsize": 2, "href": 1, "index": 1, "addcontentsline": 3, "rule": 2,
	"raisebox": 1, "parbox": 1, "resizebox": 2, "scalebox": 1, "thanks": 1, "author": 1, "date": 1, "bibliography": 1, "affiliation": 1,
	"institute": 1, "email": 1, "definecolor": 3, "newlength": 1, "newcounter": 1, "graphicspath": 1, "pdfinfo": 1, "hyphenation": 1,
	"VignetteIndexEntry": 1, "multicolumn": 2, "multirow": 2, "phantom": 1, "hphantom": 1, "vphantom": 1, "PassOptionsToPackage": 2,
}

// cites are commands for a reference to a source or a place; its keys stay, in brackets.
var cites = setOf(`cite citep citet citealp citealt citeauthor citeyear citeyearpar parencite textcite autocite footcite cites Citet Citep
	ref eqref autoref cref Cref pageref nameref vref`)

// letters are commands for characters.
var letters = map[string]string{
	"ss": "ß", "o": "ø", "O": "Ø", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "l": "ł", "L": "Ł", "i": "ı", "j": "ȷ",
	"ldots": "…", "dots": "…", "textellipsis": "…", "textendash": "–", "textemdash": "—", "LaTeX": "LaTeX", "TeX": "TeX", "BibTeX": "BibTeX",
	"textbackslash": `\`, "textasciitilde": "~", "textasciicircum": "^", "textbar": "|", "textless": "<", "textgreater": ">", "S": "§",
	"P":         "¶",
	"copyright": "©", "pounds": "£", "euro": "€", "textregistered": "®", "texttrademark": "™", "textdegree": "°", "slash": "/",
	"pm": "±", "times": "×",
	"onedot": ".", // of the styles of computer vision: \eg is \emph{e.g}\onedot
	"quad":   " ", "qquad": " ", "thinspace": " ", "enspace": " ", "space": " ", "newline": " ", "linebreak": " ", "hfill": " ", "hfil": " ",
	"&": "&", "%": "%", "$": "$", "#": "#", "_": "_", "{": "{", "}": "}", ",": " ", ";": " ", ":": " ", "!": "", "/": "", "-": "", "@": "",
	" ": " ", "\n": " ", "\t": " ", "\r": " ", "\\": " ",
}

// accents are the combining marks of accents.
var accents = map[string]rune{
	"'": 0x301, "`": 0x300, "^": 0x302, `"`: 0x308, "~": 0x303, "=": 0x304, ".": 0x307, "u": 0x306, "v": 0x30c, "H": 0x30b, "c": 0x327,
	"k": 0x328, "d": 0x323, "b": 0x331, "r": 0x30a,
}

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

// command reads the command at i and returns where it ends.
func (l *latex) command(i, end int) int {
	name, at := commandName(l.source, i, end)
	if mark, ok := accents[name]; ok {
		if next := l.accent(i, at, end, mark); next > i {
			return next
		}
	}
	if d, ok := readDefinition(l.source, name, at, end); ok {
		return d.next
	}
	switch {
	case name == "begin" || name == "end":
		return l.environment(i, at, end, name == "begin")
	case levels[name] > 0:
		return l.sectionAt(l.options(at, end), end, levels[name])
	case name == "title":
		return l.setTitle(l.options(at, end), end)
	case name == "item":
		l.end()
		if l.depth == 0 {
			l.kind = Item
		}
		return at
	case breaks[name]:
		l.end()
		return at
	case name == "[":
		return l.display(i, at, end, `\]`)
	case name == "(":
		return l.display(i, at, end, `\)`)
	case name == "footnote", name == "caption":
		return l.note(name, l.options(at, end), end)
	case name == "input", name == "include":
		return l.included(l.options(at, end), end)
	case name == "verb" || name == "lstinline":
		return l.verb(at, end)
	case name == "url", name == "path":
		from, to, next := l.argument(at, end)
		l.add(from, to)
		return next
	case name == "ensuremath":
		return l.ensureMath(i, at, end)
	case quantities[name] != "":
		return l.quantity(quantities[name], i, at, end)
	case cites[name]:
		return l.cite(i, l.options(at, end), end)
	case name == "def":
		if open := strings.IndexByte(l.source[at:min(end, at+200)], '{'); open >= 0 {
			_, _, at = l.argument(at+open, end)
		}
		return at
	}
	if n, ok := dropped[name]; ok {
		return l.drop(name, i, at, end, n)
	}
	if text, ok := letters[name]; ok {
		return l.letter(text, i, at, end)
	}
	if _, accent := accents[name]; name != "" && !accent && !styles[name] {
		l.unknown[name]++
	}
	return l.options(at, end)
}

// ensureMath adds a formula inside of a line without its command.
func (l *latex) ensureMath(i, at, end int) int {
	from, to, next := l.argument(at, end)
	if next > at {
		l.put("$", i, from)
		l.add(from, to)
		l.put("$", to, next)
	}
	return next
}

// letter adds a character. Spaces after a command of letters belong to it, as does the group {} that ends it.
func (l *latex) letter(text string, i, at, end int) int {
	if l.source[at-1]|0x20 >= 'a' && l.source[at-1]|0x20 <= 'z' {
		if strings.HasPrefix(l.source[at:end], "{}") {
			at += 2
		} else if strings.TrimSpace(text) != "" && at < end && l.source[at] == ' ' {
			at++
		}
	}
	if text == " " {
		l.space(i)
		return l.options(at, end)
	}
	l.put(text, i, at)
	return at
}

// accent adds the letter at at with an accent, and returns where it ends; i: there is no letter.
func (l *latex) accent(i, at, end int, mark rune) int {
	from, to, next := l.argument(at, end)
	if next == at {
		from = at
		if l.source[at-1]|0x20 >= 'a' && l.source[at-1]|0x20 <= 'z' { // \v s
			from = at + len(l.source[at:end]) - len(strings.TrimLeft(l.source[at:end], " "))
			if from == at {
				return i
			}
		}
		_, n := utf8.DecodeRuneInString(l.source[from:end])
		to = from + n
		next = to
	}
	text := strings.TrimPrefix(l.source[from:to], `\`)
	r, n := utf8.DecodeRuneInString(text)
	if n != len(text) || !unicode.IsLetter(r) {
		return i
	}
	l.put(norm.NFC.String(string([]rune{r, mark})), i, next)
	return next
}

// sectionAt reads a heading, which is the argument at i.
func (l *latex) sectionAt(i, end, level int) int {
	from, to, next := l.argument(i, end)
	if next == i {
		return i
	}
	if l.depth > 0 {
		return from
	}
	l.end()
	l.depth++
	l.read(from, to)
	l.depth--
	l.heading(level)
	return next
}

// note reads a footnote or a caption as a block that follows the paragraph.
func (l *latex) note(name string, i, end int) int {
	from, to, next := l.argument(i, end)
	if next == i {
		return i
	}
	kind := Note
	if name == "caption" {
		kind = Caption
	}
	l.aside(from, to, func(b Block) {
		b.Kind = kind
		l.notes = append(l.notes, b)
	})
	return next
}

// included notes a file that the document takes in.
func (l *latex) included(i, end int) int {
	from, to, next := l.argument(i, end)
	if next > i {
		l.Notes = append(l.Notes, fmt.Sprintf(`\input or \include of %q is not read; give that file too`, l.source[from:to]))
		l.leave("included file", from, to)
	}
	return next
}

// cite adds the keys of a reference in brackets.
func (l *latex) cite(i, at, end int) int {
	from, to, next := l.argument(at, end)
	if next == at {
		return at
	}
	l.put("[", i, from)
	l.add(from, to)
	l.put("]", to, next)
	return next
}

// verb adds the code between two equal characters.
func (l *latex) verb(at, end int) int {
	if from, to, next := l.argument(at, end); next > at {
		l.add(from, to)
		return next
	}
	if at >= end {
		return at
	}
	n := strings.IndexByte(l.source[at+1:min(end, at+1+farthest)], l.source[at])
	if n < 0 {
		return at
	}
	l.add(at+1, at+1+n)
	return at + n + 2
}

// display reads a formula up to its closing mark.
func (l *latex) display(i, at, end int, mark string) int {
	n := strings.Index(l.source[at:min(end, at+longestFormula)], mark)
	if n < 0 {
		return at
	}
	at += n + len(mark)
	l.formula(i, at, mark == `\]`)
	return at
}

// drop leaves out a command with its arguments.
func (l *latex) drop(name string, i, at, end, arguments int) int {
	at = l.options(at, end)
	for range arguments {
		_, _, next := l.argument(at, end)
		at = l.options(next, end)
	}
	what := "command"
	switch name {
	case "bibliography":
		what = "bibliography"
	case "author", "affiliation", "institute", "email", "thanks":
		what = "author"
	case "includegraphics":
		what = "figure"
	case "todo", "fixme", "fxnote", "fxwarning", "fxerror", "fxfatal", "missingfigure":
		what = "to-do note"
	case "marginpar", "marginnote":
		what = "margin note"
	}
	if arguments > 0 && what != "command" {
		l.leave(what, i, at)
	}
	return at
}
