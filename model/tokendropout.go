package model

// tokenFactors are the factors of the token vectors of sequences, 0 for a mask token. A sequence of mask tokens alone has no other vector.
func tokenFactors(d *TokenDropout, lengths []int, tokens []int32) []float32 {
	factors := make([]float32, 0, len(tokens))
	for _, n := range lengths {
		sequence := tokens[len(factors):][:n]
		masks := 0
		for _, token := range sequence {
			if token == d.Mask {
				masks++
			}
		}
		factor := float32((1 - d.Trained) * float64(n) / float64(max(1, n-masks)))
		for _, token := range sequence {
			if token == d.Mask {
				factors = append(factors, 0)
				continue
			}
			factors = append(factors, factor)
		}
	}
	return factors
}
