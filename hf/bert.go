package hf

import (
	"cmp"
	"fmt"

	"github.com/longspan/longspan/model/spec"
)

// bert is BERT: post-norm layers, learned positions, token types, and a norm of the embeddings (Devlin et al. 2018, arXiv:1810.04805).
func bert(c *config, in request) (*built, error) {
	if c.hasALiBi() {
		return alibiBERT(c, in)
	}
	b := newBuilt(in)
	t := c.task(in.bodyOnly, maskedLM, classify, tag)
	p := b.names.prefix(c, "embeddings.word_embeddings.weight", "bert.", "")
	c.bertBody(b, bertNames{prefix: p})
	c.off("is_decoder", "add_cross_attention")
	b.bertHead(c, t, p)
	return b, c.first
}

// bertHead names the heads of BERT; p is the prefix of the body.
func (b *built) bertHead(c *config, t task, p string) {
	switch t {
	case maskedLM:
		b.bertMaskedHead(c, "gelu")
	case classify, tag:
		b.pooledHead(c, t, p)
	case body:
		b.names.ignore(`cls\..*|classifier\..*`, headNotUsed)
	}
	if t != classify {
		b.names.ignore(`(bert\.)?pooler\..*`, "the pooler, which reads the first token for a head that the model does not have")
	}
}

// bertMaskedHead is BERT's head of masked tokens. activation is that of a configuration without one.
func (b *built) bertMaskedHead(c *config, activation string) {
	b.names.linear("head.transform", "cls.predictions.transform.dense")
	b.names.norm("head.norm", "cls.predictions.transform.LayerNorm")
	bias := "cls.predictions.bias"
	if !b.names.has(bias) && b.names.has("cls.predictions.decoder.bias") {
		bias = "cls.predictions.decoder.bias" // Mosaic's files have this name alone
	}
	b.maskedHead(c, spec.Transform{Activation: c.activation("hidden_act", activation), Bias: true, Norm: c.bertNorm()},
		"cls.predictions.decoder.weight", bias)
	b.names.tied("cls.predictions.decoder.weight")
	b.names.copied("cls.predictions.decoder.bias", "cls.predictions.bias", "a second name of the bias")
	b.names.ignore(`cls\.seq_relationship\..*`, "the head of next sentences")
}

// bertNames are the differences between the families that have BERT's layers.
type bertNames struct {
	prefix     string
	padding    int // RoBERTa: positions begin after this row; BERT: 0 and unused
	roberta    bool
	activation string // of a configuration without hidden_act; empty: gelu
}

// bertBody reads the embeddings and the layers of BERT.
func (c *config) bertBody(b *built, f bertNames) {
	b.size(c, "hidden_size")
	b.spec.Kind = spec.Encoder
	if kind := c.text("position_embedding_type", "absolute"); kind != "absolute" {
		c.fail("position_embedding_type", "found %q, expected absolute", kind)
	}
	if e := c.integer("embedding_size", b.spec.Width); e != b.spec.Width {
		c.fail("embedding_size", "found %d, expected hidden_size, %d", e, b.spec.Width)
	}
	b.spec.Embed = spec.Embedding{Positions: c.positive("max_position_embeddings"), TokenTypes: c.positive("type_vocab_size"),
		Norm: c.bertNorm()}
	if f.roberta {
		padding := int32(f.padding)
		b.spec.Embed.FirstPosition, b.spec.Embed.Padding = f.padding+1, &padding
	}
	p := f.prefix
	b.names.put("embedding.weight", p+"embeddings.word_embeddings.weight")
	b.names.put("positions.weight", p+"embeddings.position_embeddings.weight")
	b.names.put("token_types.weight", p+"embeddings.token_type_embeddings.weight")
	b.names.norm("embedding.norm", p+"embeddings.LayerNorm")
	b.names.ignore(`(.*\.)?embeddings\.(position_ids|token_type_ids)`, "numbers of positions")
	for i := range c.positive("num_hidden_layers") {
		if i >= spec.MaxLayers {
			c.fail("num_hidden_layers", "found more than %d layers", spec.MaxLayers)
			return
		}
		b.spec.Layers = append(b.spec.Layers, c.bertLayer(cmp.Or(f.activation, "gelu")))
		bertLayerNames(b.names, i, fmt.Sprintf("%sencoder.layer.%d.", p, i))
	}
}

func (c *config) bertNorm() *spec.Norm {
	return &spec.Norm{Kind: "layer", Eps: c.eps("layer_norm_eps", 1e-12)}
}

// bertLayer is a layer of BERT. activation is that of a configuration without one.
func (c *config) bertLayer(activation string) spec.Layer {
	heads := c.positive("num_attention_heads")
	return spec.Layer{
		Attention:   spec.Attention{Mechanism: "full", Heads: heads, KVHeads: heads, HeadDim: c.headDim(heads), Position: "none", Bias: true},
		FeedForward: spec.FeedForward{Hidden: c.positive("intermediate_size"), Activation: c.activation("hidden_act", activation), Bias: true},
		Norms:       spec.Norms{Sum: c.bertNorm()},
	}
}

// headDim is the columns of a head where the configuration does not have them.
func (c *config) headDim(heads int) int {
	width := c.positive("hidden_size")
	if width%heads != 0 {
		c.fail("num_attention_heads", "found %d heads for a width of %d, expected a divisor", heads, width)
	}
	return width / heads
}

func bertLayerNames(n *names, i int, p string) {
	n.linear(layer(i, "attention.qkv"), p+"attention.self.query", p+"attention.self.key", p+"attention.self.value")
	n.linear(layer(i, "attention.out"), p+"attention.output.dense")
	n.norm(layer(i, "attention.norm"), p+"attention.output.LayerNorm")
	n.linear(layer(i, "feed_forward.up"), p+"intermediate.dense")
	n.linear(layer(i, "feed_forward.down"), p+"output.dense")
	n.norm(layer(i, "feed_forward.norm"), p+"output.LayerNorm")
}
