package hf

import (
	"cmp"
	"fmt"
	"math"
	"regexp"

	"github.com/longspan/longspan/model/spec"
)

// seq2seq is what differs between the encoder-decoders that have BART's layers.
type seq2seq struct {
	source, target sidePositions
	body           string // before the tensors' names in files of whole models

	preNorm    bool   // norms stand before each branch and after each stack, not after each branch
	finalNorm  string // the tensors of the norm after a stack; empty: layer_norm
	embedNorms bool   // the embeddings of each side have a norm
	sinusoidal bool   // positions are sines and cosines
	noBias     bool   // the projections of attention have no bias

	scaled          bool   // scale_embedding is read: the token vectors are multiplied by √width
	scaledByDefault bool   // they are in a configuration without scale_embedding
	activation      string // of a configuration without activation_function; empty: gelu

	attention func(n *names, i int, p string) // names the attention of layer i of the encoder; nil: as the decoder's
}

// sidePositions are the learned positions of one side: the key of their number, and the rows of the table before the first.
type sidePositions struct {
	key   string
	first int
}

// seq2seq reads an encoder-decoder.
func (c *config) seq2seq(in request, f seq2seq) (*built, error) {
	b := newBuilt(in)
	if in.bodyOnly {
		c.fail("model_type", "found %s, an encoder-decoder, where vectors of texts are asked for; expected an encoder or a decoder",
			c.text("model_type", ""))
	}
	t := c.task(false, conditional)
	c.off("is_decoder", "add_cross_attention")
	c.integer("num_hidden_layers", 0) // encoder_layers again
	b.size(c, "d_model")
	b.spec.Kind, b.spec.Source = spec.EncoderDecoder, &spec.Stack{}
	c.agreeWithFairseq(f)
	p := b.names.prefix(c, "encoder.layers.0.self_attn_layer_norm.weight", f.body, "")
	b.spec.Embed = c.sideEmbedding(b, f, f.target, "", p+"decoder.")
	b.spec.SourceEmbed = &spec.SourceEmbedding{Embedding: c.sideEmbedding(b, f, f.source, "source.", p+"encoder.")}
	b.spec.Source.Layers = c.sideLayers(b, f, "encoder")
	b.spec.Layers = c.sideLayers(b, f, "decoder")
	for i := range b.spec.Source.Layers {
		f.nameEncoderLayer(b.names, i, fmt.Sprintf("%sencoder.layers.%d.", p, i))
	}
	for i := range b.spec.Layers {
		nameDecoderLayer(b.names, i, fmt.Sprintf("%sdecoder.layers.%d.", p, i))
	}
	if f.preNorm {
		b.spec.Source.Final, b.spec.Final = plainNorm(), plainNorm()
		final := cmp.Or(f.finalNorm, "layer_norm")
		b.names.norm("source.norm", p+"encoder."+final)
		b.names.norm("norm", p+"decoder."+final)
	}
	b.names.ignore(`(.*\.)?(encoder|decoder)\.version`, "versions of the code that wrote the file")
	b.seq2seqHead(c, t, p)
	return b, c.first
}

// agreeWithFairseq refuses settings of fairseq that transformers' class does not read, where they say something else than the class
// computes.
func (c *config) agreeWithFairseq(f seq2seq) {
	for key, computed := range map[string]bool{"normalize_before": f.preNorm, "add_final_layer_norm": f.preNorm,
		"normalize_embedding": f.embedNorms, "static_position_embeddings": f.sinusoidal} {
		c.expect(key, c.flag(key, computed), computed)
	}
	c.integer("extra_pos_embeddings", f.target.first) // rows before the first position, which the family decides
}

// plainNorm is PyTorch's layer norm as it is made without settings.
func plainNorm() *spec.Norm { return &spec.Norm{Kind: "layer", Eps: 1e-5} }

// sideEmbedding is the embedding of one side, whose weights begin with ours, and whose tensors begin with theirs.
func (c *config) sideEmbedding(b *built, f seq2seq, of sidePositions, ours, theirs string) (e spec.Embedding) {
	e.Positions, e.FirstPosition = c.positive(of.key)+of.first, of.first
	if f.scaled && c.flag("scale_embedding", f.scaledByDefault) {
		e.Scale = math.Sqrt(float64(b.spec.Width))
	}
	if f.sinusoidal {
		b.names.putOrMake(ours+"positions.weight", theirs+"embed_positions.weight", sinusoid)
	} else {
		b.names.put(ours+"positions.weight", theirs+"embed_positions.weight")
	}
	if f.embedNorms {
		e.Norm = plainNorm()
		b.names.norm(ours+"embedding.norm", theirs+"layernorm_embedding")
	}
	return e
}

// sideLayers are the layers of the encoder or of the decoder.
func (c *config) sideLayers(b *built, f seq2seq, side string) (layers []spec.Layer) {
	n, heads := c.positive(side+"_layers"), c.positive(side+"_attention_heads")
	switch {
	case n > spec.MaxLayers:
		c.fail(side+"_layers", "found %d, expected up to %d", n, spec.MaxLayers)
		return nil
	case b.spec.Width%heads != 0:
		c.fail(side+"_attention_heads", "found %d heads for a width of %d, expected a divisor", heads, b.spec.Width)
	}
	for range n {
		a := spec.Attention{Mechanism: "full", Heads: heads, KVHeads: heads, HeadDim: b.spec.Width / heads, Position: "none", Bias: !f.noBias}
		l := spec.Layer{Attention: a, FeedForward: spec.FeedForward{Hidden: c.positive(side + "_ffn_dim"),
			Activation: c.activation("activation_function", cmp.Or(f.activation, "gelu")), Bias: true}}
		if side == "decoder" {
			l.Attention.Causal, l.Cross = true, &a
		}
		if f.preNorm {
			l.Norms.Input = plainNorm()
		} else {
			l.Norms.Sum = plainNorm()
		}
		layers = append(layers, l)
	}
	return layers
}

// nameEncoderLayer names the weights of layer i of the encoder, whose tensors begin with p.
func (f seq2seq) nameEncoderLayer(n *names, i int, p string) {
	name := func(weight string) string { return sourceLayer(i, weight) }
	if f.attention == nil {
		nameAttention(n, name("attention"), p+"self_attn")
	} else {
		f.attention(n, i, p)
	}
	nameFeedForward(n, name, p)
}

// nameDecoderLayer does so for the decoder.
func nameDecoderLayer(n *names, i int, p string) {
	name := func(weight string) string { return layer(i, weight) }
	nameAttention(n, name("attention"), p+"self_attn")
	n.linear(name("cross.q"), p+"encoder_attn.q_proj")
	n.linear(name("cross.kv"), p+"encoder_attn.k_proj", p+"encoder_attn.v_proj")
	n.linear(name("cross.out"), p+"encoder_attn.out_proj")
	n.norm(name("cross.norm"), p+"encoder_attn_layer_norm")
	nameFeedForward(n, name, p)
}

func nameAttention(n *names, ours, theirs string) {
	n.linear(ours+".qkv", theirs+".q_proj", theirs+".k_proj", theirs+".v_proj")
	n.linear(ours+".out", theirs+".out_proj")
}

// nameFeedForward names the feed-forward layer, and the norms of both branches.
func nameFeedForward(n *names, name func(string) string, p string) {
	n.norm(name("attention.norm"), p+"self_attn_layer_norm")
	n.linear(name("feed_forward.up"), p+"fc1")
	n.linear(name("feed_forward.down"), p+"fc2")
	n.norm(name("feed_forward.norm"), p+"final_layer_norm")
}

// seq2seqHead reads the head, and the table that both sides and a tied head share under several names. The bodies of these families are
// published for fine-tuning, without a head; transformers predicts with the table.
func (b *built) seq2seqHead(c *config, t task, p string) {
	tied := c.flag("tie_word_embeddings", true)
	b.spec.Head = spec.Head{Kind: spec.LM, Tied: tied}
	if t == body {
		b.spec.Head.Tied = true
		c.note("the class of the checkpoint is a body without a head: tokens are predicted with the embedding's table")
	}
	shared, decoder, encoder := p+"shared.weight", p+"decoder.embed_tokens.weight", p+"encoder.embed_tokens.weight"
	if b.spec.Head.Tied {
		b.names.shared(shared, decoder, encoder, "lm_head.weight")
	} else {
		b.ownTables(shared, decoder, encoder)
		b.names.put("head.weight", "lm_head.weight")
	}
	if b.names.has("final_logits_bias") {
		b.spec.Head.TiedBias, b.spec.Head.Bias = b.spec.Head.Tied, !b.spec.Head.Tied
		b.spec.Head.FixedBias = true // a buffer of transformers' class
		b.names.put("head.bias", "final_logits_bias")
	}
}

// ownTables names the tables of a model that ties nothing. transformers 5 gives each side a table of its own. transformers 4 saves one for
// both.
func (b *built) ownTables(shared, decoder, encoder string) {
	of := func(own string) string {
		if b.names.has(own) {
			return own
		}
		return shared
	}
	target, source := of(decoder), of(encoder)
	b.names.put("embedding.weight", target)
	if source != target {
		b.spec.SourceEmbed.OwnTable = true
		b.names.put("source.embedding.weight", source)
	}
	b.names.ignore(regexp.QuoteMeta(shared), "a table that neither side reads")
}
