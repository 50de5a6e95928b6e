package vocab

import (
	"bytes"
	"io"
	"iter"
	"strings"

	"github.com/longspan/longspan/tokenizer"
)

// Texts gives the documents of [Count] for texts in memory.
func Texts(texts iter.Seq[string]) iter.Seq2[io.Reader, error] {
	return func(yield func(io.Reader, error) bool) {
		for text := range texts {
			if !yield(strings.NewReader(text), nil) {
				return
			}
		}
	}
}

// Tokenizer is the tokenizer of the vocabulary. [tokenizer.OpenFolder] gives the same one from the two files. Its method Save writes
// tokenizer.json, without the roles of the special tokens. A vocabulary with a dropout is an error.
func (v *Vocabulary) Tokenizer() (*tokenizer.Tokenizer, error) {
	var b bytes.Buffer
	if err := v.WriteTokenizer(&b); err != nil {
		return nil, err
	}
	t, err := tokenizer.Read(&b)
	if err != nil {
		return nil, err
	}
	roles := tokenizer.Specials{Begin: tokenizer.None, End: tokenizer.None, Unknown: tokenizer.None}
	for id, s := range v.config.specials() {
		switch s.Role {
		case Begin:
			roles.Begin = int32(id)
		case End:
			roles.End = int32(id)
		case Unknown:
			roles.Unknown = int32(id)
		}
	}
	return t.WithSpecials(roles)
}
