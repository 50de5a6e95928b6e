package document

import "slices"

// place is where a run of text comes from. The run goes to the next place.
type place struct {
	at       int // in the text
	length   int
	from, to int64 // in the source
}

// linear reports that a byte of the run stands for a byte of the source. Other text of the same length may be taken for that: its parts
// then come from parts of the same bytes.
func (p place) linear() bool { return p.to-p.from == int64(p.length) }

// Source returns the bytes of the source that the bytes from … to−1 of the block's text come from, 0 ≤ from < to ≤ len(Text).
func (b *Block) Source(from, to int) (int64, int64) {
	first, last := b.place(from), b.place(to-1)
	begin, end := first.from, last.to
	if first.linear() {
		begin += int64(from - first.at)
	}
	if last.linear() {
		end = last.from + int64(to-last.at)
	}
	return begin, end
}

// place is the place that byte i of the text lies in.
func (b *Block) place(i int) place {
	k, found := slices.BinarySearchFunc(b.places, i, func(p place, i int) int { return p.at - i })
	if !found {
		k--
	}
	return b.places[k]
}

// part are the places of length bytes of the text from byte from on, as places of a text by itself.
func (b *Block) part(from, length int) (places []place) {
	k, found := slices.BinarySearchFunc(b.places, from, func(p place, i int) int { return p.at - i })
	if !found {
		k--
	}
	for _, p := range b.places[max(k, 0):] {
		if p.at >= from+length {
			break
		}
		low, high := max(p.at, from), min(p.at+p.length, from+length)
		if low >= high {
			continue
		}
		if !p.linear() {
			places = appendFixed(places, place{low - from, high - low, p.from, p.to})
			continue
		}
		begin := p.from + int64(low-p.at)
		places = append(places, place{low - from, high - low, begin, begin + int64(high-low)})
	}
	return places
}

// appendFixed appends a place of other text, all of which stands for all of its bytes. A place that would be taken for linear is two, so
// that no part of the text gets a part of a character of the source.
func appendFixed(places []place, p place) []place {
	if p.linear() && p.length > 1 {
		return append(places, place{p.at, 1, p.from, p.to}, place{p.at + 1, p.length - 1, p.from, p.to})
	}
	return append(places, p)
}

// bytes are the bytes of the source that the bytes from … to−1 of the text come from, 0 ≤ from ≤ to ≤ len(Text). Of no bytes it is the
// place between.
func (b *Block) bytes(from, to int) (int64, int64) {
	switch {
	case from < to:
		return b.Source(from, to)
	case from < len(b.Text):
		begin, _ := b.Source(from, from+1)
		return begin, begin
	case from > 0:
		_, end := b.Source(from-1, from)
		return end, end
	}
	return 0, 0
}

// relocate turns the places of a document that was read from t's text into the places of that text.
func (d *Document) relocate(t *Block) {
	for i := range d.Blocks {
		b := &d.Blocks[i]
		var places []place
		for _, p := range b.places {
			if p.linear() {
				for _, q := range t.part(int(p.from), p.length) {
					q.at += p.at
					places = append(places, q)
				}
				continue
			}
			from, to := t.bytes(int(p.from), int(p.to))
			places = appendFixed(places, place{p.at, p.length, from, to})
		}
		b.places = places
	}
	for i := range d.LeftOut {
		p := &d.LeftOut[i]
		p.From, p.To = t.bytes(int(p.From), int(p.To))
	}
}
