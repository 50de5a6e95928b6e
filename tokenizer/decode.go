package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// Decode returns the text of ids. Special tokens are left out, and an id outside the vocabulary becomes U+FFFD. Tokens of [Bytes]
// give their bytes, valid UTF-8 or not.
func (t *Tokenizer) Decode(ids []int32) string {
	var text strings.Builder
	text.Grow(len(ids))
	first := true
	for _, id := range ids {
		if t.special(id) {
			continue
		}
		if !first {
			text.WriteString(t.kind.separator)
		}
		text.WriteString(t.text(id))
		first = false
	}
	return text.String()
}

// text is what a token that is not special is decoded to.
func (t *Tokenizer) text(id int32) string {
	if !t.has(id) {
		return string(utf8.RuneError)
	}
	return t.texts[id]
}

// Decoder decodes one token at a time, for a model that writes. The texts of Next and Flush in order are together what
// [Tokenizer.Decode] returns. It is for one goroutine.
type Decoder struct {
	t       *Tokenizer
	started bool   // a token was decoded
	pending []byte // the beginning of a UTF-8 character
}

// NewDecoder returns a decoder at the beginning of a text.
func (t *Tokenizer) NewDecoder() *Decoder { return &Decoder{t: t} }

// Next returns the text that id completes. The beginning of a UTF-8 character is withheld until its last byte is there, or a byte that
// cannot follow; the text is empty until then.
func (d *Decoder) Next(id int32) string {
	if d.t.special(id) {
		return ""
	}
	if d.started {
		d.pending = append(d.pending, d.t.kind.separator...)
	}
	d.started = true
	d.pending = append(d.pending, d.t.text(id)...)
	n := complete(d.pending)
	text := string(d.pending[:n])
	d.pending = append(d.pending[:0], d.pending[n:]...)
	return text
}

// Flush returns what is withheld, which is not valid UTF-8, and begins another text.
func (d *Decoder) Flush() string {
	text := string(d.pending)
	d.pending, d.started = d.pending[:0], false
	return text
}

// complete is the number of bytes in front of a character at the end of b whose last bytes are missing.
func complete(b []byte) int {
	for i := len(b) - 1; i >= max(0, len(b)-utf8.UTFMax+1); i-- {
		if utf8.RuneStart(b[i]) {
			if utf8.FullRune(b[i:]) {
				break
			}
			return i
		}
	}
	return len(b)
}
