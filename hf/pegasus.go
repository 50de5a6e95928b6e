package hf

import "math"

// pegasus is Pegasus: BART with norms before each branch and after each stack, no norm of the embeddings, and positions of sines and
// cosines (Zhang et al. 2020, arXiv:1912.08777). Files may leave the positions out.
func pegasus(c *config, in request) (*built, error) {
	positions := sidePositions{key: "max_position_embeddings"}
	return c.seq2seq(in, seq2seq{body: "model.", source: positions, target: positions, scaled: true, preNorm: true, sinusoidal: true})
}

// sinusoid is the row of a position in a table of sines, in the first half of the columns, and cosines of position / 10000^(2i/columns)
// (Vaswani et al. 2017, arXiv:1706.03762, section 3.5, where they alternate). Of an odd number of columns, sines have one more.
func sinusoid(position int, row []float32) {
	sines := (len(row) + 1) / 2
	for i := range row {
		k, f := i, math.Sin
		if i >= sines {
			k, f = i-sines, math.Cos
		}
		row[i] = float32(f(float64(position) / math.Pow(10000, float64(2*k)/float64(len(row)))))
	}
}
