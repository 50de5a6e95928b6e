package hf

import "github.com/longspan/longspan/model/spec"

// roberta is RoBERTa and XLM-R: BERT's layers, with positions that begin after the row of the padding token and do not count that token
// (Liu et al. 2019, arXiv:1907.11692; Conneau et al. 2019, arXiv:1911.02116).
func roberta(c *config, in request) (*built, error) {
	b := newBuilt(in)
	t := c.task(in.bodyOnly, maskedLM, classify, tag)
	p := b.names.prefix(c, "embeddings.word_embeddings.weight", "roberta.", "")
	c.bertBody(b, bertNames{prefix: p, padding: c.padding(), roberta: true})
	c.off("is_decoder", "add_cross_attention")
	b.robertaHead(c, t, "roberta")
	return b, c.first
}

// padding is the padding token, whose number is the row before the first position.
func (c *config) padding() int {
	if !c.has("pad_token_id") {
		c.fail("pad_token_id", "found none, expected the padding token: positions begin after it")
	}
	return c.integer("pad_token_id", 1)
}

// robertaHead names the heads of RoBERTa, which Longformer has too.
func (b *built) robertaHead(c *config, t task, prefix string) {
	switch t {
	case maskedLM:
		b.names.linear("head.transform", "lm_head.dense")
		b.names.norm("head.norm", "lm_head.layer_norm")
		bias := "lm_head.bias"
		if b.names.has("lm_head.decoder.bias") {
			bias = "lm_head.decoder.bias" // transformers ties the other to this one
		}
		b.maskedHead(c, spec.Transform{Activation: "gelu", Bias: true, Norm: c.bertNorm()}, "lm_head.decoder.weight", bias)
		b.names.tied("lm_head.decoder.weight")
		b.names.copied("lm_head.bias", bias, "a second name of the bias")
	case classify:
		b.denseClassifier(c, t, "tanh")
	case tag:
		b.tagger(c, t)
	case body:
		b.names.ignore(`lm_head\..*|classifier\..*`, headNotUsed)
	}
	b.names.ignore(`(`+prefix+`\.)?pooler\..*`, "the pooler, which reads the first token for a head that the model does not have")
}
