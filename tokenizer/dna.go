package tokenizer

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

var dnaUnknown = "N"

var dnaKind = &kind{
	normalizer: json.RawMessage(`{"type": "Sequence", "normalizers": [
		{"type": "Replace", "pattern": {"String": "a"}, "content": "A"},
		{"type": "Replace", "pattern": {"String": "c"}, "content": "C"},
		{"type": "Replace", "pattern": {"String": "g"}, "content": "G"},
		{"type": "Replace", "pattern": {"Regex": "[tuU]"}, "content": "T"},
		{"type": "Replace", "pattern": {"Regex": "[nRYSWKMBDHVryswkmbdhv]"}, "content": "N"}]}`),
	preTokenizer: json.RawMessage(`null`),
	decoder:      json.RawMessage(`{"type": "Fuse"}`),
	model:        func(v vocabulary) any { return newBPE(v, &dnaUnknown) },
	specials:     Specials{Begin: None, End: None, Unknown: 4},
	most:         perByte,
	encode:       encodeDNA,
}

// noBase is the code of a letter that is no base.
const noBase = 0xff

// codes are the ids of letters, as dna.Parse of package data/dna reads them.
var codes = dnaCodes()

func dnaCodes() (codes [256]uint8) {
	for letter := range codes {
		codes[letter] = noBase
	}
	for id, letters := range []string{"A", "C", "G", "TU", "NRYSWKMBDHV"} {
		for _, letter := range []byte(letters) {
			codes[letter], codes[letter-'A'+'a'] = uint8(id), uint8(id)
		}
	}
	return codes
}

// DNA returns the tokenizer that reads one base a token: A C G T N are 0 1 2 3 4. Case does not matter, U is read as T, and the
// IUPAC codes of two or three bases (NC-IUB 1984, doi:10.1093/nar/13.9.3021) are read as N. There is no template.
//
// A letter that is no base is an error that names its place. The library tokenizers has no such error: with the same file it reads
// the letter as N.
func DNA() *Tokenizer { return newTokenizer(dnaKind, []string{"A", "C", "G", "T", "N"}, nil) }

func encodeDNA(_ *Tokenizer, e Encoding, text string) (Encoding, error) {
	first, end := len(e.IDs), len(e.IDs)+len(text)
	e.IDs, e.Offsets = e.IDs[:end], e.Offsets[:end]
	ids, offsets := e.IDs[first:], e.Offsets[first:]
	for i := range len(text) {
		code := codes[text[i]]
		if code == noBase {
			letter, _ := utf8.DecodeRuneInString(text[i:])
			return Encoding{}, fmt.Errorf("tokenizer: %q at byte %d is not a base; use A, C, G, T, U, N or another IUPAC code", letter, i)
		}
		ids[i], offsets[i] = int32(code), Span{int32(i), int32(i + 1)}
	}
	return e, nil
}
