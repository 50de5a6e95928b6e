// Package pretokenize has the pre-tokenizers of a tokenizer.json. Each cuts a text into parts, which the model then reads one by one.
package pretokenize

import (
	"encoding/json"
	"fmt"

	"github.com/longspan/longspan/tokenizer/internal/aligned"
	"github.com/longspan/longspan/tokenizer/internal/chars"
	"github.com/longspan/longspan/tokenizer/internal/component"
	"github.com/longspan/longspan/tokenizer/internal/pattern"
)

// Pretokenizer cuts a text.
type Pretokenizer interface {
	// Split calls f with the parts of t in order. No part is empty. An error is one of a regular expression that gave up.
	Split(t aligned.Text, f func(aligned.Text)) error
}

// plain is a pre-tokenizer without errors.
type plain func(t aligned.Text, f func(aligned.Text))

// Split implements [Pretokenizer].
func (p plain) Split(t aligned.Text, f func(aligned.Text)) error {
	p(t, f)
	return nil
}

// Sequence cuts the parts of one pre-tokenizer with the next.
type Sequence []Pretokenizer

// Split implements [Pretokenizer].
func (s Sequence) Split(t aligned.Text, f func(aligned.Text)) error {
	switch len(s) {
	case 0:
		f(t)
		return nil
	case 1:
		return s[0].Split(t, f)
	}
	var inner error
	err := s[0].Split(t, func(part aligned.Text) {
		if inner == nil {
			inner = s[1:].Split(part, f)
		}
	})
	if err != nil {
		return err
	}
	return inner
}

// Raw returns the pre-tokenizer without the change of its last ByteLevel, which writes bytes as characters, and says whether it has one at
// its end. The parts are then bytes of the text itself.
func Raw(p Pretokenizer) (Pretokenizer, bool) {
	switch p := p.(type) {
	case byteLevel:
		p.raw = true
		return p, true
	case Sequence:
		if len(p) > 0 {
			last, ok := Raw(p[len(p)-1])
			return append(append(Sequence{}, p[:len(p)-1]...), last), ok
		}
	}
	return p, false
}

// Read reads a pre-tokenizer. It is nil where the file has none.
func Read(path string, raw json.RawMessage) (Pretokenizer, error) { return read(path, raw, 0) }

func read(path string, raw json.RawMessage, depth int) (Pretokenizer, error) {
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
	var p Pretokenizer
	switch f.Type() {
	case "BertPreTokenizer":
		p = bert{}
	case "ByteLevel":
		p = readByteLevel(f)
	case "CharDelimiterSplit":
		p = splitter{pattern: pattern.Literal(string(f.Char("delimiter"))), behavior: removed}
	case "Digits":
		p = classes{class: chars.Numeric, behavior: digitsBehavior(f.BoolOr("individual_digits", false))}
	case "FixedLength":
		p = readFixedLength(f)
	case "Metaspace":
		p = readMetaspace(f)
	case "Punctuation":
		p = classes{class: chars.Punctuation, behavior: readBehavior(f, isolated)}
	case "Sequence":
		p, err = readSequence(f, depth)
	case "Split":
		p = readSplit(f)
	case "UnicodeScripts":
		p = plain(scripts)
	case "Whitespace":
		p = plain(whitespace)
	case "WhitespaceSplit":
		p = classes{class: chars.RustSpace, behavior: removed}
	default:
		return nil, f.Unknown("BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Digits", "FixedLength", "Metaspace", "Punctuation",
			"Sequence", "Split", "UnicodeScripts", "Whitespace", "WhitespaceSplit")
	}
	if err != nil {
		return nil, err
	}
	return p, f.Done()
}

func readSequence(f *component.Fields, depth int) (Pretokenizer, error) {
	all := Sequence{}
	for i, raw := range f.List("pretokenizers") {
		p, err := read(fmt.Sprintf("%s.pretokenizers[%d]", f.Path(), i), raw, depth+1)
		if err != nil {
			return nil, err
		}
		if p != nil {
			all = append(all, p)
		}
	}
	return all, nil
}
