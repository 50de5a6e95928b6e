package summarize

import (
	"context"
	"io"
	"iter"
	"strings"

	"github.com/longspan/longspan/tokenizer"
	"github.com/longspan/longspan/tokenizer/vocab"
)

// learnTokenizer learns a byte-level BPE in lower case from the texts of examples, with the marks as special tokens.
func learnTokenizer(ctx context.Context, all []prepared, size, threads int) (*tokenizer.Tokenizer, error) {
	c := vocab.Config{Kind: vocab.BPE, Size: size, Threads: threads}
	for _, name := range Marks() {
		c.Specials = append(c.Specials, vocab.Special{Token: name})
	}
	counts, err := vocab.Count(ctx, texts(all), c)
	if err != nil {
		return nil, err
	}
	v, err := vocab.Train(ctx, counts, c)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	if err := v.WriteTokenizer(&text); err != nil {
		return nil, err
	}
	return tokenizer.Read(strings.NewReader(text.String()))
}

// texts are the titles and sentences of examples, a line each, in lower case.
func texts(all []prepared) iter.Seq2[io.Reader, error] {
	return func(yield func(io.Reader, error) bool) {
		for _, p := range all {
			var b strings.Builder
			_ = p.text.eachUnit(func(u unit) error {
				b.WriteString(lower(u.text))
				b.WriteByte('\n')
				return nil
			})
			if !yield(strings.NewReader(b.String()), nil) {
				return
			}
		}
	}
}
