package vocab

import (
	"github.com/longspan/longspan/tokenizer/internal/normalize"
	"github.com/longspan/longspan/tokenizer/internal/pattern"
)

// splitter cuts text into words. It is for one goroutine.
type splitter struct {
	config              Config
	normal, lower, word []byte // scratch memory
}

func newSplitter(c Config) *splitter { return &splitter{config: c} }

// block calls add for each word of a block. A word is valid until add returns.
func (s *splitter) block(b block, add func(piece []byte)) {
	for text, begins := range b.parts {
		text = s.normalize(text)
		if s.config.Kind == BPE {
			words := string(text)
			_ = pattern.GPT2.Each(words, func(from, to int) { add(text[from:to]) }) // a scanner, which never gives up
			continue
		}
		s.pieces(text, begins, add)
	}
}

// normalize returns the text that words are cut from. It is valid until the next call.
func (s *splitter) normalize(text []byte) []byte {
	if s.config.Kind == Unigram {
		text = s.form(text)
	}
	if s.config.LowerCase {
		s.lower = normalize.AppendLower(s.lower[:0], text)
		text = s.lower
	}
	return text
}
