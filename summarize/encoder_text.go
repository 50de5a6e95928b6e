package summarize

import (
	"strings"
	"unicode/utf8"

	"github.com/longspan/longspan/document"
)

// stretchBytes is the text that is given to an encoder at once: many windows. A longer text is read in several stretches, so that the
// memory does not grow with it. Each begins and ends with some text of its neighbours.
const stretchBytes = 1 << 18

// border is the text of its neighbours that a stretch has on each side: at least as many tokens as windows share.
func (e *Encoder) border() int {
	const bytes = 8 // of a token, on the large side
	return bytes * max(64, e.o.Chunk/8, e.o.Overlap)
}

// unit is a sentence, or a block without sentences, such as a heading, code or a row of a table.
type unit struct{ sentence, block int } // sentence is -1 for a block

// stretch is a range of the units of a text, and those beside it that are read for its sake.
type stretch struct {
	units    []unit // of the text
	from, to int    // those whose vectors are kept
	border   int    // most bytes of each side
	bytes    int64  // of units [from, to)
}

// units are the sentences and blocks of a text in order. Captions and notes have sentences too.
func (t *Text) units() (all []unit) {
	next := 0
	for b := range t.Document.Blocks {
		before := next
		for ; next < len(t.Sentences) && t.Sentences[next].Block == b; next++ {
			all = append(all, unit{next, b})
		}
		if next == before {
			all = append(all, unit{-1, b})
		}
	}
	return all
}

// of is the text of a unit.
func (t *Text) of(u unit) string {
	if u.sentence >= 0 {
		return t.Sentences[u.sentence].Text
	}
	return document.Clean(t.Document.Blocks[u.block].Text)
}

// size is the length of a unit, about.
func (t *Text) unitSize(u unit) int64 {
	if u.sentence >= 0 {
		return int64(len(t.Sentences[u.sentence].Text))
	}
	return int64(len(t.Document.Blocks[u.block].Text))
}

// stretches divides a text into stretches of some bytes, and counts all of them.
func (t *Text) stretches(bytes int64, border int) (all []stretch) {
	units := t.units()
	s := stretch{units: units, border: border}
	t.unitBytes = 0
	for i, u := range units {
		n := t.unitSize(u)
		if s.bytes > 0 && s.bytes+n > bytes {
			s.to = i
			all = append(all, s)
			s.from, s.bytes = i, 0
		}
		s.bytes += n
		t.unitBytes += n
	}
	s.to = len(units)
	return append(all, s)
}

// passage is where a unit stands in the text that an encoder reads.
type passage struct {
	from, to int
	sentence int // -1: none
	kept     bool
}

// written is the text of a stretch.
type written struct {
	text             string
	passages         []passage
	ends             []int // of the passages; white space belongs to what follows it
	keptFrom, keptTo int
}

// write writes a stretch with its borders.
func (t *Text) write(s stretch) written {
	first, last := s.from, s.to
	for left := s.border; first > 0 && left > 0; first-- {
		left -= int(t.unitSize(s.units[first-1]))
	}
	for left := s.border; last < len(s.units) && left > 0; last++ {
		left -= int(t.unitSize(s.units[last]))
	}
	var b strings.Builder
	w := written{}
	for i := first; i < last; i++ {
		text := t.of(s.units[i])
		switch {
		case i < s.from:
			text = tail(text, s.border)
		case i >= s.to:
			text = head(text, s.border)
		}
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(separator(s.units[i], s.units[i-1]))
		}
		from := b.Len()
		b.WriteString(text)
		kept := i >= s.from && i < s.to
		w.passages = append(w.passages, passage{from, b.Len(), s.units[i].sentence, kept})
		w.ends = append(w.ends, b.Len())
		if kept {
			w.keptTo = b.Len()
		} else if i < s.from {
			w.keptFrom = b.Len()
		}
	}
	w.text = b.String()
	return w
}

// separator stands between units: a line break between blocks.
func separator(u, before unit) byte {
	if u.block == before.block {
		return ' '
	}
	return '\n'
}

// tail is the end of a text, of at most n bytes and whole characters.
func tail(text string, n int) string {
	from := max(0, len(text)-n)
	for from < len(text) && !utf8.RuneStart(text[from]) {
		from++
	}
	return text[from:]
}

// head is the beginning of a text, of at most n bytes and whole characters.
func head(text string, n int) string {
	to := min(n, len(text))
	for to > 0 && to < len(text) && !utf8.RuneStart(text[to]) {
		to--
	}
	return text[:to]
}
