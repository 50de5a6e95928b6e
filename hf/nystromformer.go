package hf

import (
	"encoding/json"
	"fmt"

	"github.com/longspan/longspan/model/spec"
)

// nystromformer is BERT's layers with Nyström attention, and a convolution of the values beside it (Xiong et al. 2021, arXiv:2102.03902).
// Positions begin at row 2. The class attends to all tokens where num_landmarks is segment_means_seq_len, which is how the checkpoints are
// published. Else it reads texts of segment_means_seq_len tokens alone; here landmarks are means of any number of tokens.
func nystromformer(c *config, in request) (*built, error) {
	b := newBuilt(in)
	c.assume("hidden_act", `"gelu_new"`)
	c.assume("layer_norm_eps", "1e-5")
	t := c.task(in.bodyOnly, maskedLM, classify, tag)
	p := b.names.prefix(c, "embeddings.word_embeddings.weight", "nystromformer.", "")
	c.bertBody(b, bertNames{prefix: p})
	c.off("is_decoder", "add_cross_attention")
	if e := &b.spec.Embed; e.Positions > 0 {
		e.Positions, e.FirstPosition = e.Positions+nystromFirstPosition, nystromFirstPosition
	}
	mechanism := c.nystromMechanism(b)
	for i := range b.spec.Layers {
		b.spec.Layers[i].Attention.Mechanism = mechanism
		b.names.put(layer(i, "attention.conv"), fmt.Sprintf("%sencoder.layer.%d.attention.self.conv.weight", p, i))
	}
	b.names.ignore(`.*\.attention\.self\.conv\.weight`, "convolutions of the values, which the mechanism does not have")
	b.nystromHead(c, t)
	return b, c.first
}

// assume gives a key that is absent the value that the family's class gives it, in JSON.
func (c *config) assume(key, value string) {
	if !c.has(key) && !c.null[key] {
		c.keys[key] = json.RawMessage(value)
	}
}

// nystromFirstPosition is the row of the first token's position.
const nystromFirstPosition = 2

// nystromMechanism is the mechanism of all layers.
func (c *config) nystromMechanism(b *built) string {
	landmarks, length, taps := c.length("num_landmarks", 64), c.length("segment_means_seq_len", 64), c.length("conv_kernel_size", 65)
	if c.null["conv_kernel_size"] {
		taps = 0
	} else if taps%2 == 0 {
		c.fail("conv_kernel_size", "found %d, expected an odd number, or null for no convolution", taps)
	}
	convolution := ""
	if taps > 0 {
		convolution = fmt.Sprintf(", conv=%d", taps)
	}
	own := c.flag("inv_coeff_init_option", false)
	if landmarks == length {
		if own {
			c.note("inv_coeff_init_option has no effect: num_landmarks is segment_means_seq_len, so that nothing is approximated")
		}
		if landmarks > 0 {
			c.note("the layers attend to all tokens, as transformers does where num_landmarks is segment_means_seq_len; "+
				"--attention 'nystrom(landmarks=%d, one_norm=1%s)' takes landmarks", landmarks, convolution)
		}
		return "nystrom(exact=1" + convolution + ")"
	}
	switch {
	case landmarks < 1:
		c.fail("num_landmarks", "found %d, expected at least 1", landmarks)
	case length < landmarks || length%landmarks != 0:
		c.fail("segment_means_seq_len", "found %d, expected a multiple of num_landmarks, %d", length, landmarks)
	}
	b.context = length
	c.note("transformers reads texts of %d tokens alone (segment_means_seq_len); this program reads any number, with %d landmarks", length,
		landmarks)
	if own {
		c.note("transformers cannot run inv_coeff_init_option true; each head begins with its own norm, as the option means")
		return fmt.Sprintf("nystrom(landmarks=%d%s)", landmarks, convolution)
	}
	return fmt.Sprintf("nystrom(landmarks=%d%s, one_norm=1)", landmarks, convolution)
}

// nystromHead reads the head: BERT's for masked tokens, and for classes one with the activation of the layers.
func (b *built) nystromHead(c *config, t task) {
	activation := c.activation("hidden_act", "gelu_new")
	switch t {
	case maskedLM:
		b.names.linear("head.transform", "cls.predictions.transform.dense")
		b.names.norm("head.norm", "cls.predictions.transform.LayerNorm")
		b.maskedHead(c, spec.Transform{Activation: activation, Bias: true, Norm: c.bertNorm()}, "cls.predictions.decoder.weight",
			"cls.predictions.bias")
		b.names.tied("cls.predictions.decoder.weight")
		b.names.ignore(`cls\.predictions\.decoder\.bias`, "a second name of the bias")
	case classify:
		b.denseClassifier(c, t, activation)
	case tag:
		b.tagger(c, t)
	case body:
		b.names.ignore(`cls\..*|classifier\..*`, headNotUsed)
	}
}
