package hf

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/model/spec"
)

// t5 is T5 and T5 v1.1: RMS norms before each branch, scores that are not divided by √D, a learned bias by bucket of distance in a table
// that all layers of a stack share, and no other positions and no biases (Raffel et al. 2019, arXiv:1910.10683). mT5 is the same.
func t5(c *config, in request) (*built, error) { return c.t5(in, t5Kind{}) }

// umt5 is UMT5, whose layers have a table each (Chung et al. 2023, arXiv:2304.09151).
func umt5(c *config, in request) (*built, error) { return c.t5(in, t5Kind{own: true}) }

// longT5 is LongT5: the encoder of T5 v1.1 with windows, and with encoder_attention_type transient-global also with a summary of each block
// of tokens, which has a table of distances of its own (Guo et al. 2021, arXiv:2112.07916).
func longT5(c *config, in request) (*built, error) {
	kind := c.text("encoder_attention_type", "local")
	k := t5Kind{mechanism: window(c.positive("local_radius")), attention: "LocalSelfAttention"}
	switch kind {
	case "local":
		c.read["global_block_size"] = true
	case "transient-global":
		k.mechanism = fmt.Sprintf("transient(radius=%d, block=%d)", c.positive("local_radius"), c.positive("global_block_size"))
		k.attention, k.summaries = "TransientGlobalSelfAttention", true
	default:
		c.fail("encoder_attention_type", "found %q, expected local or transient-global", kind)
	}
	return c.t5(in, k)
}

// t5Kind is what differs between the families that have T5's layers.
type t5Kind struct {
	own       bool   // each layer has a table
	mechanism string // of the encoder; empty: full
	attention string // the encoder's name of it; empty: SelfAttention
	summaries bool   // the mechanism has summaries
}

// t5WithoutEffect are keys of T5's configurations that have no effect on what is computed.
var t5WithoutEffect = []string{"dropout_rate", "initializer_factor"}

// t5 reads an encoder-decoder, or its encoder.
func (c *config) t5(in request, k t5Kind) (*built, error) {
	b := newBuilt(in)
	t := conditional
	if class := c.texts("architectures"); in.bodyOnly || !slices.Equal(class, []string{"T5WithLMHeadModel"}) { // its name until 2020
		t = c.task(in.bodyOnly, conditional)
	}
	b.size(c, "d_model")
	b.context = c.length("n_positions", 0)
	c.off("is_decoder")
	for _, key := range t5WithoutEffect {
		c.read[key] = true
	}
	encoder := c.t5Stack(k, "num_layers")
	if t == conditional {
		b.t5Both(c, k, encoder)
		return b, c.first
	}
	b.spec.Kind, b.spec.Stack = spec.Encoder, encoder
	t5Names(b.names, t5Place{"blocks", "encoder", cmp.Or(k.attention, "SelfAttention")}, encoder)
	b.names.put("norm.weight", "encoder.final_layer_norm.weight")
	b.names.shared("shared.weight", "encoder.embed_tokens.weight")
	b.names.ignore(`decoder\..*|lm_head\.weight`, "the decoder: the vectors are those of the encoder")
	c.integer("num_decoder_layers", 0)
	c.flag("scale_decoder_outputs", true)
	if class := c.texts("architectures"); len(class) == 1 && !in.bodyOnly && !strings.HasSuffix(class[0], "EncoderModel") {
		c.note("the class %s has a decoder without a head, which is not used: the vectors are those of the encoder", class[0])
	}
	return b, c.first
}

// t5Both makes an encoder-decoder.
func (b *built) t5Both(c *config, k t5Kind, encoder spec.Stack) {
	b.spec.Kind, b.spec.Source = spec.EncoderDecoder, &encoder
	layers := "num_decoder_layers"
	if !c.has(layers) {
		layers = "num_layers"
	}
	b.spec.Stack = c.t5Stack(t5Kind{own: k.own}, layers)
	for i := range b.spec.Layers {
		l := &b.spec.Layers[i]
		cross := spec.Attention{Mechanism: "full", Heads: l.Attention.Heads, KVHeads: l.Attention.KVHeads, HeadDim: l.Attention.HeadDim,
			Position: "none", Scale: 1}
		l.Attention.Causal, l.Cross = true, &cross
	}
	t5Names(b.names, t5Place{"source", "encoder", cmp.Or(k.attention, "SelfAttention")}, encoder)
	t5Names(b.names, t5Place{"blocks", "decoder", "SelfAttention"}, b.spec.Stack)
	b.names.put("source.norm.weight", "encoder.final_layer_norm.weight")
	b.names.put("norm.weight", "decoder.final_layer_norm.weight")
	b.names.ignore(`decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight`,
		"a table of distances to the source, which nothing reads")
	b.t5Head(c)
}

// t5Head reads the head. T5's first models have the table of embeddings for a head, and multiply what it reads by width^−½; later ones have
// a head of their own, and do not. transformers 4 takes tie_word_embeddings for both. 5 sets that key to true whatever the model; it takes
// the head that the file has, and scale_decoder_outputs, which it writes for all but mT5, whose outputs it never scales.
func (b *built) t5Head(c *config) {
	const head = "lm_head.weight"
	tied := c.flag("tie_word_embeddings", true)
	scaled := c.flag("scale_decoder_outputs", tied)
	five := c.has("scale_decoder_outputs")
	if c.text("model_type", "") == "mt5" && strings.HasPrefix(c.text("transformers_version", ""), "5.") {
		scaled, five = false, true
	}
	if five {
		tied = !b.names.has(head)
	}
	b.spec.Head = spec.Head{Kind: spec.LM, Tied: tied}
	if scaled {
		b.spec.Head.Scale = 1 / math.Sqrt(float64(b.spec.Width))
	}
	if tied {
		b.names.tied(head)
	}
	b.names.put("head.weight", head)
	b.names.shared("shared.weight", "decoder.embed_tokens.weight", "encoder.embed_tokens.weight")
}

// atLeastOne reads a number of at least 1, with a default.
func (c *config) atLeastOne(key string, absent int) int {
	if !c.has(key) {
		return absent
	}
	return c.positive(key)
}

// t5Stack is a stack of as many layers as a key says.
func (c *config) t5Stack(k t5Kind, layers string) (s spec.Stack) {
	norm := spec.Norm{Kind: "rms", Eps: c.eps("layer_norm_epsilon", 1e-6)}
	heads := c.positive("num_heads")
	a := spec.Attention{Mechanism: cmp.Or(k.mechanism, "full"), Heads: heads, KVHeads: heads, HeadDim: c.positive("d_kv"), Position: "t5",
		Scale: 1, T5Buckets: c.atLeastOne("relative_attention_num_buckets", 32), T5Own: k.own,
		T5MaxDistance: c.atLeastOne("relative_attention_max_distance", 128)}
	if err := a.T5().CheckBuckets(); err != nil {
		c.fail("relative_attention_num_buckets", "%v", err)
	}
	l := spec.Layer{Attention: a, FeedForward: spec.FeedForward{Hidden: c.positive("d_ff"), Activation: c.t5Activation()},
		Norms: spec.Norms{Input: &norm}}
	if k.summaries {
		l.Attention.SummaryNorm = norm.Eps
	}
	n := c.positive(layers)
	if n > spec.MaxLayers {
		c.fail(layers, "found more than %d layers", spec.MaxLayers)
		return s
	}
	for range n {
		s.Layers = append(s.Layers, l)
	}
	s.Final = &norm
	return s
}

// t5Activation reads feed_forward_proj, such as relu and gated-gelu. gated-gelu is gelu_new. dense_act_fn and is_gated_act, which files
// have since 2022, say the same once more; transformers obeys them where they differ.
func (c *config) t5Activation() string {
	text := c.text("feed_forward_proj", "relu")
	kind, name, two := strings.Cut(text, "-")
	if !two {
		kind, name = "", text
	}
	if two && kind != "gated" || strings.Contains(name, "-") {
		c.fail("feed_forward_proj", "found %q, expected relu, gated-gelu or such", text)
	}
	if text == "gated-gelu" {
		name = "gelu_new"
	}
	key := "feed_forward_proj"
	if c.has("dense_act_fn") {
		key = "dense_act_fn"
		name = c.text(key, name)
	}
	a, ok := activations[name]
	if ok && c.flag("is_gated_act", two) {
		a, ok = gates[a]
	}
	if !ok {
		c.fail(key, "found the activation %q, expected relu, gelu, gelu_new or silu, or one of the last three after gated-", name)
	}
	return a
}

// t5Place is a stack: our name of it, blocks or source, and theirs, encoder or decoder, and their name of its attention.
type t5Place struct{ ours, theirs, attention string }

// t5Names names the weights of a stack.
func t5Names(n *names, p t5Place, s spec.Stack) {
	for i, l := range s.Layers {
		o, t := fmt.Sprintf("%s.%d.", p.ours, i), fmt.Sprintf("%s.block.%d.layer.", p.theirs, i)
		self, last := t+"0."+p.attention+".", t+"1."
		if l.Cross != nil {
			cross := t + "1.EncDecAttention."
			n.linear(o+"cross.q", cross+"q")
			n.linear(o+"cross.kv", cross+"k", cross+"v")
			n.linear(o+"cross.out", cross+"o")
			n.put(o+"cross.norm.weight", t+"1.layer_norm.weight")
			last = t + "2."
		}
		n.linear(o+"attention.qkv", self+"q", self+"k", self+"v")
		n.linear(o+"attention.out", self+"o")
		n.put(o+"attention.norm.weight", t+"0.layer_norm.weight")
		n.put(o+"attention.summary_norm.weight", self+"global_input_layer_norm.weight")
		if l.Attention.T5Own {
			n.put(o+"attention.t5", self+"relative_attention_bias.weight")
		} else if i == 0 {
			n.put(p.ours+".t5", self+"relative_attention_bias.weight")
			n.put(p.ours+".t5_side", self+"global_relative_attention_bias.weight")
		}
		up := last + "DenseReluDense.wi"
		if a, err := autograd.ParseActivation(l.FeedForward.Activation); err == nil && a.Gated() {
			n.linear(o+"feed_forward.up", up+"_0", up+"_1")
		} else {
			n.linear(o+"feed_forward.up", up)
		}
		n.linear(o+"feed_forward.down", last+"DenseReluDense.wo")
		n.put(o+"feed_forward.norm.weight", last+"layer_norm.weight")
	}
	n.ignore(`encoder\.block\.\d+\.layer\.0\.TransientGlobalSelfAttention\.global_(relative_attention_bias|input_layer_norm)\.weight`,
		"what makes summaries of blocks, of which the model has none")
}
