package rouge

import (
	"strings"
	"unicode/utf8"

	"github.com/longspan/longspan/rouge/porter"
)

// stemmed is the length from which a token is stemmed, as in rouge-score.
const stemmed = 4

// Tokens returns the tokens of a text as rouge-score makes them: the text in lower case, split at everything but a–z and 0–9, and with
// stem the stems of the tokens of four characters and more.
//
// Letters of other alphabets are no tokens: a text in Greek has none. That is the package's definition, and numbers with another would not
// be comparable.
func Tokens(text string, stem bool) (tokens []string) {
	eachToken(text, func(token []byte) { tokens = append(tokens, finish(string(token), stem)) })
	return tokens
}

// finish stems a token.
func finish(token string, stem bool) string {
	if stem && len(token) >= stemmed {
		return porter.Stem(token)
	}
	return token
}

// The two letters outside ASCII whose lower case has a letter of ASCII: the Kelvin sign is k, and the capital I with a dot is i with a
// combining dot, which ends a token.
const (
	kelvin  = "\u212a"
	dottedI = "\u0130"
)

// eachToken calls use for each token of a text in lower case, before stemming. The bytes are valid until it returns.
func eachToken(text string, use func(token []byte)) {
	var token []byte
	end := func() {
		if len(token) > 0 {
			use(token)
			token = token[:0]
		}
	}
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			token = append(token, c)
		case 'A' <= c && c <= 'Z':
			token = append(token, c+'a'-'A')
		case c < utf8.RuneSelf:
			end()
		case strings.HasPrefix(text[i:], kelvin):
			token = append(token, 'k')
			i += len(kelvin) - 1
		case strings.HasPrefix(text[i:], dottedI):
			token = append(token, 'i')
			end()
			i += len(dottedI) - 1
		default:
			end()
		}
		i++
	}
	end()
}

// vocabulary numbers the tokens of the texts that are compared.
type vocabulary struct {
	stem  bool
	ids   map[string]int32 // of tokens before stemming
	stems map[string]int32
}

// mostWords bounds a vocabulary between two comparisons: some 20 MB.
const mostWords = 1 << 17

// fresh forgets a vocabulary that has become large.
func (v *vocabulary) fresh() {
	if v.ids == nil || len(v.ids) > mostWords {
		v.ids, v.stems = map[string]int32{}, map[string]int32{}
	}
}

// append appends the numbers of the tokens of a text.
func (v *vocabulary) append(dst []int32, text string) []int32 {
	eachToken(text, func(token []byte) {
		id, ok := v.ids[string(token)]
		if !ok {
			word := string(token)
			stem := finish(word, v.stem)
			if id, ok = v.stems[stem]; !ok {
				id = int32(len(v.stems))
				v.stems[stem] = id
			}
			v.ids[word] = id
		}
		dst = append(dst, id)
	})
	return dst
}
