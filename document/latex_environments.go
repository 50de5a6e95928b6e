package document

import "strings"

// Environments that are not read as text.
var (
	formulas = setOf("equation align gather multline eqnarray displaymath math alignat flalign subequations dmath")
	programs = setOf("verbatim Verbatim lstlisting minted alltt Schunk Sinput Soutput Code CodeInput CodeOutput filecontents")
	omitted  = map[string]string{
		"tabular": "table", "tabularx": "table", "longtable": "table", "array": "formula", "tikzpicture": "figure", "picture": "figure",
		"pgfpicture": "figure", "thebibliography": "bibliography", "comment": "comment", "algorithmic": "algorithm", "pspicture": "figure",
	}
	floats = setOf("figure table wrapfigure wraptable sidewaystable sidewaysfigure subfigure SCfigure algorithm listing")
	lists  = setOf("itemize enumerate description compactitem compactenum")
)

// environment reads \begin{name} or \end{name}, whose name is the argument at at.
func (l *latex) environment(i, at, end int, begins bool) int {
	from, to, next := l.argument(at, end)
	if next == at {
		return at
	}
	name := strings.TrimSuffix(l.source[from:to], "*")
	if !begins {
		if !formulas[name] {
			l.end()
		}
		return next
	}
	what, omit := omitted[name]
	stop, after := 0, 0
	if omit || formulas[name] || programs[name] || floats[name] {
		stop, after = l.environmentEnd(l.source[from:to], next, end)
	}
	switch {
	case formulas[name] && after > 0:
		l.put("[formula]", i, after)
		return after
	case programs[name] && after > 0 && l.depth == 0:
		l.end()
		l.add(next, stop)
		l.flush(Code)
		return after
	case omit && after > 0:
		l.leave(what, i, after)
		return after
	case floats[name] && after > 0 && l.depth == 0:
		l.float(next, stop)
		l.leave("figure", i, after)
		return after
	case name == "abstract" && l.depth == 0:
		l.end()
		l.put("Abstract", i, next)
		l.heading(1)
		return next
	}
	l.end()
	next = l.options(next, end)
	if !lists[name] && name != "document" {
		for k := 0; k < 2; k++ { // arguments of the environment, such as a width
			_, _, after := l.argument(next, end)
			if after == next || strings.TrimLeft(l.source[next:after], "{") == l.source[next:after] {
				break
			}
			next = l.options(after, end)
		}
	}
	return next
}

// environmentEnd is where the environment of a name ends whose text begins at i: its last byte, and the end of \end{name}; 0: nowhere.
func (l *latex) environmentEnd(name string, i, end int) (stop, after int) {
	if l.open[name] {
		return 0, 0
	}
	mark := `\end{` + name + `}`
	n := strings.Index(l.source[i:end], mark)
	if n < 0 {
		if end == l.last {
			l.open[name] = true // another would be looked for in vain
		}
		return 0, 0
	}
	return i + n, i + n + len(mark)
}

// float reads the captions of a figure or table.
func (l *latex) float(from, to int) {
	for {
		n := strings.Index(l.source[from:to], `\caption`)
		if n < 0 {
			break
		}
		at := from + n + len(`\caption`)
		if at < to && l.source[at] == '*' {
			at++
		}
		if from = l.note("caption", l.options(at, to), to); from < at {
			from = at
		}
	}
}
