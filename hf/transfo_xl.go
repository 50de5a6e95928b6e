package hf

import (
	"bytes"
	"fmt"
	"math"
	"regexp"

	"github.com/longspan/longspan/model/spec"
)

// transfoXL is Transformer-XL: relative positions, and a memory of mem_len tokens for each layer (Dai et al. 2019, arXiv:1901.02860). The
// memory of a new sequence is mem_len tokens of zeros, which transformers' class does not hide. With same_length a token sees mem_len
// tokens, itself among them; without, the whole memory and all tokens of its segment before it.
func transfoXL(c *config, in request) (*built, error) {
	b := newBuilt(in)
	t := c.task(in.bodyOnly, lm, classify)
	c.sameAs(map[string]string{"n_token": "vocab_size", "hidden_size": "d_model", "num_attention_heads": "n_head",
		"num_hidden_layers": "n_layer"})
	b.size(c, "d_model")
	b.spec.Kind, b.spec.ZeroMemory, b.spec.Memory = spec.TransformerXL, true, c.positive("mem_len")
	b.spec.Embed.Scale = math.Sqrt(float64(b.spec.Width))
	c.expect("attn_type", c.integer("attn_type", 0), 0)
	if n := c.integer("sample_softmax", -1); n > 0 {
		c.fail("sample_softmax", "found %d, expected none: only training draws samples", n)
	}
	p := b.names.prefix(c, "layers.0.dec_attn.qkv_net.weight", "transformer.", "")
	c.transfoXLLayers(b, p)
	b.spec.Embed.Adaptive = c.transfoXLClusters(b)
	b.nameTransfoXLTables(p)
	b.transfoXLHead(c, t, p)
	b.names.ignore(regexp.QuoteMeta(p)+`pos_emb\.inv_freq`, "frequencies of distances")
	for _, key := range transfoXLWithoutEffect {
		c.read[key] = true
	}
	c.transfoXLNotes()
	return b, c.first
}

// transfoXLWithoutEffect are keys that have no effect on what is computed. Whether weights are tied is tie_word_embeddings for transformers
// 4.57, and was tie_weight before.
var transfoXLWithoutEffect = []string{"adaptive", "dropatt", "ext_len", "init", "init_range", "proj_init_std", "tgt_len", "tie_weight"}

// transfoXLNotes says what transformers' class does not say.
func (c *config) transfoXLNotes() {
	if !c.flag("same_length", true) {
		c.note("same_length is false: the tokens of a text that is read at once see all of it before them, and mem_len tokens more; " +
			"while a text is generated or scored each sees mem_len tokens")
	}
}

// sameAs reads keys that are other names of keys.
func (c *config) sameAs(names map[string]string) {
	for other, key := range names {
		c.read[other] = true
		switch {
		case !c.has(other):
		case !c.has(key):
			c.keys[key] = c.keys[other]
		case !bytes.Equal(c.keys[key], c.keys[other]):
			c.fail(other, "found %s, and %s for %s, expected the same: they are names of one setting", shorten(string(c.keys[other])),
				shorten(string(c.keys[key])), key)
		}
	}
}

// transfoXLLayers reads the layers, whose tensors begin with p.
func (c *config) transfoXLLayers(b *built, p string) {
	layers := c.positive("n_layer")
	if layers > spec.MaxLayers {
		c.fail("n_layer", "found %d, expected up to %d", layers, spec.MaxLayers)
		return
	}
	norms := spec.Norms{Sum: c.transfoXLNorm()}
	if c.flag("pre_lnorm", false) {
		norms = spec.Norms{Input: c.transfoXLNorm()}
	}
	shared := ""
	if !c.flag("untie_r", true) {
		shared = b.names.sharedBiases(p)
	}
	for i := range layers {
		b.spec.Layers = append(b.spec.Layers, spec.Layer{Attention: c.transfoXLAttention(b), Norms: norms,
			FeedForward: spec.FeedForward{Hidden: c.positive("d_inner"), Activation: "relu", Bias: true}})
		b.nameTransfoXLLayer(i, fmt.Sprintf("%slayers.%d.", p, i), shared)
	}
}

func (c *config) transfoXLNorm() *spec.Norm {
	return &spec.Norm{Kind: "layer", Eps: c.eps("layer_norm_epsilon", 1e-5)}
}

// transfoXLAttention is the attention of a layer. clamp_len is the largest distance that is told from smaller ones.
func (c *config) transfoXLAttention(b *built) spec.Attention {
	heads := c.positive("n_head")
	a := spec.Attention{Mechanism: "full", Heads: heads, KVHeads: heads, HeadDim: c.positive("d_head"), Causal: true, Position: "relative"}
	if n := c.integer("clamp_len", 1000); n > 0 {
		a.MaxDistance = n
	}
	if c.flag("same_length", true) {
		a.Mechanism = window(b.spec.Memory - 1)
	}
	return a
}

// sharedBiases is what the tensors of biases begin with that all layers share: files have them under the name of the model, or under that
// of a layer.
func (n *names) sharedBiases(p string) string {
	n.ignore(regexp.QuoteMeta(p)+`(layers\.\d+\.dec_attn\.)?r_[rw]_bias`, "other names of biases that the layers share")
	for i := range spec.MaxLayers {
		if from := fmt.Sprintf("%slayers.%d.dec_attn.", p, i); n.has(from + "r_w_bias") {
			return from
		} else if !n.has(from + "qkv_net.weight") {
			break
		}
	}
	return p
}

// nameTransfoXLLayer names the weights of layer i, whose tensors begin with p, and those of its biases with shared, if that is not empty.
func (b *built) nameTransfoXLLayer(i int, p, shared string) {
	n, a := b.names, b.spec.Layers[i].Attention
	size := a.Heads * a.HeadDim
	qkv := p + "dec_attn.qkv_net.weight"
	n.sliced(layer(i, "attention.q.weight"), qkv, slice{0, size, 3 * size})
	n.sliced(layer(i, "attention.kv.weight"), qkv, slice{size, 3 * size, 3 * size})
	n.put(layer(i, "attention.out.weight"), p+"dec_attn.o_net.weight")
	n.put(layer(i, "attention.r.weight"), p+"dec_attn.r_net.weight")
	if shared == "" {
		shared = p + "dec_attn."
	}
	n.changed(layer(i, "attention.u"), shared+"r_w_bias", flat)
	n.changed(layer(i, "attention.v"), shared+"r_r_bias", flat)
	n.norm(layer(i, "attention.norm"), p+"dec_attn.layer_norm")
	n.linear(layer(i, "feed_forward.up"), p+"pos_ff.CoreNet.0")
	n.linear(layer(i, "feed_forward.down"), p+"pos_ff.CoreNet.3")
	n.norm(layer(i, "feed_forward.norm"), p+"pos_ff.layer_norm")
}
