package gguf

import (
	"encoding/base64"
	"fmt"
)

// unigram fills in a Unigram model as those of T5 and XLM-R are.
func (f *File) unigram(t *tokenizer, v *vocabulary, s SpecialTokens) error {
	scores, err := f.scores(len(v.tokens))
	if err != nil {
		return err
	}
	if s.Unknown == None {
		return fmt.Errorf("the tokenizer has no unknown token (%sunknown_token_id), and a Unigram model needs one", tokenizerPrefix)
	}
	pieces := make([][2]any, len(v.tokens))
	for id, token := range v.tokens {
		pieces[id] = [2]any{token, scores[id]}
	}
	t.Model = part{"type": "Unigram", "unk_id": s.Unknown, "vocab": pieces, "byte_fallback": false}
	if t.Normalizer, err = f.unigramNormalizer(); err != nil {
		return err
	}
	prefix, err := f.flag("add_space_prefix", true)
	if err != nil {
		return err
	}
	scheme := "never"
	if prefix {
		scheme = "always"
	}
	metaspace := part{"type": "Metaspace", "replacement": blank, "prepend_scheme": scheme, "split": true}
	t.PreTokenizer, t.Decoder = metaspace, metaspace
	if !s.AddBOS { // T5, unlike XLM-R, has no blanks at the ends of a text
		t.PreTokenizer = sequence("pretokenizers", part{"type": "WhitespaceSplit"}, metaspace)
	}
	return nil
}

// unigramNormalizer is the table of characters of the SentencePiece model, and the joining of spaces.
func (f *File) unigramNormalizer() (any, error) {
	var normalizers []part
	if f.Has(charsmapKey) {
		table, err := f.charsmap()
		if err != nil {
			return nil, err
		}
		normalizers = append(normalizers, part{"type": "Precompiled", "precompiled_charsmap": base64.StdEncoding.EncodeToString(table)})
	}
	join, err := f.flag("remove_extra_whitespaces", true)
	if err != nil {
		return nil, err
	}
	if join {
		normalizers = append(normalizers, part{"type": "Replace", "pattern": part{"Regex": " {2,}"}, "content": " "})
	}
	return sequence("normalizers", normalizers...), nil
}

const charsmapKey = tokenizerPrefix + "precompiled_charsmap"

// charsmap is the table as bytes, whichever sign the file gives them.
func (f *File) charsmap() ([]byte, error) {
	v, err := f.value(charsmapKey, "an array of u8")
	if err == nil && (v.kind != KindArray || v.element != KindU8 && v.element != KindI8) {
		err = wrongKind(charsmapKey, v, "an array of u8 or i8")
	}
	return v.raw, err
}
