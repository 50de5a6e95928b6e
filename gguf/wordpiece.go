package gguf

import "strings"

// wordPiece is a token as it is in a WordPiece vocabulary: the converter has put a blank before those that begin a word, and has taken the
// mark away from those that do not.
func wordPiece(token string, t tokenType) string {
	if t == typeControl {
		return token
	}
	if word, ok := strings.CutPrefix(token, blank); ok {
		return word
	}
	return continuing + token
}

const continuing = "##"

// wordPieces fills in BERT's tokenizer. Its normaliser is an uncased one, unless the file says otherwise.
func (f *File) wordPieces(t *tokenizer, v *vocabulary, s SpecialTokens) error {
	lowercase, err := f.flag("normalizer.lowercase", true)
	if err != nil {
		return err
	}
	strip, err := f.flag("normalizer.strip_accents", lowercase)
	if err != nil {
		return err
	}
	unknown, err := v.token("unknown token", s.Unknown)
	if err != nil {
		return err
	}
	const longestWord = 100 // characters; longer ones are unknown
	t.Model = part{"type": "WordPiece", "unk_token": unknown, "continuing_subword_prefix": continuing,
		"max_input_chars_per_word": longestWord, "vocab": vocab(v.tokens)}
	t.Normalizer = part{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
		"strip_accents": strip, "lowercase": lowercase}
	t.PreTokenizer = part{"type": "BertPreTokenizer"}
	t.Decoder = part{"type": "WordPiece", "prefix": continuing, "cleanup": true}
	return nil
}
