package hf

import (
	"fmt"

	"github.com/longspan/longspan/model/spec"
)

// hasALiBi reports whether a configuration of the type bert is of code on the hub whose positions are ALiBi's: Jina's second embedders, or
// Mosaic's BERT and DNABERT-2 on it. The latter say absolute, and have no such positions.
func (c *config) hasALiBi() bool {
	return c.has("alibi_starting_size") || c.text("position_embedding_type", "absolute") == "alibi"
}

// alibiBERT is BERT with ALiBi to both sides in place of learned positions, and gated feed-forward layers (Günther et al. 2023,
// arXiv:2310.19923; Portes et al. 2023, arXiv:2312.17482; Zhou et al. 2023, arXiv:2306.15006). Mosaic's has packed projections.
func alibiBERT(c *config, in request) (*built, error) {
	b := newBuilt(in)
	t := c.task(in.bodyOnly, maskedLM, classify, tag)
	c.off("is_decoder", "add_cross_attention")
	packed := c.has("alibi_starting_size")
	p := b.names.prefix(c, "embeddings.word_embeddings.weight", "bert.", "")
	c.alibiWeights(b, p)
	c.alibiKeys(packed)
	b.size(c, "hidden_size")
	b.spec.Kind = spec.Encoder
	b.context = c.length("max_position_embeddings", 0)
	b.spec.Embed = spec.Embedding{TokenTypes: c.positive("type_vocab_size"), Norm: c.bertNorm()}
	b.names.put("embedding.weight", p+"embeddings.word_embeddings.weight")
	b.names.put("token_types.weight", p+"embeddings.token_type_embeddings.weight")
	b.names.norm("embedding.norm", p+"embeddings.LayerNorm")
	b.names.ignore(`(.*\.)?embeddings\.(position_ids|token_type_ids)`, "numbers of positions")
	for i := range c.layerCount() {
		b.spec.Layers = append(b.spec.Layers, c.alibiLayer())
		alibiLayerNames(b.names, i, fmt.Sprintf("%sencoder.layer.%d.", p, i), packed)
	}
	b.bertHead(c, t, p)
	return b, c.first
}

// alibiWeights refuses weights of other models with such a configuration.
func (c *config) alibiWeights(b *built, p string) {
	if b.names.has(p + "embeddings.position_embeddings.weight") {
		c.fail("position_embedding_type", "found alibi, and learned positions among the weights, expected one of both")
	}
	if b.names.has(p + "encoder.layer.0.attention.self.layer_norm_q.weight") {
		c.fail("auto_map", "found norms of queries and keys among the weights, as jina-embeddings-v2-base-code has them; expected none: "+
			"this program does not compute norms over all heads")
	}
}

// alibiKeys refuses what the classes can do and their models do not have.
func (c *config) alibiKeys(packed bool) {
	c.read["alibi_starting_size"], c.read["attn_implementation"], c.read["flash_attn"] = true, true, true // they change no result
	if found := c.text("hidden_act", "gelu"); found != "gelu" {
		c.fail("hidden_act", "found the activation %q, expected gelu, by which these models gate", found)
	}
	if packed {
		return
	}
	if found := c.text("feed_forward_type", "original"); found != "geglu" {
		c.fail("feed_forward_type", "found %q, expected geglu: this program does not compute the others", found)
	}
	if found := c.text("emb_pooler", "mean"); found != "mean" {
		c.fail("emb_pooler", "found %q, expected mean; name the pooling in modules.json to use another", found)
	}
}

func (c *config) alibiLayer() spec.Layer {
	l := c.bertLayer("gelu")
	l.Attention.Position = "alibi"
	l.FeedForward.Activation, l.FeedForward.NoUpBias = "geglu", true
	return l
}

// alibiLayerNames names the weights of a layer. The first half of gated_layers is the gate.
func alibiLayerNames(n *names, i int, p string, packed bool) {
	if packed {
		n.linear(layer(i, "attention.qkv"), p+"attention.self.Wqkv")
	} else {
		n.linear(layer(i, "attention.qkv"), p+"attention.self.query", p+"attention.self.key", p+"attention.self.value")
	}
	n.linear(layer(i, "attention.out"), p+"attention.output.dense")
	n.norm(layer(i, "attention.norm"), p+"attention.output.LayerNorm")
	n.put(layer(i, "feed_forward.up.weight"), p+"mlp.gated_layers.weight")
	n.linear(layer(i, "feed_forward.down"), p+"mlp.wo")
	n.norm(layer(i, "feed_forward.norm"), p+"mlp.layernorm")
}
