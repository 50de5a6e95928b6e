package hf

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/model/spec"
)

// gpt2 is GPT-2: pre-norm layers with biases, and learned positions (Radford et al. 2019). Its linear layers are stored [in, out].
func gpt2(c *config, in request) (*built, error) {
	b := newBuilt(in)
	b.tiedByDefault = true
	t := c.task(in.bodyOnly, lm, classify, tag)
	b.size(c, "n_embd")
	b.spec.Kind = spec.Decoder
	b.spec.Embed.Positions = c.integer("n_positions", 1024)
	norm := func() *spec.Norm { return &spec.Norm{Kind: "layer", Eps: c.eps("layer_norm_epsilon", 1e-5)} }
	b.spec.Final = norm()
	c.off("add_cross_attention")
	p := b.names.prefix(c, "wte.weight", "transformer.", "")
	b.names.put("embedding.weight", p+"wte.weight")
	b.names.put("positions.weight", p+"wpe.weight")
	b.names.linear("norm", p+"ln_f")
	b.names.ignore(`(transformer\.)?h\.\d+\.attn\.(bias|masked_bias)`, "causal masks")
	layers := c.positive("n_layer")
	if layers > spec.MaxLayers {
		c.fail("n_layer", "found %d, expected up to %d", layers, spec.MaxLayers)
		return nil, c.first
	}
	for i := range layers {
		b.spec.Layers = append(b.spec.Layers, spec.Layer{Attention: c.gpt2Attention(b, i), Norms: spec.Norms{Input: norm()},
			FeedForward: spec.FeedForward{Hidden: c.integer("n_inner", 4*b.spec.Width), Activation: c.activation("activation_function", "gelu_new"),
				Bias: true}})
		gpt2Names(b.names, i, fmt.Sprintf("%sh.%d.", p, i))
	}
	b.decoderHead(c, t)
	return b, c.first
}

// gpt2Attention is the attention of layer i, whose scores may be divided by the number of the layer.
func (c *config) gpt2Attention(b *built, i int) spec.Attention {
	heads := c.positive("n_head")
	if b.spec.Width%heads != 0 {
		c.fail("n_head", "found %d heads for a width of %d, expected a divisor", heads, b.spec.Width)
	}
	a := spec.Attention{Mechanism: "full", Heads: heads, KVHeads: heads, HeadDim: b.spec.Width / heads, Causal: true, Position: "none",
		Bias: true}
	scaled, byLayer := c.flag("scale_attn_weights", true), c.flag("scale_attn_by_inverse_layer_idx", false)
	if scaled && !byLayer {
		return a
	}
	a.Scale = 1
	if scaled {
		a.Scale /= math.Sqrt(float64(a.HeadDim))
	}
	if byLayer {
		a.Scale /= float64(i + 1)
	}
	return a
}

func gpt2Names(n *names, i int, p string) {
	for ours, theirs := range map[string]string{
		"attention.qkv": "attn.c_attn", "attention.out": "attn.c_proj", "feed_forward.up": "mlp.c_fc", "feed_forward.down": "mlp.c_proj",
	} {
		n.changed(layer(i, ours+".weight"), p+theirs+".weight", transposed)
		n.put(layer(i, ours+".bias"), p+theirs+".bias")
	}
	n.linear(layer(i, "attention.norm"), p+"ln_1")
	n.linear(layer(i, "feed_forward.norm"), p+"ln_2")
}
