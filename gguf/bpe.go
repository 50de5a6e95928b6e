package gguf

import (
	"fmt"
	"strings"
)

// bpe is a model of type BPE.
type bpe struct {
	Type                    string      `json:"type"`
	Dropout                 *float64    `json:"dropout"`
	UnknownToken            *string     `json:"unk_token"`
	ContinuingSubwordPrefix *string     `json:"continuing_subword_prefix"`
	EndOfWordSuffix         *string     `json:"end_of_word_suffix"`
	FuseUnknown             bool        `json:"fuse_unk"`
	ByteFallback            bool        `json:"byte_fallback"`
	IgnoreMerges            bool        `json:"ignore_merges"`
	Vocab                   vocab       `json:"vocab"`
	Merges                  [][2]string `json:"merges"`
}

// byteLevel fills in a byte-level BPE, whose tokens are written with a character for each byte, as GPT-2's are.
func (f *File) byteLevel(t *tokenizer, v *vocabulary) error {
	merges, err := f.merges(v)
	if err != nil {
		return err
	}
	t.Model = bpe{Type: "BPE", IgnoreMerges: v.pre.ignoreMerges, Vocab: v.tokens, Merges: merges}
	if v.pre.nfc {
		t.Normalizer = part{"type": "NFC"}
	}
	t.PreTokenizer = sequence("pretokenizers", v.pre.parts...)
	t.Decoder = byteLevelPart(true)
	return nil
}

func byteLevelPart(useRegex bool) part {
	return part{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": useRegex}
}

// merges reads the list of merges, "left right" each, in the order of their ranks.
func (f *File) merges(v *vocabulary) ([][2]string, error) {
	const key = tokenizerPrefix + "merges"
	lines, err := f.Strings(key)
	if err != nil {
		return nil, err
	}
	merges := make([][2]string, len(lines))
	for i, line := range lines {
		space := -1
		if len(line) > 0 { // a token may begin with a space
			space = strings.IndexByte(line[1:], ' ') + 1
		}
		if space < 1 {
			return nil, fmt.Errorf("merge %d of key %q is %q; two tokens with a space between were expected", i, key, line)
		}
		left, right := line[:space], line[space+1:]
		for _, token := range []string{left, right, left + right} {
			if _, ok := v.ids[token]; !ok {
				return nil, fmt.Errorf("merge %d of key %q is %q, and the vocabulary does not have %q", i, key, line, token)
			}
		}
		merges[i] = [2]string{left, right}
	}
	return merges, nil
}
