package hf

import "github.com/longspan/longspan/model/spec"

// request is what a family is asked for, beside its configuration.
type request struct {
	has       func(tensor string) bool
	putPrefix func(prefix string) // puts a prefix before the names of a body; nil: they stay
	bodyOnly  bool                // without the head
	maskToken int32               // of the tokenizer; −1: not known
}

// built is what a family makes of a configuration.
type built struct {
	spec    spec.Spec
	names   *names
	labels  []string // of the classes
	context int      // tokens that the model was made for, where nothing else limits them; 0: not known

	globals           []int  // global tokens of the class
	secondProjections bool   // global tokens have projections of their own
	withoutGlobals    string // a note where there is no global token; empty: none

	tiedByDefault bool
	mask          int32
}

func newBuilt(in request) *built {
	b := &built{names: newNames(in.has), mask: in.maskToken}
	b.names.putPrefix = in.putPrefix
	b.spec.Precision = "f32"
	return b
}

// size reads the vocabulary and the width. The head of a body gives vectors.
func (b *built) size(c *config, width string) {
	b.spec.Vocab, b.spec.Width = c.positive("vocab_size"), c.positive(width)
	b.spec.Head = spec.Head{Kind: spec.Embed, Pooling: "mean"}
}

// maskedHead is the head of a masked language model: a transform, and the embedding's table or a weight of its own.
func (b *built) maskedHead(c *config, t spec.Transform, weight, bias string) {
	tied, mask := c.flag("tie_word_embeddings", true), b.mask
	b.spec.Head = spec.Head{Kind: spec.MaskedLM, Tied: tied, TiedBias: tied, Bias: !tied, MaskToken: &mask, Transform: &t}
	b.names.put("head.weight", weight)
	b.names.put("head.bias", bias)
}
