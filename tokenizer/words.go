package tokenizer

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var wordsKind = &kind{
	normalizer:   json.RawMessage(`null`),
	preTokenizer: json.RawMessage(`{"type": "WhitespaceSplit"}`),
	decoder:      json.RawMessage(`null`),
	model:        func(v vocabulary) any { return wordLevel{Type: "WordLevel", Vocab: v, UnkToken: unknownWord} },
	specials:     Specials{Begin: None, End: None, Unknown: None},
	separator:    " ",
	most:         func(bytes int) int { return (bytes + 1) / 2 }, // a word and a blank take two bytes or more
	encode:       encodeWords,
}

// unknownWord is a name that the format requires. No vocabulary has it, so that an unknown word is an error in the library too.
const unknownWord = "<unk>"

// Words returns the tokenizer that reads one word a token. Word i has the id i, white space lies between words, and there is no template.
// A word must be valid UTF-8 without white space, must not be <unk>, and must occur once; there must be 1 … [MaxVocab] words.
//
// A word of a text that is not in the vocabulary is an error that names its place. It is an error in the library tokenizers too.
func Words(words []string) (*Tokenizer, error) {
	if len(words) == 0 || len(words) > MaxVocab {
		return nil, fmt.Errorf("tokenizer: a vocabulary of %d words; expected 1 … %d", len(words), MaxVocab)
	}
	for i, word := range words {
		if word == "" || word == unknownWord || !utf8.ValidString(word) || strings.ContainsFunc(word, unicode.IsSpace) {
			return nil, fmt.Errorf("tokenizer: word %d is %q; expected valid UTF-8 without white space, and not %s", i, word, unknownWord)
		}
	}
	t := newTokenizer(wordsKind, words, nil)
	for i, word := range words {
		if id := t.ids[word]; int(id) != i {
			return nil, fmt.Errorf("tokenizer: the words %d and %d are both %q; expected each word once", i, id, word)
		}
	}
	return t, nil
}

// Numbers returns the tokenizer of tasks whose tokens have no names. It reads the decimal numbers 0 … vocab-1, with white space
// between them; leading zeros and signs are errors. The vocabulary must have 1 … [MaxVocab] tokens.
func Numbers(vocab int) (*Tokenizer, error) {
	if vocab < 1 || vocab > MaxVocab {
		return nil, fmt.Errorf("tokenizer: a vocabulary of %d numbers; expected 1 … %d", vocab, MaxVocab)
	}
	words := make([]string, vocab)
	for i := range words {
		words[i] = strconv.Itoa(i)
	}
	return Words(words)
}

// ListOps returns the tokenizer of the expressions of package data/listops, such as "[MAX 2 9 [MIN 4 7 ] 0 ]". It reads the 15 words
// 0 … 9, [MIN, [MAX, [MED, [SM and ], with white space between them, as the Long Range Arena writes them.
func ListOps() *Tokenizer {
	words := []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "[MIN", "[MAX", "[MED", "[SM", "]"}
	return newTokenizer(wordsKind, words, nil)
}

func encodeWords(t *Tokenizer, e Encoding, text string) (Encoding, error) {
	for from := 0; from < len(text); {
		word := text[from:]
		skipped := strings.IndexFunc(word, notSpace)
		if skipped < 0 {
			break
		}
		from += skipped
		word = text[from:]
		if end := strings.IndexFunc(word, unicode.IsSpace); end >= 0 {
			word = word[:end]
		}
		id, ok := t.ids[word]
		if !ok {
			return Encoding{}, fmt.Errorf("tokenizer: %s at byte %d is not one of the %d words of the vocabulary; the words are %s",
				quote(word), from, len(t.tokens), t.examples())
		}
		e.IDs = append(e.IDs, id)
		e.Offsets = append(e.Offsets, Span{int32(from), int32(from + len(word))})
		from += len(word)
	}
	return e, nil
}

func notSpace(r rune) bool { return !unicode.IsSpace(r) }

// quote is a word in quotes, cut where it is long.
func quote(word string) string {
	const longest = 40
	if len(word) > longest {
		return fmt.Sprintf("%q…", word[:longest])
	}
	return strconv.Quote(word)
}

// examples lists the vocabulary for an error, cut where it is long.
func (t *Tokenizer) examples() string {
	const longest = 16
	if len(t.tokens) > longest {
		return fmt.Sprintf("%s … %s", strings.Join(t.tokens[:3], ", "), t.tokens[len(t.tokens)-1])
	}
	return strings.Join(t.tokens, ", ")
}
