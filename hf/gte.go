package hf

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/model/spec"
)

// gte is the encoder of gte, and of embedders on it: post-norm layers with biases, rotary positions, and gated feed-forward layers (Zhang
// et al. 2024, arXiv:2407.19669). The repositories of its authors name it new.
func gte(c *config, in request) (*built, error) {
	b := newBuilt(in)
	t := c.task(in.bodyOnly, maskedLM, classify, tag)
	c.gteKeys()
	b.size(c, "hidden_size")
	b.spec.Kind = spec.Encoder
	b.context = c.length("max_position_embeddings", 8192)
	types := c.integer("type_vocab_size", 1)
	if types < 0 || types > 1<<20 {
		c.fail("type_vocab_size", "found %d, expected 0 to %d", types, 1<<20)
	}
	b.spec.Embed = spec.Embedding{TokenTypes: max(0, types), Norm: c.bertNorm()}
	p := b.names.prefix(c, "embeddings.word_embeddings.weight", "gte.", "new.", "")
	b.names.put("embedding.weight", p+"embeddings.word_embeddings.weight")
	b.names.put("token_types.weight", p+"embeddings.token_type_embeddings.weight")
	b.names.norm("embedding.norm", p+"embeddings.LayerNorm")
	heads := c.positive("num_attention_heads")
	turn := c.gteRotary(c.headDim(heads), b.context)
	for i := range c.layerCount() {
		b.spec.Layers = append(b.spec.Layers, c.gteLayer(heads, turn))
		gteLayerNames(b.names, i, fmt.Sprintf("%sencoder.layer.%d.", p, i))
	}
	b.names.ignore(`.*\.inv_freq`, "frequencies of the rotary encoding")
	b.gteHead(c, t, p)
	return b, c.first
}

// gteKeys refuses what the authors' class can do and their models do not have.
func (c *config) gteKeys() {
	for key, value := range map[string]string{"position_embedding_type": "rope", "layer_norm_type": "layer_norm"} {
		if found := c.text(key, value); found != value {
			c.fail(key, "found %q, expected %s: this program does not compute the other", found, value)
		}
	}
	c.off("logn_attention_scale")
	c.expect("pack_qkv", c.flag("pack_qkv", true), true)
	for _, key := range []string{"logn_attention_clip1", "unpad_inputs", "use_memory_efficient_attention"} {
		c.read[key] = true // of the first, without logn_attention_scale; the others choose between programs of the same result
	}
}

// gteRotary is the rotary encoding. The authors' scaling ntk by f multiplies the base by f, and divides every frequency by f^(2/D):
// "NTK-RoPE mixed" (Su 2023, kexue.fm/archives/9706, equation 6). It does not depend on the length of a text.
func (c *config) gteRotary(headDim, positions int) rotary {
	absent := 160000.0 // of transformers' class
	if c.text("model_type", "") == "new" {
		absent = 0 // the authors' has 10,000, which is the base of none of their models
	}
	s := c.object("rope_scaling")
	if s == nil || s.text("type", s.text("rope_type", "")) != "ntk" {
		return c.rotary(fullAttention, "rope_theta", absent, positions)
	}
	s.absent("mixed_b")
	factor := s.needed("factor")
	if !(factor >= 1 && factor <= 1<<20) {
		s.fail("factor", "found %g, expected 1 to %d", factor, 1<<20)
		factor = 1
	}
	base := c.needed("rope_theta")
	c.absent("rope_parameters")
	return c.checked(rotary{base * factor, &spec.RotaryScaling{Kind: "linear", Factor: math.Pow(factor, 2/float64(headDim))}}, s)
}

func (c *config) gteLayer(heads int, turn rotary) spec.Layer {
	return spec.Layer{
		Attention: spec.Attention{Mechanism: "full", Heads: heads, KVHeads: heads, HeadDim: c.headDim(heads), Position: "rotary",
			RotaryBase: turn.base, RotaryScaling: turn.scaling, Bias: true},
		FeedForward: spec.FeedForward{Hidden: c.positive("intermediate_size"), Activation: c.gate("hidden_act", "gelu"), Bias: true,
			NoUpBias: true},
		Norms: spec.Norms{Sum: c.bertNorm()},
	}
}

// gteLayerNames names the weights of a layer. The second half of up_gate_proj is the gate.
func gteLayerNames(n *names, i int, p string) {
	n.linear(layer(i, "attention.qkv"), p+"attention.qkv_proj")
	n.linear(layer(i, "attention.out"), p+"attention.o_proj")
	n.norm(layer(i, "attention.norm"), p+"attn_ln")
	n.changed(layer(i, "feed_forward.up.weight"), p+"mlp.up_gate_proj.weight", swapped)
	n.linear(layer(i, "feed_forward.down"), p+"mlp.down_proj")
	n.norm(layer(i, "feed_forward.norm"), p+"mlp_ln")
}

func (b *built) gteHead(c *config, t task, p string) {
	switch t {
	case maskedLM:
		b.names.linear("head.transform", "lm_head.dense")
		b.names.linear("head.norm", "lm_head.norm")
		b.maskedHead(c, spec.Transform{Activation: "gelu", Bias: true, Norm: c.bertNorm()}, "lm_head.decoder.weight", "lm_head.decoder.bias")
		b.names.tied("lm_head.decoder.weight")
	case classify, tag:
		b.pooledHead(c, t, p)
	case body:
		b.names.ignore(`lm_head\..*|classifier\..*`, headNotUsed)
	}
	b.names.ignore(`(.*\.)?pooler\..*`, "the pooler, which reads the first token for a head that the model does not have")
}
