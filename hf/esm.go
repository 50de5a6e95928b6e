package hf

import (
	"fmt"

	"github.com/longspan/longspan/model/spec"
)

// esm is ESM-1b, ESM-2 and the Nucleotide Transformer: pre-norm layers with biases, rotary or learned positions, and a mask token that is
// read as dropped out (Lin et al. 2023, doi:10.1126/science.ade2574; Dalla-Torre et al. 2024, doi:10.1038/s41592-024-02523-z). The second
// Nucleotide Transformer has the key add_bias_fnn, and gated feed-forward layers.
func esm(c *config, in request) (*built, error) {
	b := newBuilt(in)
	t := c.task(in.bodyOnly, maskedLM, classify, tag)
	c.off("is_decoder", "add_cross_attention", "is_folding_model")
	b.size(c, "hidden_size")
	b.spec.Kind, b.spec.Final = spec.Encoder, c.bertNorm()
	p := b.names.prefix(c, "embeddings.word_embeddings.weight", "esm.", "")
	b.names.put("embedding.weight", p+"embeddings.word_embeddings.weight")
	b.names.norm("norm", p+"encoder.emb_layer_norm_after")
	position, turn := c.esmPositions(b, p)
	c.esmEmbedding(b, p)
	for i := range c.layerCount() {
		b.spec.Layers = append(b.spec.Layers, c.esmLayer(position, turn))
		esmLayerNames(b.names, i, fmt.Sprintf("%sencoder.layer.%d.", p, i))
	}
	b.robertaHead(c, t, "esm")
	b.names.ignore(`.*\.inv_freq`, "frequencies of the rotary encoding")
	b.names.ignore(`(esm\.)?embeddings\.position_ids`, "numbers of positions")
	b.names.ignore(`(esm\.)?contact_head\..*`, "the head of contacts, which reads attention weights")
	return b, c.first
}

// layerCount is the number of layers, within the bound of a stack.
func (c *config) layerCount() int {
	n := c.positive("num_hidden_layers")
	if n > spec.MaxLayers {
		c.fail("num_hidden_layers", "found more than %d layers", spec.MaxLayers)
		return 0
	}
	return n
}

// esmPositions reads the positions: a table, whose row of the padding token precedes the first, or rotations.
func (c *config) esmPositions(b *built, p string) (position string, turn rotary) {
	rows, padding := c.positive("max_position_embeddings"), c.padding()
	table := p + "embeddings.position_embeddings.weight"
	switch kind := c.text("position_embedding_type", "absolute"); kind {
	case "absolute":
		token := int32(padding)
		b.spec.Embed.Positions, b.spec.Embed.FirstPosition, b.spec.Embed.Padding = rows, padding+1, &token
		b.names.put("positions.weight", table)
		return "none", turn
	case "rotary":
		b.context = max(0, rows-padding-1)
		b.names.ignore(`(esm\.)?embeddings\.position_embeddings\.weight`, "learned positions, of which a model with rotary ones has none")
		return "rotary", c.esmRotary()
	default:
		c.fail("position_embedding_type", "found %q, expected absolute or rotary", kind)
		return "none", turn
	}
}

// esmRotary is the rotary encoding. Version 4 of transformers has one base, which no key changes.
func (c *config) esmRotary() rotary {
	base := c.number("rope_theta", 10000)
	if base != 10000 {
		c.note("rope_theta is %g; version 5 of transformers follows it, and version 4 takes 10000", base)
	}
	return c.checked(rotary{base: base}, nil)
}

// esmTrained is the share of tokens that ESM's training hid: 15 % were chosen, and 80 % of those replaced by the mask token.
const esmTrained = 0.15 * 0.8

// esmEmbedding reads what is done to the vectors of tokens.
func (c *config) esmEmbedding(b *built, p string) {
	if c.flag("emb_layer_norm_before", false) {
		b.spec.Embed.Norm = c.bertNorm()
		b.names.norm("embedding.norm", p+"embeddings.layer_norm")
	}
	dropout := c.flag("token_dropout", false)
	mask, ok := c.maskToken(b)
	switch {
	case dropout && !c.has("mask_token_id"):
		c.fail("mask_token_id", "found none with token_dropout, expected the mask token: its share changes the other vectors")
	case dropout && ok:
		b.spec.Embed.TokenDropout = &spec.TokenDropout{Mask: mask, Trained: esmTrained}
	}
}

// maskToken reads the mask token, which the head has unless the tokenizer names another; ok is false where there is none.
func (c *config) maskToken(b *built) (mask int32, ok bool) {
	id := c.integer("mask_token_id", -1)
	if !c.has("mask_token_id") {
		return 0, false
	}
	if id < 0 || id >= b.spec.Vocab {
		c.fail("mask_token_id", "found %d, expected 0 to %d", id, b.spec.Vocab-1)
		return 0, false
	}
	if b.mask < 0 {
		b.mask = int32(id)
	}
	return int32(id), true
}

// esmLayer is a layer. The activation is not configured.
func (c *config) esmLayer(position string, turn rotary) spec.Layer {
	heads := c.positive("num_attention_heads")
	l := spec.Layer{
		Attention: spec.Attention{Mechanism: "full", Heads: heads, KVHeads: heads, HeadDim: c.headDim(heads), Position: position,
			RotaryBase: turn.base, Bias: true},
		FeedForward: spec.FeedForward{Hidden: c.positive("intermediate_size"), Activation: "gelu", Bias: true},
		Norms:       spec.Norms{Input: c.bertNorm()},
	}
	if c.has("add_bias_fnn") {
		l.FeedForward.Activation, l.FeedForward.Bias = "swiglu", c.flag("add_bias_fnn", true)
	}
	return l
}

func esmLayerNames(n *names, i int, p string) {
	n.linear(layer(i, "attention.qkv"), p+"attention.self.query", p+"attention.self.key", p+"attention.self.value")
	n.linear(layer(i, "attention.out"), p+"attention.output.dense")
	n.norm(layer(i, "attention.norm"), p+"attention.LayerNorm")
	n.linear(layer(i, "feed_forward.up"), p+"intermediate.dense")
	n.linear(layer(i, "feed_forward.down"), p+"output.dense")
	n.norm(layer(i, "feed_forward.norm"), p+"LayerNorm")
}
