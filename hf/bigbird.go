package hf

import (
	"fmt"
	"math"
)

// bigBird is BERT whose tokens see blocks: those around their own, the first and the last, and random ones (Zaheer et al. 2020,
// arXiv:2007.14062). transformers draws random blocks in training alone, and takes the first block for each of them in evaluation. So does
// the mechanism bigbird_eval, which counts the first block 1 + num_random_blocks times.
func bigBird(c *config, in request) (*built, error) {
	b := newBuilt(in)
	t := c.task(in.bodyOnly, maskedLM, classify, tag)
	p := b.names.prefix(c, "embeddings.word_embeddings.weight", "bert.", "")
	c.bertBody(b, bertNames{prefix: p, activation: "gelu_new"})
	c.off("is_decoder", "add_cross_attention")
	c.expect("use_bias", c.flag("use_bias", true), true)
	if c.flag("rescale_embeddings", false) {
		b.spec.Embed.Scale = math.Sqrt(float64(b.spec.Width))
	}
	m := c.blockSparse()
	for i := range b.spec.Layers {
		b.spec.Layers[i].Attention.Mechanism = m
	}
	switch t {
	case maskedLM:
		b.bertMaskedHead(c, "gelu_new")
	case classify:
		b.denseClassifier(c, t, c.activation("hidden_act", "gelu_new"))
	case tag:
		b.tagger(c, t)
	case body:
		b.names.ignore(`cls\..*|classifier\..*`, headNotUsed)
	}
	b.names.ignore(`(bert\.)?pooler\..*`, "the pooler, which reads the first token for a head that the model does not have")
	return b, c.first
}

// The bounds of bigbird_eval.
const maxBlock, maxRandomBlocks = 1 << 19, 256

// blockSparse is the mechanism of BigBird's encoders: attention_type, block_size and num_random_blocks.
func (c *config) blockSparse() string {
	block, random := c.integer("block_size", 64), c.integer("num_random_blocks", 3)
	switch kind := c.text("attention_type", "block_sparse"); {
	case kind == "original_full":
		return "full"
	case kind != "block_sparse":
		c.fail("attention_type", "found %q, expected block_sparse or original_full", kind)
	case block < 1 || block > maxBlock:
		c.fail("block_size", "found %d, expected 1 to %d", block, maxBlock)
	case random < 0 || random > maxRandomBlocks:
		c.fail("num_random_blocks", "found %d, expected 0 to %d", random, maxRandomBlocks)
	default:
		if random > 0 {
			c.mechanism = fmt.Sprintf("the first block counts %d times, as transformers counts it in evaluation: it draws random blocks in "+
				"training alone. --attention 'bigbird(block=%d, random=%d) | short(%d)' draws them, and --attention full shows all tokens to all",
				1+random, block, random, (5+2*random)*block)
		}
		return fmt.Sprintf("bigbird_eval(block=%d, random=%d)", block, random)
	}
	return "full"
}
