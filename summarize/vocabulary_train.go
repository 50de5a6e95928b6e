package summarize

import (
	"context"
	"iter"
	"strings"

	"github.com/longspan/longspan/tokenizer"
	"github.com/longspan/longspan/tokenizer/vocab"
)

// learnTokenizer learns a byte-level BPE in lower case from the texts of examples, with the marks as special tokens.
func learnTokenizer(ctx context.Context, all []known, size, threads int) (*tokenizer.Tokenizer, error) {
	c := vocab.Config{Kind: vocab.BPE, Size: size, LowerCase: true, Threads: threads}
	for _, name := range Marks() {
		c.Specials = append(c.Specials, vocab.Special{Token: name})
	}
	counts, err := vocab.Count(ctx, vocab.Texts(texts(all)), c)
	if err != nil {
		return nil, err
	}
	v, err := vocab.Train(ctx, counts, c)
	if err != nil {
		return nil, err
	}
	return v.Tokenizer()
}

// texts are the titles and sentences of each example, a line each.
func texts(all []known) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, p := range all {
			var b strings.Builder
			_ = p.text.eachPart(func(x part) error {
				b.WriteString(x.text)
				b.WriteByte('\n')
				return nil
			})
			if !yield(b.String()) {
				return
			}
		}
	}
}
