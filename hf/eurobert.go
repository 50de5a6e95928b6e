package hf

import (
	"fmt"

	"github.com/longspan/longspan/model/spec"
)

// euroBERT is EuroBERT: Llama's layers without a causal mask, and a head of masked tokens without a transform (Boizard et al. 2025,
// arXiv:2503.05500).
func euroBERT(c *config, in request) (*built, error) {
	b := newBuilt(in)
	t := c.task(in.bodyOnly, maskedLM, classify, tag)
	b.size(c, "hidden_size")
	b.spec.Kind = spec.Encoder
	b.context = c.length("max_position_embeddings", 8192)
	c.needed("rms_norm_eps") // transformers' class has another default than Llama's
	c.maskToken(b)
	b.spec.Final = c.rmsNorm()
	p := b.names.prefix(c, "embed_tokens.weight", "model.", "")
	b.names.put("embedding.weight", p+"embed_tokens.weight")
	b.names.put("norm.weight", p+"norm.weight")
	c.keyHeads()
	for i := range c.layerCount() {
		l := c.decoderLayer(b, decoders{bias: true, mlpBias: true}, fullAttention)
		l.Attention.Causal = false
		b.spec.Layers = append(b.spec.Layers, l)
		decoderNames(b.names, i, fmt.Sprintf("%slayers.%d.", p, i))
	}
	b.names.ignore(`.*\.inv_freq`, "frequencies of the rotary encoding")
	b.euroHead(c, t)
	return b, c.first
}

func (b *built) euroHead(c *config, t task) {
	switch t {
	case maskedLM:
		mask, bias, tied := b.mask, c.flag("mlp_bias", false), c.flag("tie_word_embeddings", false)
		b.spec.Head = spec.Head{Kind: spec.MaskedLM, Tied: tied, TiedBias: tied && bias, Bias: !tied && bias, MaskToken: &mask}
		b.names.linear("head", "lm_head")
		b.names.tied("lm_head.weight")
	case classify:
		b.spec.Head, b.labels = c.classifier(t, c.euroPooling())
		b.spec.Head.Transform, b.spec.Head.Bias = &spec.Transform{Activation: "gelu", Bias: true}, true
		b.names.linear("head.transform", "dense")
		b.names.linear("head", "classifier")
	case tag:
		b.tagger(c, t)
	case body:
		b.names.ignore(`lm_head\..*|dense\..*|classifier\..*`, headNotUsed)
	}
	b.names.ignore(`dense\..*`, "a layer of a head that the model does not have")
}

// euroPooling is the pooling of a classifier. The authors' class names it clf_pooling.
func (c *config) euroPooling() string {
	c.rename("clf_pooling", "classifier_pooling")
	switch found := c.text("classifier_pooling", "late"); found {
	case "bos":
		return "first"
	case "mean":
		return "mean"
	default:
		c.fail("classifier_pooling", "found %q, expected bos or mean: this program does not compute the mean of the outputs of tokens (late)",
			found)
		return "mean"
	}
}
