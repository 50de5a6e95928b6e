package tokenizer

import "encoding/json"

// kind is one way to read text. It names the components of tokenizer.json that do the same.
type kind struct {
	normalizer, preTokenizer, decoder json.RawMessage

	// model returns the model component for a vocabulary.
	model func(vocabulary) any

	// added are the special tokens behind the vocabulary of the model.
	added    []string
	specials Specials

	// separator is what lies between two tokens in decoded text.
	separator string

	// most is the largest number of tokens in a text of a number of bytes.
	most func(bytes int) int

	// encode appends the tokens of text to e. The capacity of e is enough.
	encode func(t *Tokenizer, e Encoding, text string) (Encoding, error)
}

// bytePairs is the model of bytes and bases: single characters, which no merge joins.
type bytePairs struct {
	Type                    string     `json:"type"`
	Dropout                 *float64   `json:"dropout"`
	UnkToken                *string    `json:"unk_token"`
	ContinuingSubwordPrefix *string    `json:"continuing_subword_prefix"`
	EndOfWordSuffix         *string    `json:"end_of_word_suffix"`
	FuseUnk                 bool       `json:"fuse_unk"`
	ByteFallback            bool       `json:"byte_fallback"`
	IgnoreMerges            bool       `json:"ignore_merges"`
	Vocab                   vocabulary `json:"vocab"`
	Merges                  []string   `json:"merges"`
}

func newBPE(v vocabulary, unknown *string) bytePairs {
	return bytePairs{Type: "BPE", UnkToken: unknown, Vocab: v, Merges: []string{}}
}

// wordLevel is the model of words.
type wordLevel struct {
	Type     string     `json:"type"`
	Vocab    vocabulary `json:"vocab"`
	UnkToken string     `json:"unk_token"`
}

// perByte is the largest number of tokens where each takes a byte or more.
func perByte(bytes int) int { return bytes }
