package tokenizer

import (
	"encoding/json"
	"unicode/utf8"
)

const endName = "<|end|>"

// endID is the border of documents. It is text.End of package data/text.
const endID = 256

var bytesKind = &kind{
	normalizer:   json.RawMessage(`null`),
	preTokenizer: json.RawMessage(`{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}`),
	decoder:      json.RawMessage(`{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}`),
	model:        func(v vocabulary) any { return newBPE(v, nil) },
	added:        []string{endName},
	specials:     Specials{Begin: endID, End: endID, Unknown: None},
	most:         perByte,
	encode:       encodeBytes,
}

// Bytes returns the tokenizer that reads one byte a token. The ids 0 … 255 are the values of bytes, and 256 is <|end|>, the border of
// documents. The template is that of a prompt: <|end|> in front of the text.
//
// The offset of a byte is that of the whole UTF-8 character it belongs to, as in the library tokenizers. A byte that belongs to no
// character is its own span. Such a text is no text for the library, whose decoder also replaces these bytes by U+FFFD;
// [Tokenizer.Decode] returns them as they are. Encode has no error but that for a text of more than [MaxText] bytes.
func Bytes() *Tokenizer {
	names, texts := make([]string, 256), make([]string, 256)
	next := rune(256)
	for b := range 256 {
		texts[b] = string([]byte{byte(b)})
		names[b] = string(rune(b))
		if !printable(b) {
			names[b] = string(next)
			next++
		}
	}
	t := newTokenizer(bytesKind, names, texts)
	t.template.Before = []int32{endID}
	return t
}

// printable says whether the byte-level alphabet writes b as the character of that number. The other bytes are written as the
// characters from 256 on. Radford et al. 2019, bytes_to_unicode of GPT-2's encoder.
func printable(b int) bool { return b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae }

func encodeBytes(_ *Tokenizer, e Encoding, text string) (Encoding, error) {
	first, end := len(e.IDs), len(e.IDs)+len(text)
	e.IDs, e.Offsets = e.IDs[:end], e.Offsets[:end]
	ids, offsets := e.IDs[first:], e.Offsets[first:]
	for i := 0; i < len(text); {
		if b := text[i]; b < utf8.RuneSelf {
			ids[i], offsets[i] = int32(b), Span{int32(i), int32(i + 1)}
			i++
			continue
		}
		_, size := utf8.DecodeRuneInString(text[i:])
		span := Span{int32(i), int32(i + size)}
		for range size {
			ids[i], offsets[i] = int32(text[i]), span
			i++
		}
	}
	return e, nil
}
