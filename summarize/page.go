package summarize

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/longspan/longspan/document"
)

// pageHead is the beginning of a page. The page needs nothing from elsewhere.
const pageHead = `<!DOCTYPE html>
<html%s><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>%s</title>
<style>
:root { color-scheme: light dark; --dim: #5c5c5c; --line: #ddd; --page: #fff; }
body { margin: 0; font: 16px/1.5 Georgia, serif; color: #222; background: var(--page); }
main { max-width: 44rem; margin: 0 auto; padding: 1rem 4.5rem 4rem 1rem; }
h1, h2 { font-family: system-ui, sans-serif; line-height: 1.2; }
pre, .row { overflow-x: auto; font-size: 13px; background: #f6f6f6; padding: .3rem .6rem; }
mark { background: #ffe27a; color: inherit; padding: .1em 0; }
.facts { font: 13px/1.4 system-ui, sans-serif; color: var(--dim); }
.key { display: inline-block; width: 1.1em; height: .8em; margin: 0 .2em 0 .6em; vertical-align: -.05em; }
.key:first-child { margin-left: 0; }
.heat { width: 5em; background: linear-gradient(90deg, transparent, #b03a2e); outline: 1px solid var(--line); }
.lit { background: #e0b000; }
.summary { border-left: 4px solid #ffe27a; padding-left: 1rem; }
.summary a { color: inherit; text-decoration: none; }
.note { font-size: 14px; color: var(--dim); }
hr { border: 0; border-top: 1px solid var(--line); }
:target { outline: 2px solid #e0b000; scroll-margin: 30vh; }
#map { position: fixed; top: 0; right: 0; width: 3rem; height: 100%%; border-left: 1px solid var(--line); background: var(--page); }
#map a:hover rect { stroke: currentColor; stroke-width: .5; }
@media (max-width: 40rem) { main { padding-right: 2.5rem; } h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; } #map { width: 1.75rem; } }
@media print { #map { display: none; } main { padding-right: 1rem; } }
@media (prefers-color-scheme: dark) {
  :root { --dim: #a5a5a5; --line: #444; --page: #181818; }
  body { color: #ddd; } pre, .row { background: #222; } mark { background: #6b5600; }
}
</style></head><body>
`

// WriteHTML writes a page with the summary, the whole document with the sentences of the summary lit, and at its side a heat map: a
// row for each sentence or for neighbours together, dark where the score is high, with a mark for each sentence of the summary. Rows and
// marks are links to their sentences.
func (r *Summary) WriteHTML(w io.Writer) error {
	b := bufio.NewWriter(w)
	title := r.Title
	if title == "" {
		title = r.Name
	}
	language := " lang=\"en\""
	if r.text.foreign {
		language = ""
	}
	fmt.Fprintf(b, pageHead, language, html.EscapeString(title))
	r.writeMap(b)
	fmt.Fprintf(b, "<main><h1>%s</h1>\n<p class=\"facts\">", html.EscapeString(title))
	fmt.Fprintf(b, "%d of %d words, %d of %d sentences of %s. The whole document was read: %d bytes.</p>\n", r.Words, r.Read.Words,
		len(r.Sentences), r.Read.Sentences, html.EscapeString(r.Name), r.Read.Bytes)
	for _, n := range r.Notes {
		fmt.Fprintf(b, "<p class=\"facts\">%s</p>\n", html.EscapeString(n))
	}
	b.WriteString("<p class=\"facts\"><span class=\"key lit\"></span>sentence of the summary <span class=\"key heat\"></span>score, from " +
		"one standard deviation below the mean to three above it. The map has the document from top to bottom; its rows are links.</p>\n")
	b.WriteString("<div class=\"summary\">\n")
	for _, c := range r.Sentences {
		fmt.Fprintf(b, "<p dir=\"auto\"><a href=\"#s%d\">%s</a></p>\n", c.Index, html.EscapeString(c.Text))
	}
	b.WriteString("</div>\n<hr>\n")
	r.writeDocument(b)
	b.WriteString("</main></body></html>\n")
	return b.Flush()
}

// writeDocument writes the blocks, whose sentences have their scores as tooltips.
func (r *Summary) writeDocument(b *bufio.Writer) {
	d, next := r.text.Document, 0
	for i := range d.Blocks {
		block := &d.Blocks[i]
		text := html.EscapeString(strings.TrimSpace(block.Text))
		switch block.Kind {
		case document.Heading:
			fmt.Fprintf(b, "<h2>%s</h2>\n", text)
			continue
		case document.Code:
			fmt.Fprintf(b, "<pre>%s</pre>\n", text)
			continue
		case document.Table:
			fmt.Fprintf(b, "<div class=\"row\">%s</div>\n", text)
			continue
		case document.Note, document.Caption:
			b.WriteString("<p dir=\"auto\" class=\"note\">")
		case document.Item:
			b.WriteString("<p dir=\"auto\">• ")
		default:
			b.WriteString("<p dir=\"auto\">")
		}
		for ; next < len(r.text.Sentences) && r.text.Sentences[next].Block == i; next++ {
			r.writeSentence(b, next)
		}
		b.WriteString("</p>\n")
	}
}

func (r *Summary) writeSentence(b *bufio.Writer, i int) {
	s := r.text.Sentences[i]
	text := html.EscapeString(s.Text)
	if r.chosen[i] {
		fmt.Fprintf(b, "<mark id=\"s%d\" title=\"score %.2f\">%s</mark> ", i, r.scores[i], text)
		return
	}
	fmt.Fprintf(b, "<span id=\"s%d\" title=\"score %.2f\">%s</span> ", i, r.scores[i], text)
}

// mostRows is the number of rows of the heat map.
const mostRows = 500

// writeMap writes the heat map as a picture. A row of several sentences has their largest score.
func (r *Summary) writeMap(b *bufio.Writer) {
	n := len(r.scores)
	rows := min(n, mostRows)
	fmt.Fprintf(b, "<svg id=\"map\" viewBox=\"0 0 30 %d\" preserveAspectRatio=\"none\" role=\"img\" ", rows)
	b.WriteString("aria-label=\"scores of the sentences\">\n")
	for k := range rows {
		from, to := k*n/rows, (k+1)*n/rows
		best, lit := from, -1
		for i := from; i < to; i++ {
			if r.scores[i] > r.scores[best] {
				best = i
			}
			if r.chosen[i] {
				lit = i
			}
		}
		heat := min(1, max(0, (r.scores[best]+1)/4)) // from one standard deviation below the mean to three above it
		fmt.Fprintf(b, "<a href=\"#s%d\"><rect x=\"8\" y=\"%d\" width=\"22\" height=\"1.05\" fill=\"#b03a2e\" fill-opacity=\"%.2f\"/></a>\n",
			best, k, heat)
		if lit >= 0 {
			fmt.Fprintf(b, "<a href=\"#s%d\"><rect x=\"0\" y=\"%d\" width=\"8\" height=\"%.2f\" fill=\"#e0b000\"/></a>\n", lit, k,
				max(1, float64(rows)/150))
		}
	}
	b.WriteString("</svg>\n")
}
