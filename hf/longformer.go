package hf

import (
	"fmt"

	"github.com/longspan/longspan/model/spec"
)

// longformer is RoBERTa with windows, and global tokens that have projections of their own (Beltagy et al. 2020, arXiv:2004.05150).
// attention_window counts both sides. A classifier makes its first token global; the other classes have global tokens only where they are
// asked for.
func longformer(c *config, in request) (*built, error) {
	b := newBuilt(in)
	t := c.task(in.bodyOnly, maskedLM, classify, tag)
	p := b.names.prefix(c, "embeddings.word_embeddings.weight", "longformer.", "")
	c.bertBody(b, bertNames{prefix: p, padding: c.padding(), roberta: true})
	c.off("is_decoder", "add_cross_attention")
	if mode := c.text("attention_mode", "longformer"); mode != "longformer" && mode != "sliding_chunks" {
		c.fail("attention_mode", "found %q, expected longformer", mode)
	}
	for _, d := range c.integers("attention_dilation") {
		c.expect("attention_dilation", d, 1)
	}
	c.off("autoregressive")
	b.robertaHead(c, t, "longformer")
	c.longformerWindows(b.spec.Layers)
	for i := range b.spec.Layers {
		theirs := fmt.Sprintf("%sencoder.layer.%d.attention.self.", p, i)
		b.names.linear(layer(i, "attention.global_q"), theirs+"query_global")
		b.names.linear(layer(i, "attention.global_kv"), theirs+"key_global", theirs+"value_global")
	}
	b.names.ignore(`.*\.attention\.self\.(query|key|value)_global\.(weight|bias)`, "projections of global tokens, of which the model has none")
	if t == classify {
		b.globals = []int{0}
	}
	b.secondProjections = true
	return b, c.first
}

// longformerWindows sets the window of each layer.
func (c *config) longformerWindows(layers []spec.Layer) {
	windows := c.integers("attention_window")
	if len(windows) == 0 {
		windows = []int{512}
	}
	if len(windows) > 1 && len(windows) != len(layers) {
		c.fail("attention_window", "found %d windows for %d layers, expected one each", len(windows), len(layers))
		return
	}
	for i := range layers {
		w := windows[i%len(windows)]
		if w < 2 || w%2 != 0 {
			c.fail("attention_window", "found %d, expected an even number: both sides of a token", w)
			return
		}
		layers[i].Attention.Mechanism = window(w / 2)
	}
}

// window is the text form of a window of w tokens on each side.
func window(w int) string { return fmt.Sprintf("window(%d)", w) }
