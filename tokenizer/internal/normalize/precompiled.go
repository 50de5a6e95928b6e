package normalize

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"github.com/longspan/longspan/tokenizer/internal/aligned"
	"github.com/longspan/longspan/tokenizer/internal/component"
)

// charsmap is the character map of a SentencePiece model: a double-array trie of texts (Darts), and what each is replaced by. Its bytes are
// the size of the trie (uint32, little endian), the units of the trie (uint32 each), and the replacements, each with a zero byte behind.
type charsmap struct {
	units        []uint32
	replacements string
	mode         Mode
	ascii        [utf8.RuneSelf]entry
}

// entry is what a text is replaced by, where ok.
type entry struct {
	content string
	ok      bool
}

func readPrecompiled(f *component.Fields, mode Mode) Normalizer {
	text := f.String("precompiled_charsmap")
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		f.Fail("precompiled_charsmap", "is not base64: %w", err)
		return nil
	}
	if len(b) == 0 {
		return Sequence{} // a model without a map
	}
	if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
		f.Fail("precompiled_charsmap", "has %d bytes, less than the trie in it", len(b))
		return nil
	}
	size := int(binary.LittleEndian.Uint32(b))
	m := &charsmap{units: make([]uint32, size/4), mode: mode}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(b[4+4*i:])
	}
	rest := b[4+size/4*4:]
	if !utf8.Valid(rest) {
		f.Fail("precompiled_charsmap", "has replacements that are not UTF-8")
		return nil
	}
	m.replacements = string(rest)
	for c := range m.ascii {
		m.ascii[c].content, _, m.ascii[c].ok = m.shortest(string(rune(c)))
	}
	return m
}

// walk calls f with each entry that s begins with, the shortest first, until it returns false. The layout of a unit is that of Darts-clone:
// bit 8 says that a value follows, bits 0–7 and 31 are the label, and the rest is the distance to the children.
func (m *charsmap) walk(s string, f func(size int, value uint32) bool) {
	at := uint32(0)
	unit := func() uint32 {
		if int(at) < len(m.units) {
			return m.units[at]
		}
		return 0
	}
	children := func(u uint32) uint32 { return u >> 10 << (u & (1 << 9) >> 6) }
	if len(m.units) == 0 {
		return
	}
	at ^= children(unit())
	for i := range len(s) {
		if s[i] == 0 {
			return
		}
		at ^= uint32(s[i])
		u := unit()
		if u&(1<<31|0xff) != uint32(s[i]) {
			return
		}
		at ^= children(u)
		if u>>8&1 == 1 && !f(i+1, unit()&(1<<31-1)) {
			return
		}
	}
}

// content is the replacement that begins at byte i.
func (m *charsmap) content(i uint32) (string, bool) {
	if int64(i) >= int64(len(m.replacements)) || !utf8.RuneStart(m.replacements[i]) {
		return "", false
	}
	s := m.replacements[i:]
	if end := strings.IndexByte(s, 0); end >= 0 {
		s = s[:end]
	}
	return s, true
}

// shortest returns the replacement of the shortest entry that s begins with.
func (m *charsmap) shortest(s string) (content string, size int, ok bool) {
	m.walk(s, func(n int, value uint32) bool {
		content, ok = m.content(value)
		size = n
		return false
	})
	return content, size, ok
}

// longest returns the replacement of the longest entry that s begins with.
func (m *charsmap) longest(s string) (content string, size int, ok bool) {
	m.walk(s, func(n int, value uint32) bool {
		if c, found := m.content(value); found {
			content, size, ok = c, n, true
		}
		return true
	})
	return content, size, ok
}

// rewriting is a text on its way through a charsmap.
type rewriting struct {
	changes  []aligned.Change
	modified bool
	sizes    bool // every character has kept its size
}

func (w *rewriting) keep(r rune) { w.changes = append(w.changes, aligned.Change{R: r}) }

// replace puts the characters of content in the place of those of old. A count that is left goes to the last character so far.
func (w *rewriting) replace(old, content string) {
	w.modified = true
	first := len(w.changes)
	for _, r := range content {
		w.keep(r)
	}
	had, has := utf8.RuneCountInString(old), len(w.changes)-first
	w.sizes = w.sizes && had == 1 && has == 1 && len(old) == len(content)
	for i := range max(0, has-had) {
		w.changes[len(w.changes)-1-i].By = 1
	}
	if has < had && len(w.changes) > 0 {
		w.changes[len(w.changes)-1].By += has - had
	}
}

// text returns the text after the changes.
func (w *rewriting) text(t aligned.Text) aligned.Text {
	switch {
	case !w.modified:
		return t
	case w.sizes && t.Places == nil:
		var b bytes.Buffer
		b.Grow(len(t.S))
		for _, c := range w.changes {
			b.WriteRune(c.R)
		}
		return aligned.Text{S: b.String(), Base: t.Base}
	}
	return t.Transform(w.changes, 0)
}

// Apply implements [Normalizer].
func (m *charsmap) Apply(t aligned.Text) (aligned.Text, error) {
	w := rewriting{changes: make([]aligned.Change, 0, len(t.S)), sizes: true}
	if m.mode == SentencePiece {
		m.longestMatches(&w, t.S)
	} else {
		m.clusters(&w, t.S)
	}
	return w.text(t), nil
}

// longestMatches takes the longest entry at each place, as SentencePiece's NormalizePrefix does.
func (m *charsmap) longestMatches(w *rewriting, s string) {
	for len(s) > 0 {
		if content, size, ok := m.longest(s); ok {
			w.replace(s[:size], content)
			s = s[size:]
			continue
		}
		r, size := utf8.DecodeRuneInString(s)
		w.keep(r)
		s = s[size:]
	}
}

// longestCluster is the largest size of a grapheme cluster that is looked up as a whole. It is the library's.
const longestCluster = 5

// clusters looks up grapheme clusters, and the characters of those that are long or have no entry.
func (m *charsmap) clusters(w *rewriting, s string) {
	for len(s) > 0 {
		if c := s[0]; c < utf8.RuneSelf && (len(s) == 1 || s[1] < utf8.RuneSelf && c != '\r') {
			if e := m.ascii[c]; e.ok {
				w.replace(s[:1], e.content)
			} else {
				w.keep(rune(c))
			}
			s = s[1:]
			continue
		}
		cluster, rest, _, _ := uniseg.FirstGraphemeClusterInString(s, -1)
		s = rest
		if len(cluster) <= longestCluster {
			if content, _, ok := m.shortest(cluster); ok {
				w.replace(cluster, content)
				continue
			}
		}
		for i, r := range cluster {
			part := cluster[i : i+utf8.RuneLen(r)]
			if content, _, ok := m.shortest(part); ok {
				w.replace(part, content)
			} else {
				w.keep(r)
			}
		}
	}
}
