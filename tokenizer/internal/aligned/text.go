// Package aligned holds a text that was changed together with the place of each of its bytes in the text it comes from. It computes the
// places as NormalizedString of the library tokenizers does, its corner cases included.
package aligned

import (
	"unicode/utf8"
)

// Span is the bytes [From, To) of the original text.
type Span struct{ From, To int32 }

// Text is a part of the original text after changes. The zero Text is empty.
type Text struct {
	S string

	// Places has the place in the original of each byte of S. It is nil where byte i of S belongs to the character that has byte
	// Base+i of the original, and S has the same borders of characters.
	Places []Span

	// Base is where the part begins in the original.
	Base int32
}

// Of returns the part of the original text that begins at base, unchanged.
func Of(s string, base int) Text { return Text{S: s, Base: int32(base)} }

// Place returns the place of byte i.
func (t Text) Place(i int) Span {
	if t.Places != nil {
		return t.Places[i]
	}
	from, to := t.character(i)
	return Span{t.Base + int32(from), t.Base + int32(to)}
}

// character returns the borders of the character that byte i of S belongs to.
func (t Text) character(i int) (from, to int) {
	if t.S[i] < utf8.RuneSelf {
		return i, i + 1
	}
	from, to = i, i+1
	for from > 0 && !utf8.RuneStart(t.S[from]) {
		from--
	}
	for to < len(t.S) && !utf8.RuneStart(t.S[to]) {
		to++
	}
	return from, to
}

// Span returns the place of the bytes [from, to). The place of no bytes, and of bytes beyond the end, is the range itself counted from
// Base: the library falls back to this too.
func (t Text) Span(from, to int) Span {
	if from >= to || to > len(t.S) {
		return Span{t.Base + int32(from), t.Base + int32(to)}
	}
	if t.Places != nil {
		return Span{t.Places[from].From, t.Places[to-1].To}
	}
	if t.S[from]&0xc0 == 0x80 {
		from, _ = t.character(from)
	}
	if t.S[to-1] >= utf8.RuneSelf {
		_, to = t.character(to - 1)
	}
	return Span{t.Base + int32(from), t.Base + int32(to)}
}

// Slice returns the bytes [from, to), which are whole characters.
func (t Text) Slice(from, to int) Text {
	if t.Places == nil {
		return Text{S: t.S[from:to], Base: t.Base + int32(from)}
	}
	part := Text{S: t.S[from:to], Places: t.Places[from:to:to], Base: t.Base}
	if from < to {
		part.Base = t.Places[from].From
	}
	return part
}

// Change is one character of a text after a change. By is 0 for a character in the place of another, 1 for one that is added, and -n for
// one in the place of another which takes n characters after it away.
type Change struct {
	R  rune
	By int
}

// Explicit returns the same text with places that are not implied.
func (t Text) Explicit() Text {
	t.Places = t.places()
	return t
}

// places returns the places of all bytes, computed where they are implied.
func (t Text) places() []Span {
	if t.Places != nil {
		return t.Places
	}
	all := make([]Span, len(t.S))
	for i := 0; i < len(t.S); {
		_, size := utf8.DecodeRuneInString(t.S[i:])
		span := Span{t.Base + int32(i), t.Base + int32(i+size)}
		for range size {
			all[i] = span
			i++
		}
	}
	return all
}

// Transform replaces the text by the characters of changes, after removed characters at its beginning are gone.
func (t Text) Transform(changes []Change, removed int) Text {
	places := t.places()
	from, ok := t.changeable(places)
	if !ok {
		return t
	}
	return t.replaceFrom(places, from, len(t.S), changes, removed)
}

// changeable returns where a transformation of the whole text begins. The library asks for the bytes that lie in the original. Bytes
// without a width there, which some replacements make, are not asked for at the beginning. A text that lost all its bytes is left alone.
func (t Text) changeable(places []Span) (from int, ok bool) {
	for i, p := range places {
		if p.From != p.To {
			return i, true
		}
	}
	return len(t.S), len(t.S) > 0
}

// replaceFrom replaces the bytes [from, to).
func (t Text) replaceFrom(places []Span, from, to int, changes []Change, removed int) Text {
	size := len(t.S) - (to - from)
	for _, c := range changes {
		size += utf8.RuneLen(c.R)
	}
	s, spans := make([]byte, 0, size), make([]Span, 0, size)
	s, spans = append(s, t.S[:from]...), append(spans, places[:from]...)
	next, end := from, to // the next character to replace, and where they end
	take := func() (size int) {
		if next < end {
			_, size = utf8.DecodeRuneInString(t.S[next:end])
			next += size
		}
		return size
	}
	offset := from
	for range removed {
		offset += take()
	}
	for _, c := range changes {
		place := Span{t.Base, t.Base}
		switch {
		case c.By <= 0 && offset < len(places):
			place = places[offset]
		case c.By > 0 && offset > 0:
			place = places[min(offset, len(places))-1]
		}
		if c.By <= 0 {
			for range 1 - c.By {
				offset += take()
			}
		}
		before := len(s)
		s = utf8.AppendRune(s, c.R)
		for range len(s) - before {
			spans = append(spans, place)
		}
	}
	s, spans = append(s, t.S[to:]...), append(spans, places[to:]...)
	return Text{S: string(s), Places: spans, Base: t.Base}
}

// Prepend puts prefix before the text, at the place of its first character. An empty text stays empty.
func (t Text) Prepend(prefix string) Text {
	if t.S == "" || prefix == "" {
		return t
	}
	_, size := utf8.DecodeRuneInString(t.S)
	place := t.Place(0)
	spans := make([]Span, 0, len(prefix)+len(t.S))
	for range len(prefix) + size {
		spans = append(spans, place)
	}
	return Text{S: prefix + t.S, Places: append(spans, t.places()[size:]...), Base: t.Base}
}

// Match is the bytes [From, To) of a text that a pattern matches.
type Match struct{ From, To int }

// Replace puts content in the place of each match. The content has the place of the last byte that it replaces.
func (t Text) Replace(matches []Match, content string) Text {
	if len(matches) == 0 {
		return t
	}
	size := len(t.S)
	for _, m := range matches {
		size += len(content) - (m.To - m.From)
	}
	places := t.places()
	s, spans := make([]byte, 0, size), make([]Span, 0, size)
	last := 0
	for _, m := range matches {
		s, spans = append(s, t.S[last:m.From]...), append(spans, places[last:m.From]...)
		place := Span{t.Base, t.Base}
		if m.To > 0 {
			place = places[m.To-1]
		}
		s = append(s, content...)
		for range len(content) {
			spans = append(spans, place)
		}
		last = m.To
	}
	s, spans = append(s, t.S[last:]...), append(spans, places[last:]...)
	return Text{S: string(s), Places: spans, Base: t.Base}
}
