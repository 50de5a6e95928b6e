package hf

// bart is BART: post-norm layers, learned positions that begin at row 2 of their tables, and norms of the embeddings (Lewis et al. 2019,
// arXiv:1910.13461).
func bart(c *config, in request) (*built, error) {
	positions := sidePositions{key: "max_position_embeddings", first: 2}
	return c.seq2seq(in, seq2seq{body: "model.", source: positions, target: positions, embedNorms: true, scaled: true})
}

// mbart is mBART: BART with norms before each branch and after each stack (Liu et al. 2020, arXiv:2001.08210). A text ends with the token
// of its language.
func mbart(c *config, in request) (*built, error) {
	positions := sidePositions{key: "max_position_embeddings", first: 2}
	return c.seq2seq(in, seq2seq{body: "model.", source: positions, target: positions, embedNorms: true, scaled: true, preNorm: true})
}
