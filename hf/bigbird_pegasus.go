package hf

// bigBirdPegasus is the encoder-decoder of BigBird: bigBird's blocks in the encoder, norms before each branch and after each stack, and
// attention without biases (Zaheer et al. 2020, arXiv:2007.14062, section 4; layers of Zhang et al. 2019, arXiv:1912.08777). Positions are
// learned and begin at row 0. The norm after a stack has the name that BART gives the norm of the embeddings.
func bigBirdPegasus(c *config, in request) (*built, error) {
	positions := sidePositions{key: "max_position_embeddings"}
	b, err := c.seq2seq(in, seq2seq{body: "model.", source: positions, target: positions, preNorm: true, finalNorm: "layernorm_embedding",
		scaled: true, scaledByDefault: true, activation: "gelu_new", noBias: !c.flag("use_bias", false), attention: nameBigBirdAttention})
	if err != nil {
		return nil, err
	}
	m := c.blockSparse()
	for i := range b.spec.Source.Layers {
		b.spec.Source.Layers[i].Attention.Mechanism = m
	}
	return b, c.first
}

// nameBigBirdAttention names the attention of layer i of the encoder.
func nameBigBirdAttention(n *names, i int, p string) {
	p += "self_attn."
	n.linear(sourceLayer(i, "attention.qkv"), p+"self.query", p+"self.key", p+"self.value")
	n.linear(sourceLayer(i, "attention.out"), p+"output")
}
