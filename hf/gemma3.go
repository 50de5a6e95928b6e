package hf

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/model/spec"
)

// gemma3 is the text model of Gemma 3: norms before and after each branch, norms of queries and keys, windows in five of six layers with a
// rotary base of their own, and embeddings times √width (Gemma Team 2025, arXiv:2503.19786). The weights of its norms are stored less one.
// With use_bidirectional_attention it is an encoder, as in EmbeddingGemma.
func gemma3(c *config, in request) (*built, error) {
	b := newBuilt(in)
	b.tiedByDefault = true
	t := c.task(in.bodyOnly, lm, classify)
	b.size(c, "hidden_size")
	b.spec.Kind = spec.Decoder
	if c.flag("use_bidirectional_attention", false) {
		b.spec.Kind = spec.Encoder
		if t == lm {
			c.fail("use_bidirectional_attention", "found true for a class that predicts the next token, expected false or the class "+
				"Gemma3TextModel")
		}
	}
	b.context = c.length("max_position_embeddings", 131072)
	b.spec.Embed.Scale = math.Sqrt(float64(b.spec.Width))
	b.spec.Final = c.rmsNorm()
	c.absent("final_logit_softcapping", "attn_logit_softcapping")
	p := b.names.prefix(c, "embed_tokens.weight", "model.", "")
	b.names.put("embedding.weight", p+"embed_tokens.weight")
	one := plusOne
	if c.normsHaveOne {
		one = same
	}
	b.names.changed("norm.weight", p+"norm.weight", one)
	every := c.integer("sliding_window_pattern", c.integer("_sliding_window_pattern", 6))
	types := c.layerTypes(c.positive("num_hidden_layers"), func(i int) string {
		if every > 0 && (i+1)%every == 0 {
			return fullAttention
		}
		return slidingAttention
	})
	for i, kind := range types {
		b.spec.Layers = append(b.spec.Layers, c.gemmaLayer(b, kind))
		gemmaNames(b.names, i, fmt.Sprintf("%slayers.%d.", p, i), one)
	}
	b.decoderHead(c, t)
	return b, c.first
}

func (c *config) gemmaLayer(b *built, kind string) spec.Layer {
	heads, causal := c.positive("num_attention_heads"), b.spec.Kind == spec.Decoder
	base, absent := "rope_theta", 1e6
	if kind == slidingAttention {
		base, absent = "rope_local_base_freq", 1e4
	}
	r := c.rotary(kind, base, absent, b.context)
	if kind == slidingAttention && !c.has("rope_parameters") {
		r.scaling = nil // version 4 scales the layers that see everything alone
	}
	a := spec.Attention{Mechanism: "full", Heads: heads, KVHeads: c.integer("num_key_value_heads", 4), HeadDim: c.integer("head_dim", 256),
		Causal: causal, Position: "rotary", RotaryBase: r.base, RotaryScaling: r.scaling, QKNorm: c.eps("rms_norm_eps", 1e-6),
		Bias: c.flag("attention_bias", false), Scale: 1 / math.Sqrt(c.number("query_pre_attn_scalar", 256))}
	if kind == slidingAttention {
		a.Mechanism = c.gemmaWindow(causal)
	}
	return spec.Layer{
		Attention:   a,
		FeedForward: spec.FeedForward{Hidden: c.positive("intermediate_size"), Activation: c.gate("hidden_activation", "gelu_pytorch_tanh")},
		Norms:       spec.Norms{Input: c.rmsNorm(), Output: c.rmsNorm()},
	}
}

// gemmaWindow is the window of a layer. Without a causal mask sliding_window counts both sides. transformers 4.57 halves it whenever it
// saves such a model: 512 becomes 257. What was meant can then only be guessed.
func (c *config) gemmaWindow(causal bool) string {
	if causal {
		return c.causalWindow()
	}
	w := c.positive("sliding_window")
	if w%2 != 0 {
		c.fail("sliding_window", "found %d with use_bidirectional_attention, expected an even number. transformers 4.57 halves this number when "+
			"it saves a model. If the model was made with %d, write that", w, 2*(w-1))
	}
	return window(w / 2)
}

func gemmaNames(n *names, i int, p string, one change) {
	decoderNames(n, i, p)
	for ours, theirs := range map[string]string{
		"attention.q_norm": "self_attn.q_norm", "attention.k_norm": "self_attn.k_norm",
		"attention.norm": "input_layernorm", "attention.output_norm": "post_attention_layernorm",
		"feed_forward.norm": "pre_feedforward_layernorm", "feed_forward.output_norm": "post_feedforward_layernorm",
	} {
		n.changed(layer(i, ours+".weight"), p+theirs+".weight", one)
	}
}
