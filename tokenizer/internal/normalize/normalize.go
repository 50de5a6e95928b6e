// Package normalize has the normalizers of a tokenizer.json. Each changes a text and keeps the place of every byte, as the library
// tokenizers does.
package normalize

import (
	"encoding/json"
	"fmt"

	"github.com/longspan/longspan/tokenizer/internal/aligned"
	"github.com/longspan/longspan/tokenizer/internal/component"
)

// Normalizer changes a text. An error is one of a regular expression that gave up.
type Normalizer interface {
	Apply(aligned.Text) (aligned.Text, error)
}

// plain is a normalizer without errors.
type plain func(aligned.Text) aligned.Text

// Apply implements [Normalizer].
func (f plain) Apply(t aligned.Text) (aligned.Text, error) { return f(t), nil }

// Sequence is one normalizer after the other.
type Sequence []Normalizer

// Apply implements [Normalizer].
func (s Sequence) Apply(t aligned.Text) (aligned.Text, error) {
	for _, n := range s {
		var err error
		if t, err = n.Apply(t); err != nil {
			return aligned.Text{}, err
		}
	}
	return t, nil
}

// Mode is the reading of a Precompiled component.
type Mode int

const (
	// Library does what the library tokenizers 0.22.2 does: it looks up whole grapheme clusters of less than six bytes, and takes the
	// shortest entry that they begin with.
	Library Mode = iota

	// SentencePiece does what SentencePiece does: it takes the longest entry at each place.
	SentencePiece
)

// Read reads a normalizer. It is nil where the file has none.
func Read(path string, raw json.RawMessage, mode Mode) (Normalizer, error) {
	return read(path, raw, mode, 0)
}

func read(path string, raw json.RawMessage, mode Mode, depth int) (Normalizer, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	if depth > component.MaxDepth {
		return nil, fmt.Errorf("the component %s: %w", path, component.ErrDepth)
	}
	f, err := component.Open(path, raw)
	if err != nil {
		return nil, err
	}
	var n Normalizer
	switch f.Type() {
	case "BertNormalizer":
		n = readBert(f)
	case "ByteLevel":
		n = plain(byteLevel)
	case "Lowercase":
		n = plain(lowercase)
	case "NFC", "NFD", "NFKC", "NFKD":
		n = forms[f.Type()]
	case "Nmt":
		n = plain(nmt)
	case "Precompiled":
		n = readPrecompiled(f, mode)
	case "Prepend":
		prefix := f.String("prepend")
		n = plain(func(t aligned.Text) aligned.Text { return t.Prepend(prefix) })
	case "Replace":
		n = readReplace(f)
	case "Strip":
		n = readStrip(f)
	case "StripAccents":
		n = plain(stripAccents)
	case "Sequence":
		n, err = readSequence(f, mode, depth)
	default:
		return nil, f.Unknown("BertNormalizer", "ByteLevel", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt", "Precompiled", "Prepend",
			"Replace", "Sequence", "Strip", "StripAccents")
	}
	if err != nil {
		return nil, err
	}
	return n, f.Done()
}

func readSequence(f *component.Fields, mode Mode, depth int) (Normalizer, error) {
	all := Sequence{}
	for i, raw := range f.List("normalizers") {
		n, err := read(fmt.Sprintf("%s.normalizers[%d]", f.Path(), i), raw, mode, depth+1)
		if err != nil {
			return nil, err
		}
		if n != nil {
			all = append(all, n)
		}
	}
	return all, nil
}
