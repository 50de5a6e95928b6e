package normalize

import (
	"strings"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer/internal/aligned"
	"github.com/longspan/longspan/tokenizer/internal/chars"
	"github.com/longspan/longspan/tokenizer/internal/component"
	"github.com/longspan/longspan/tokenizer/internal/pattern"
)

// isASCII says whether s has bytes below utf8.RuneSelf alone.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// filter removes the characters that keep refuses.
func filter(t aligned.Text, keep func(rune) bool) aligned.Text {
	if strings.IndexFunc(t.S, func(r rune) bool { return !keep(r) }) < 0 {
		return t
	}
	changes := make([]aligned.Change, 0, len(t.S))
	removed, first := 0, 0
	for _, r := range t.S {
		switch {
		case !keep(r):
			if len(changes) == 0 {
				first++
			} else {
				removed--
			}
		default:
			if len(changes) > 0 {
				changes[len(changes)-1].By = removed
			}
			changes = append(changes, aligned.Change{R: r})
			removed = 0
		}
	}
	if len(changes) == 0 {
		first = 0 // the library forgets the characters it removed where none is left
	} else {
		changes[len(changes)-1].By = removed
	}
	return t.Transform(changes, first)
}

// replaceEach puts f(r) in the place of each character r.
func replaceEach(t aligned.Text, f func(rune) rune) aligned.Text {
	same, sizes := true, t.Places == nil
	for _, r := range t.S {
		if to := f(r); to != r {
			same = false
			sizes = sizes && utf8.RuneLen(to) == utf8.RuneLen(r)
		}
	}
	if same {
		return t
	}
	if sizes {
		b := make([]byte, 0, len(t.S))
		for _, r := range t.S {
			b = utf8.AppendRune(b, f(r))
		}
		return aligned.Text{S: string(b), Base: t.Base}
	}
	changes := make([]aligned.Change, 0, len(t.S))
	for _, r := range t.S {
		changes = append(changes, aligned.Change{R: f(r)})
	}
	return t.Transform(changes, 0)
}

// lowercase is Rust's lowercase of each character by itself: the final sigma is a sigma, and İ is two characters.
func lowercase(t aligned.Text) aligned.Text {
	if isASCII(t.S) {
		return lowerASCII(t)
	}
	table := chars.All()
	if !strings.ContainsRune(t.S, 0x130) {
		return replaceEach(t, table.ToLower)
	}
	changes := make([]aligned.Change, 0, len(t.S))
	for _, r := range t.S {
		changes = append(changes, aligned.Change{R: table.ToLower(r)})
		if r == 0x130 {
			changes = append(changes, aligned.Change{R: 0x307, By: 1})
		}
	}
	return t.Transform(changes, 0)
}

// AppendLower adds a text in lower case to dst, as the normalizer Lowercase writes it. The text must be UTF-8.
func AppendLower(dst, text []byte) []byte {
	table := chars.All()
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		i += size
		dst = utf8.AppendRune(dst, table.ToLower(r))
		if r == 0x130 {
			dst = utf8.AppendRune(dst, 0x307)
		}
	}
	return dst
}

func lowerASCII(t aligned.Text) aligned.Text {
	for i := range len(t.S) {
		if c := t.S[i]; 'A' <= c && c <= 'Z' {
			b := []byte(t.S)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			t.S = string(b)
			break
		}
	}
	return t
}

// nmt is the normalisation of Moses' scripts for machine translation, as SentencePiece has it: controls are removed, and many kinds
// of white space are blanks.
func nmt(t aligned.Text) aligned.Text {
	t = filter(t, func(r rune) bool {
		switch {
		case 1 <= r && r <= 8, r == 0xb, 0xe <= r && r <= 0x1f, r == 0x7f, r == 0x8f, r == 0x9f:
			return false
		}
		return true
	})
	return replaceEach(t, func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\f', r == '\r', r == 0x1680, 0x200b <= r && r <= 0x200f, r == 0x2028, r == 0x2029, r == 0x2581,
			r == 0xfeff, r == 0xfffd:
			return ' '
		}
		return r
	})
}

func stripAccents(t aligned.Text) aligned.Text {
	if isASCII(t.S) {
		return t
	}
	table := chars.All()
	return filter(t, func(r rune) bool { return table.Of(r)&chars.Combining == 0 })
}

// byteLevel writes each byte as a character of GPT-2's alphabet.
func byteLevel(t aligned.Text) aligned.Text { return ByteLevel(t) }

// Alphabet is GPT-2's alphabet: the character that stands for each byte. Bytes that are visible characters of Latin-1 stand for
// themselves, and the others are the characters from 256 on. Radford et al. 2019, bytes_to_unicode of its encoder.
var Alphabet = alphabet()

func alphabet() (all [256]rune) {
	next := rune(256)
	for b := range all {
		all[b] = rune(b)
		if !(b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae) {
			all[b] = next
			next++
		}
	}
	return all
}

// ByteLevel writes each byte of a text as a character of the alphabet.
func ByteLevel(t aligned.Text) aligned.Text {
	if t.S == "" {
		return t
	}
	changes := make([]aligned.Change, 0, len(t.S))
	for i := range len(t.S) {
		by := 0
		if !utf8.RuneStart(t.S[i]) {
			by = 1
		}
		changes = append(changes, aligned.Change{R: Alphabet[t.S[i]], By: by})
	}
	return t.Transform(changes, 0)
}

type replace struct {
	pattern pattern.Pattern
	content string
}

func readReplace(f *component.Fields) Normalizer {
	p, err := pattern.Read(f, "pattern")
	if err != nil {
		return nil
	}
	return replace{p, f.String("content")}
}

// Apply implements [Normalizer].
func (r replace) Apply(t aligned.Text) (aligned.Text, error) {
	var matches []aligned.Match
	err := r.pattern.Each(t.S, func(from, to int) { matches = append(matches, aligned.Match{From: from, To: to}) })
	if err != nil {
		return aligned.Text{}, err
	}
	return t.Replace(matches, r.content), nil
}

// strip removes white space at the ends.
type strip struct{ left, right bool }

func readStrip(f *component.Fields) Normalizer {
	return strip{left: f.Bool("strip_left"), right: f.Bool("strip_right")}
}

// Apply implements [Normalizer].
func (s strip) Apply(t aligned.Text) (aligned.Text, error) {
	table := chars.All()
	space := func(r rune) bool { return table.Of(r)&chars.RustSpace != 0 }
	from, to := 0, len(t.S)
	if s.left {
		for from < len(t.S) {
			r, size := utf8.DecodeRuneInString(t.S[from:])
			if !space(r) {
				break
			}
			from += size
		}
	}
	if s.right {
		for to > 0 {
			r, size := utf8.DecodeLastRuneInString(t.S[:to])
			if !space(r) {
				break
			}
			to -= size
		}
	}
	if from == 0 && to == len(t.S) {
		return t, nil
	}
	if from >= to {
		return t.Transform(nil, utf8.RuneCountInString(t.S)), nil
	}
	if from > 0 {
		t = t.Explicit()
	}
	base := t.Base
	t = t.Slice(from, to)
	t.Base = base // the text begins where it began, unlike a part of it
	return t, nil
}
