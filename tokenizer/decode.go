package tokenizer

import (
	"strings"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer/internal/decode"
)

// Decode returns the text of ids. Special tokens are left out, and an id without a token becomes U+FFFD; the library leaves such ids
// out. Tokens of [Bytes] give their bytes, valid UTF-8 or not.
func (t *Tokenizer) Decode(ids []int32) string { return t.decode(ids, t.NewDecoder()) }

// DecodeWithSpecials is Decode with the names of special tokens in the text.
func (t *Tokenizer) DecodeWithSpecials(ids []int32) string {
	d := t.NewDecoder()
	d.specials = true
	return t.decode(ids, d)
}

func (t *Tokenizer) decode(ids []int32, d *Decoder) string {
	var text strings.Builder
	text.Grow(2 * len(ids))
	for _, id := range ids {
		text.WriteString(d.Next(id))
	}
	text.WriteString(d.Flush())
	return text.String()
}

// text is what a token of this package's tokenizers is decoded to.
func (t *Tokenizer) text(id int32) string {
	if !t.has(id) {
		return string(utf8.RuneError)
	}
	return t.texts[id]
}

// Decoder decodes one token at a time, for a model that writes. The texts of Next and Flush in order are together what
// [Tokenizer.Decode] returns. It is for one goroutine.
type Decoder struct {
	t        *Tokenizer
	specials bool           // special tokens are in the text
	stream   *decode.Stream // of a tokenizer.json, nil for the tokenizers of this package
	started  bool           // a token was decoded
	pending  []byte         // the beginning of a UTF-8 character
}

// NewDecoder returns a decoder at the beginning of a text.
func (t *Tokenizer) NewDecoder() *Decoder {
	d := &Decoder{t: t}
	if t.pipeline != nil {
		d.stream = t.decoder.Start()
	}
	return d
}

// Next returns the text that id completes. What the next token may change is withheld until it cannot be changed any more, such as the
// beginning of a UTF-8 character; the text is empty until then.
func (d *Decoder) Next(id int32) string {
	if !d.specials && d.t.isSpecial(id) {
		return ""
	}
	if d.stream != nil {
		name, ok := d.t.token(id)
		if !ok {
			name = string(utf8.RuneError)
		}
		d.stream.Push(name)
		return d.stream.Take()
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

// Flush returns what is withheld, and begins another text.
func (d *Decoder) Flush() string {
	if d.stream != nil {
		return d.stream.End()
	}
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
