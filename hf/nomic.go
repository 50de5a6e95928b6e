package hf

import (
	"fmt"

	"github.com/longspan/longspan/model/spec"
)

// nomicBert is Nomic's BERT: post-norm layers without biases, rotary positions, and gated feed-forward layers (Nussbaum et al. 2024,
// arXiv:2402.01613). The repositories of its authors have the keys of GPT-2's configuration.
func nomicBert(c *config, in request) (*built, error) {
	b := newBuilt(in)
	t := c.task(in.bodyOnly, maskedLM, classify, tag)
	c.nomicKeys()
	b.size(c, "hidden_size")
	b.spec.Vocab = c.nomicVocab(b.spec.Vocab)
	b.spec.Kind = spec.Encoder
	b.context = c.length("max_trained_positions", c.length("max_position_embeddings", c.length("n_positions", 2048)))
	b.spec.Embed = spec.Embedding{TokenTypes: c.positive("type_vocab_size"), Norm: c.bertNorm()}
	p := b.names.prefix(c, "embeddings.word_embeddings.weight", "nomic_bert.", "bert.", "")
	b.names.put("embedding.weight", p+"embeddings.word_embeddings.weight")
	b.names.put("token_types.weight", p+"embeddings.token_type_embeddings.weight")
	b.names.linear("embedding.norm", p+"emb_ln")
	turn := c.rotary(fullAttention, c.nomicBase(), 1000, b.context)
	for i := range c.layerCount() {
		b.spec.Layers = append(b.spec.Layers, c.nomicLayer(turn))
		nomicLayerNames(b.names, i, fmt.Sprintf("%sencoder.layers.%d.", p, i))
	}
	b.names.ignore(`.*\.inv_freq`, "frequencies of the rotary encoding")
	b.nomicHead(c, t, p)
	return b, c.first
}

// nomicKeys gives keys of the authors' class the names of transformers' class, and refuses what the authors' models do not have.
func (c *config) nomicKeys() {
	c.off("prenorm", "parallel_block", "parallel_block_tied_norm", "use_rms_norm", "causal", "rotary_emb_interleaved",
		"scale_attn_by_inverse_layer_idx")
	c.absent("rotary_emb_scale_base")
	c.nomicScaling()
	for _, key := range []string{"num_experts", "moe_every_n_layers"} {
		c.expect(key, c.integer(key, 0), 0)
	}
	if c.has("n_embd") { // in the authors' class these are true where they are absent
		for _, key := range []string{"qkv_proj_bias", "mlp_fc1_bias", "mlp_fc2_bias"} {
			c.expect(key, c.flag(key, true), false)
		}
		c.expect("rotary_emb_fraction", c.number("rotary_emb_fraction", 0), 1.0)
	}
	for _, key := range []struct{ theirs, ours string }{{"n_embd", "hidden_size"}, {"n_head", "num_attention_heads"},
		{"n_layer", "num_hidden_layers"}, {"n_inner", "intermediate_size"},
		{"layer_norm_epsilon", "layer_norm_eps"}} {
		c.rename(key.theirs, key.ours)
	}
	for _, key := range nomicFused {
		c.read[key] = true
	}
}

// nomicScaling notes rotary_scaling_factor, by which the authors' class grows the base for a text of more tokens than training had (dynamic
// NTK). Shorter texts, and the chunks of longer ones, are the same without it.
func (c *config) nomicScaling() {
	if !c.has("rotary_scaling_factor") {
		c.read["rotary_scaling_factor"] = true
		return
	}
	factor := c.number("rotary_scaling_factor", 1)
	if trained := c.positive("max_trained_positions"); factor != 1 {
		c.note("rotary_scaling_factor is %g: the authors' code turns the tokens of texts longer than %d by other angles; this program reads "+
			"such texts in chunks, and with --beyond by the same angles", factor, trained)
	}
}

// nomicFused are keys of the authors' class that choose between programs of the same result, or that its training used.
var nomicFused = []string{"dense_seq_output", "fused_bias_fc", "fused_dropout_add_ln", "last_layer_subset", "scale_attn_weights",
	"use_flash_attn", "use_xentropy"}

// nomicVocab is the number of rows of the table, which the authors' class rounds up.
func (c *config) nomicVocab(vocab int) int {
	to := c.integer("pad_vocab_size_multiple", 1)
	if to < 1 || to > 1<<20 {
		c.fail("pad_vocab_size_multiple", "found %d, expected 1 to %d", to, 1<<20)
		return vocab
	}
	return (vocab + to - 1) / to * to
}

// nomicBase is the key of the rotary base.
func (c *config) nomicBase() string {
	if c.has("rotary_emb_base") {
		return "rotary_emb_base"
	}
	return "rope_theta"
}

// nomicGates are the activations, by their names in transformers' class and, with the gate, in the authors'.
var nomicGates = map[string]string{"silu": "silu", "swiglu": "silu", "gelu": "gelu", "geglu": "gelu"}

// nomicActivation is the activation that gates, which the transform of the head has too.
func (c *config) nomicActivation() string {
	ours := c.text("hidden_act", c.text("activation_function", "silu"))
	a, ok := nomicGates[ours]
	if !ok {
		c.fail("hidden_act", "found the activation %q, expected silu, swiglu or geglu", ours)
		return "silu"
	}
	switch theirs := c.text("activation_function", ours); {
	case c.has("activation_function") && theirs != "swiglu" && theirs != "geglu":
		c.fail("activation_function", "found %q, expected swiglu or geglu: this program does not compute layers of this family without a gate",
			theirs)
	case nomicGates[theirs] != a:
		c.fail("activation_function", "found %q, and %q under hidden_act, expected one of them, or the same", theirs, ours)
	}
	return a
}

func (c *config) nomicLayer(turn rotary) spec.Layer {
	heads := c.positive("num_attention_heads")
	dim := c.headDim(heads)
	if d := c.integer("head_dim", dim); d != dim {
		c.fail("head_dim", "found %d, expected %d, the width over the heads", d, dim)
	}
	return spec.Layer{
		Attention: spec.Attention{Mechanism: "full", Heads: heads, KVHeads: heads, HeadDim: dim, Position: "rotary", RotaryBase: turn.base,
			RotaryScaling: turn.scaling},
		FeedForward: spec.FeedForward{Hidden: c.positive("intermediate_size"), Activation: gates[c.nomicActivation()]},
		Norms:       spec.Norms{Sum: c.bertNorm()},
	}
}

// nomicLayerNames names the weights of a layer. fc12 is the gate.
func nomicLayerNames(n *names, i int, p string) {
	n.linear(layer(i, "attention.qkv"), p+"attn.Wqkv")
	n.linear(layer(i, "attention.out"), p+"attn.out_proj")
	n.linear(layer(i, "attention.norm"), p+"norm1")
	n.linear(layer(i, "feed_forward.up"), p+"mlp.fc12", p+"mlp.fc11")
	n.linear(layer(i, "feed_forward.down"), p+"mlp.fc2")
	n.linear(layer(i, "feed_forward.norm"), p+"norm2")
}

func (b *built) nomicHead(c *config, t task, p string) {
	switch t {
	case maskedLM:
		bias := "cls.predictions.bias"
		if !b.names.has(bias) && b.names.has("cls.predictions.decoder.bias") {
			bias = "cls.predictions.decoder.bias"
		}
		b.names.linear("head.transform", "cls.predictions.transform.dense")
		b.names.linear("head.norm", "cls.predictions.transform.layer_norm")
		b.maskedHead(c, spec.Transform{Activation: c.nomicActivation(), Bias: true, Norm: c.bertNorm()}, "cls.predictions.decoder.weight", bias)
		if c.has("mlp_fc1_bias") { // of the authors' class, in which the head's layers have that bias or none
			b.spec.Head.Transform.Bias = b.names.has("cls.predictions.transform.dense.bias")
			has := b.names.has(bias)
			b.spec.Head.TiedBias, b.spec.Head.Bias = b.spec.Head.TiedBias && has, b.spec.Head.Bias && has
		}
		b.names.tied("cls.predictions.decoder.weight")
		b.names.ignore(`cls\.predictions\.decoder\.bias`, "a second name of the bias")
		b.names.ignore(`cls\.seq_relationship\..*`, "the head of next sentences")
	case classify, tag:
		b.pooledHead(c, t, p)
	case body:
		b.names.ignore(`cls\..*|classifier\..*`, headNotUsed)
	}
	b.names.ignore(`(.*\.)?pooler\..*`, "the pooler, which reads the first token for a head that the model does not have")
}

// pooledHead is BERT's head of classes: of sequences behind the pooler, of tokens without one.
func (b *built) pooledHead(c *config, t task, p string) {
	b.names.linear("head", "classifier")
	if t == tag {
		b.spec.Head, b.labels = c.classifier(t, "")
		b.spec.Head.Bias = true
		return
	}
	b.spec.Head, b.labels = c.classifier(t, "first")
	b.spec.Head.Transform, b.spec.Head.Bias = &spec.Transform{Activation: "tanh", Bias: true}, true
	b.names.linear("head.transform", p+"pooler.dense")
}
