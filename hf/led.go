package hf

// led is the encoder-decoder of Longformer: BART's layers, with windows in the encoder, and global tokens that have projections of their
// own (Beltagy et al. 2020, arXiv:2004.05150, section 7). attention_window counts both sides. Positions begin at row 0, not at BART's 2. No
// token is global unless it is asked for.
func led(c *config, in request) (*built, error) {
	b, err := c.seq2seq(in, seq2seq{body: "led.", embedNorms: true, attention: nameLEDAttention,
		source: sidePositions{key: "max_encoder_position_embeddings"}, target: sidePositions{key: "max_decoder_position_embeddings"}})
	if err != nil {
		return nil, err
	}
	c.longformerWindows(b.spec.Source.Layers)
	b.names.ignore(`.*\.longformer_self_attn\.(query|key|value)_global\.(weight|bias)`,
		"projections of global tokens, of which the model has none")
	b.secondProjections = true
	b.withoutGlobals = "no token is global. transformers has none by itself, and the cards of these models ask for the first one: --global 0"
	return b, c.first
}

// nameLEDAttention names the attention of layer i of the encoder.
func nameLEDAttention(n *names, i int, p string) {
	p += "self_attn."
	theirs := p + "longformer_self_attn."
	n.linear(sourceLayer(i, "attention.qkv"), theirs+"query", theirs+"key", theirs+"value")
	n.linear(sourceLayer(i, "attention.out"), p+"output")
	n.linear(sourceLayer(i, "attention.global_q"), theirs+"query_global")
	n.linear(sourceLayer(i, "attention.global_kv"), theirs+"key_global", theirs+"value_global")
}
