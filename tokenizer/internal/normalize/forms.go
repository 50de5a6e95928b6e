package normalize

import (
	"slices"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/longspan/longspan/tokenizer/internal/aligned"
	"github.com/longspan/longspan/tokenizer/internal/chars"
)

// form is a Unicode normalisation form (Unicode Standard Annex 15) in Unicode 9, the version of the library's tables. The
// decompositions themselves never change; characters that are younger have none here.
type form struct {
	full    norm.Form // whose decompositions are taken
	quick   norm.Form // which tells that a text is in the form already
	compose bool
}

var (
	canonical = form{full: norm.NFD, quick: norm.NFD}
	forms     = map[string]form{
		"NFC": {full: norm.NFD, quick: norm.NFC, compose: true}, "NFD": canonical,
		"NFKC": {full: norm.NFKD, quick: norm.NFKC, compose: true}, "NFKD": {full: norm.NFKD, quick: norm.NFKD},
	}
)

// Apply implements [Normalizer].
func (f form) Apply(t aligned.Text) (aligned.Text, error) {
	if isASCII(t.S) || f.quick.IsNormalString(t.S) {
		return t, nil
	}
	if f.compose {
		return t.Transform(recompose(f.decomposed(t.S)), 0), nil
	}
	return f.decompose(t), nil
}

func (f form) decompose(t aligned.Text) aligned.Text {
	if isASCII(t.S) || f.quick.IsNormalString(t.S) {
		return t
	}
	list := f.decomposed(t.S)
	changes := make([]aligned.Change, len(list))
	for i, p := range list {
		changes[i] = p.Change
	}
	return t.Transform(changes, 0)
}

// part is a character of a decomposition with its combining class.
type part struct {
	aligned.Change
	class uint8
}

// decomposed returns the full decomposition in canonical order. The first character of a decomposition is in the place of the character
// itself, and the others are added; they keep that when the order changes.
func (f form) decomposed(s string) []part {
	table := chars.All()
	all := make([]part, 0, len(s))
	pending := 0 // where the characters begin that the order may change
	add := func(r rune, by int) {
		p := part{aligned.Change{R: r, By: by}, classOf(table, r)}
		if p.class == 0 {
			order(all[pending:])
			pending = len(all) + 1
		}
		all = append(all, p)
	}
	for _, r := range s {
		if r < utf8.RuneSelf || table.Of(r)&chars.Decomposes == 0 {
			add(r, 0)
			continue
		}
		by := 0
		for _, d := range f.of(r) {
			add(d, by)
			by = 1
		}
	}
	if pending < len(all) {
		order(all[pending:])
	}
	return all
}

// of returns the decomposition of one character.
func (f form) of(r rune) string {
	var b [utf8.UTFMax]byte
	n := utf8.EncodeRune(b[:], r)
	if d := f.full.Properties(b[:n]).Decomposition(); d != nil {
		return string(d)
	}
	return f.full.String(string(r)) // Hangul has no entry, and others none of compatibility
}

func order(parts []part) {
	if len(parts) > 1 {
		slices.SortStableFunc(parts, func(a, b part) int { return int(a.class) - int(b.class) })
	}
}

// classOf returns the combining class, 0 for a character that is younger than the tables.
func classOf(table *chars.Tables, r rune) uint8 {
	if r < 0x300 || table.Of(r)&chars.Nonstarter == 0 {
		return 0
	}
	var b [utf8.UTFMax]byte
	return norm.NFD.Properties(b[:utf8.EncodeRune(b[:], r)]).CCC()
}

// recompose joins what was decomposed. A character that is composed takes the place of the two; the counts of added characters are those
// of the library.
func recompose(parts []part) []aligned.Change {
	all := make([]aligned.Change, 0, len(parts))
	base, last := -1, -1 // the character in all that others join, and the class of the last one that did not, -1 where there is none
	for _, p := range parts {
		if base < 0 {
			if p.class == 0 {
				base = len(all)
			}
			all = append(all, p.Change)
			continue
		}
		if last < int(p.class) {
			if r, ok := composition(all[base].R, p.R); ok {
				all[base] = aligned.Change{R: r, By: all[base].By + p.By - 1}
				continue
			}
		}
		all = append(all, p.Change)
		last = int(p.class)
		if p.class == 0 {
			base, last = len(all)-1, -1
		}
	}
	return all
}

// composition returns the character that two are composed to.
func composition(a, b rune) (rune, bool) {
	if r, ok := hangul(a, b); ok {
		return r, true
	}
	r, ok := compositions()[[2]rune{a, b}]
	return r, ok
}

// hangul composes a syllable. Unicode Standard, section 3.12.
func hangul(a, b rune) (rune, bool) {
	const l, v, t, s, vs, ts = 0x1100, 0x1161, 0x11a7, 0xac00, 21, 28
	switch {
	case l <= a && a < l+19 && v <= b && b < v+vs:
		return s + ((a-l)*vs+(b-v))*ts, true
	case s <= a && a < s+19*vs*ts && (a-s)%ts == 0 && t < b && b < t+ts:
		return a + (b - t), true
	}
	return 0, false
}

// compositions are the pairs that are composed: the canonical decompositions whose composed form is the character again.
var compositions = sync.OnceValue(func() map[[2]rune]rune {
	pairs := map[[2]rune]rune{}
	chars.All().Ranges(chars.Decomposes, func(from, to rune) {
		for r := from; r <= to; r++ {
			s := string(r)
			if norm.NFC.String(s) != s || norm.NFD.String(s) == s || 0xac00 <= r && r <= 0xd7a3 {
				continue
			}
			// The first of the pair is composed itself: é̂ decomposes to three characters, and is a pair of ê and an accent.
			all := []rune(norm.NFD.String(s))
			first := []rune(norm.NFC.String(string(all[:len(all)-1])))
			if len(first) == 1 {
				pairs[[2]rune{first[0], all[len(all)-1]}] = r
			}
		}
	})
	return pairs
})
