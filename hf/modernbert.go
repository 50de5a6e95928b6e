package hf

import (
	"fmt"

	"github.com/longspan/longspan/model/spec"
)

// modernbert is ModernBERT: pre-norm layers without biases, gated feed-forward layers, rotary positions, and windows in two of three
// layers (Warner et al. 2024, arXiv:2412.13663). local_attention counts both sides. Layer 0 has no norm before its attention: the
// embeddings have one.
func modernbert(c *config, in request) (*built, error) {
	b := newBuilt(in)
	t := c.task(in.bodyOnly, maskedLM, classify, tag)
	b.size(c, "hidden_size")
	b.spec.Kind = spec.Encoder
	b.context = c.length("max_position_embeddings", 8192)
	p := b.names.prefix(c, "embeddings.tok_embeddings.weight", "model.", "")
	b.spec.Embed = spec.Embedding{Norm: c.modernNorm()}
	b.spec.Final = c.modernNorm()
	b.names.put("embedding.weight", p+"embeddings.tok_embeddings.weight")
	b.names.linear("embedding.norm", p+"embeddings.norm")
	b.names.linear("norm", p+"final_norm")
	c.modernLayers(b, p)
	b.modernHead(c, t)
	return b, c.first
}

func (c *config) modernNorm() *spec.Norm {
	return &spec.Norm{Kind: "layer", Eps: c.eps("norm_eps", 1e-5), NoBias: !c.flag("norm_bias", false)}
}

// modernLayers reads the layers: windows, or all tokens where the type of the layer is full_attention.
func (c *config) modernLayers(b *built, p string) {
	heads, positions := c.positive("num_attention_heads"), b.context
	full := c.rotary("full_attention", "global_rope_theta", 160000, positions)
	local := c.rotary("sliding_attention", "local_rope_theta", 10000, positions)
	if c.null["local_rope_theta"] && !c.has("rope_parameters") {
		local = full
	}
	width := c.integer("local_attention", 128)
	if width < 2 || width%2 != 0 {
		c.fail("local_attention", "found %d, expected an even number: both sides of a token", width)
	}
	types := c.layerTypes(c.positive("num_hidden_layers"), c.everyNth())
	if c.has("layer_types") && c.has("global_attn_every_n_layers") {
		c.agree(types, c.everyNth())
	}
	attentionBias, mlpBias := c.flag("attention_bias", false), c.flag("mlp_bias", false)
	for i, kind := range types {
		a := spec.Attention{Mechanism: "full", Heads: heads, KVHeads: heads, HeadDim: c.headDim(heads), Position: "rotary",
			RotaryBase: full.base, RotaryScaling: full.scaling, Bias: attentionBias}
		if kind == slidingAttention {
			a.Mechanism, a.RotaryBase, a.RotaryScaling = window(width/2), local.base, local.scaling
		}
		l := spec.Layer{Attention: a, Norms: spec.Norms{Input: c.modernNorm()}, FeedForward: spec.FeedForward{
			Hidden: c.positive("intermediate_size"), Activation: c.gate("hidden_activation", "gelu"), Bias: mlpBias}}
		if i == 0 {
			l.AttentionNorms = &spec.Norms{}
		}
		b.spec.Layers = append(b.spec.Layers, l)
		modernNames(b.names, i, fmt.Sprintf("%slayers.%d.", p, i))
	}
}

// everyNth is the rule of version 4 for layers that see everything.
func (c *config) everyNth() func(i int) string {
	n := c.integer("global_attn_every_n_layers", 3)
	if n < 1 {
		c.fail("global_attn_every_n_layers", "found %d, expected at least 1", n)
		n = 1
	}
	return func(i int) string {
		if i%n == 0 {
			return fullAttention
		}
		return slidingAttention
	}
}

func modernNames(n *names, i int, p string) {
	n.linear(layer(i, "attention.qkv"), p+"attn.Wqkv")
	n.linear(layer(i, "attention.out"), p+"attn.Wo")
	n.linear(layer(i, "attention.norm"), p+"attn_norm")
	n.linear(layer(i, "feed_forward.up"), p+"mlp.Wi")
	n.linear(layer(i, "feed_forward.down"), p+"mlp.Wo")
	n.linear(layer(i, "feed_forward.norm"), p+"mlp_norm")
}

// modernHead reads the heads. Each but none has a linear layer, an activation and a norm first.
func (b *built) modernHead(c *config, t task) {
	transform := spec.Transform{Activation: c.activation("classifier_activation", "gelu"), Bias: c.flag("classifier_bias", false),
		Norm: c.modernNorm()}
	decoderBias, pooling := c.flag("decoder_bias", true), c.text("classifier_pooling", "cls")
	if t == body {
		b.names.ignore(`head\..*|decoder\..*|classifier\..*`, headNotUsed)
		return
	}
	b.names.linear("head.transform", "head.dense")
	b.names.linear("head.norm", "head.norm")
	switch t {
	case maskedLM:
		b.maskedHead(c, transform, "decoder.weight", "decoder.bias")
		b.spec.Head.TiedBias = b.spec.Head.Tied && decoderBias
		b.spec.Head.Bias = !b.spec.Head.Tied && decoderBias
		b.names.tied("decoder.weight")
	case classify, tag:
		byName := map[string]string{"cls": "first", "mean": "mean"}
		if byName[pooling] == "" {
			c.fail("classifier_pooling", "found %q, expected cls or mean", pooling)
			pooling = "cls"
		}
		if t == tag {
			b.spec.Head, b.labels = c.classifier(t, "")
		} else {
			b.spec.Head, b.labels = c.classifier(t, byName[pooling])
		}
		b.spec.Head.Transform, b.spec.Head.Bias = &transform, true
		b.names.linear("head", "classifier")
	}
}
