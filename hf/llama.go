package hf

import (
	"fmt"

	"github.com/longspan/longspan/model/spec"
)

// decoders is what differs between the families that have Llama's layers: RMS norms before each branch, rotary positions, gated
// feed-forward layers, grouped keys and values (Touvron et al. 2023, arXiv:2302.13971).
type decoders struct {
	qkvBias bool // queries, keys and values have biases, and the output has none
	bias    bool // attention_bias gives all projections biases
	mlpBias bool // mlp_bias gives the feed-forward layers biases
	qkNorm  bool // RMS norms of queries and keys

	oneType bool    // layer_types is not read by transformers' class, and must say what the rule says
	base    float64 // of the rotary encoding, where old configurations have none; 0: they have one

	window func(c *config) func(i int) string // the rule for windows
}

// llama is Llama 1 to 3.
func llama(c *config, in request) (*built, error) {
	return c.decoder(in, decoders{bias: true, mlpBias: true, base: 10000, oneType: true,
		window: func(*config) func(int) string { return always(fullAttention) }})
}

// mistral is Mistral: every layer has a window, unless sliding_window is null (Jiang et al. 2023, arXiv:2310.06825).
func mistral(c *config, in request) (*built, error) {
	return c.decoder(in, decoders{base: 10000, oneType: true, window: func(c *config) func(int) string {
		if c.null["sliding_window"] {
			return always(fullAttention)
		}
		return always(slidingAttention)
	}})
}

// qwen2 is Qwen 2 and 2.5: biases of queries, keys and values; windows from layer max_window_layers on, if they are used at all.
func qwen2(c *config, in request) (*built, error) {
	return c.decoder(in, decoders{qkvBias: true, window: qwenWindows})
}

// qwen3 is Qwen 3: norms of queries and keys, and heads that do not divide the width (Yang et al. 2025, arXiv:2505.09388).
func qwen3(c *config, in request) (*built, error) {
	return c.decoder(in, decoders{bias: true, qkNorm: true, window: qwenWindows})
}

func qwenWindows(c *config) func(i int) string {
	used, from := c.flag("use_sliding_window", false), c.integer("max_window_layers", 28)
	return func(i int) string {
		if used && !c.null["sliding_window"] && i >= from {
			return slidingAttention
		}
		return fullAttention
	}
}

// decoder reads a decoder with Llama's layers.
func (c *config) decoder(in request, f decoders) (*built, error) {
	b := newBuilt(in)
	t := c.task(in.bodyOnly, lm, classify, tag)
	b.size(c, "hidden_size")
	b.spec.Kind = spec.Decoder
	c.keyHeads()
	b.context = c.length("max_position_embeddings", 0)
	b.spec.Final = c.rmsNorm()
	p := b.names.prefix(c, "embed_tokens.weight", "model.", "")
	b.names.put("embedding.weight", p+"embed_tokens.weight")
	b.names.put("norm.weight", p+"norm.weight")
	types := c.layerTypes(c.positive("num_hidden_layers"), f.window(c))
	if f.oneType {
		c.agree(types, f.window(c))
	}
	for i, kind := range types {
		b.spec.Layers = append(b.spec.Layers, c.decoderLayer(b, f, kind))
		decoderNames(b.names, i, fmt.Sprintf("%slayers.%d.", p, i))
	}
	b.names.ignore(`.*\.rotary_emb\.inv_freq`, "frequencies of the rotary encoding")
	b.decoderHead(c, t)
	return b, c.first
}

// keyHeads checks the number of key heads.
func (c *config) keyHeads() {
	heads := c.positive("num_attention_heads")
	if kv := c.integer("num_key_value_heads", heads); kv < 1 || heads%kv != 0 {
		c.fail("num_key_value_heads", "found %d for %d heads, expected a divisor", kv, heads)
	}
}

func (c *config) rmsNorm() *spec.Norm {
	return &spec.Norm{Kind: "rms", Eps: c.eps("rms_norm_eps", 1e-6)}
}

// decoderLayer is a layer of the given type.
func (c *config) decoderLayer(b *built, f decoders, kind string) spec.Layer {
	heads := c.positive("num_attention_heads")
	r := c.rotary(kind, "rope_theta", f.base, b.context)
	a := spec.Attention{Mechanism: "full", Heads: heads, KVHeads: c.integer("num_key_value_heads", heads), Causal: true, Position: "rotary",
		RotaryBase: r.base, RotaryScaling: r.scaling, HeadDim: c.integer("head_dim", b.spec.Width/heads)}
	if kind == slidingAttention {
		a.Mechanism = c.causalWindow()
	}
	switch {
	case f.qkvBias:
		a.Bias, a.NoOutBias = true, true
	case f.bias:
		a.Bias = c.flag("attention_bias", false)
	}
	if f.qkNorm {
		a.QKNorm = c.eps("rms_norm_eps", 1e-6)
	}
	return spec.Layer{
		Attention: a,
		FeedForward: spec.FeedForward{Hidden: c.positive("intermediate_size"), Activation: c.gate("hidden_act", "silu"),
			Bias: f.mlpBias && c.flag("mlp_bias", false)},
		Norms: spec.Norms{Input: c.rmsNorm()},
	}
}

// causalWindow is the mechanism of sliding_window: so many tokens, with the query's own. Where the key is absent, transformers has 4,096.
func (c *config) causalWindow() string {
	w := c.integer("sliding_window", 4096)
	if w < 1 || c.null["sliding_window"] {
		c.fail("sliding_window", "found %d, expected at least 1, or null in a model without windows", w)
		return window(0)
	}
	return window(w - 1)
}

func decoderNames(n *names, i int, p string) {
	n.linear(layer(i, "attention.qkv"), p+"self_attn.q_proj", p+"self_attn.k_proj", p+"self_attn.v_proj")
	n.linear(layer(i, "attention.out"), p+"self_attn.o_proj")
	n.put(layer(i, "attention.q_norm.weight"), p+"self_attn.q_norm.weight")
	n.put(layer(i, "attention.k_norm.weight"), p+"self_attn.k_norm.weight")
	n.put(layer(i, "attention.norm.weight"), p+"input_layernorm.weight")
	n.linear(layer(i, "feed_forward.up"), p+"mlp.gate_proj", p+"mlp.up_proj")
	n.linear(layer(i, "feed_forward.down"), p+"mlp.down_proj")
	n.put(layer(i, "feed_forward.norm.weight"), p+"post_attention_layernorm.weight")
}

// decoderHead reads the head of a decoder.
func (b *built) decoderHead(c *config, t task) {
	switch t {
	case lm:
		b.spec.Head = spec.Head{Kind: spec.LM, Tied: c.flag("tie_word_embeddings", b.tiedByDefault)}
		b.names.put("head.weight", "lm_head.weight")
		b.names.tied("lm_head.weight")
	case classify, tag:
		name := "score"
		if t == tag && b.spec.Embed.Positions > 0 {
			name = "classifier" // of GPT-2
		}
		b.spec.Head, b.labels = c.classifier(t, "last")
		if c.has("pad_token_id") && b.spec.Head.Pooling == "last" {
			padding := int32(c.integer("pad_token_id", 0))
			b.spec.Head.Padding = &padding
		}
		b.names.put("head.weight", name+".weight")
		if t == tag {
			b.spec.Head.Bias = true
			b.names.put("head.bias", name+".bias")
		}
	case body:
		b.names.ignore(`lm_head\.weight|score\.(weight|bias)`, headNotUsed)
	}
}
