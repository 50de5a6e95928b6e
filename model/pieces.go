package model

// piece is a chunk of a text: it reads tokens [from, to) and answers for [keepFrom, keepTo). Tokens are counted from the first one that
// may be cut. Package attention/chunk cuts at borders where a window keeps every bit; here a chunk has special tokens of its own, as a
// document has, so that no border does.
type piece struct{ from, to, keepFrom, keepTo int }

// cut cuts tokens into as few pieces of size tokens as share at least overlap tokens with each neighbour. Pieces lie at equal distances.
// A token is kept by the piece in which it stands farthest from a border with another piece; where tokens see nothing after them, only the
// border before it counts. size must be more than overlap.
func cut(tokens, size, overlap int, causal bool) []piece {
	if tokens <= size {
		return []piece{{0, tokens, 0, tokens}}
	}
	n := 1 + (tokens-size+size-overlap-1)/(size-overlap)
	pieces := make([]piece, n)
	for i := range pieces {
		from := int(int64(i) * int64(tokens-size) / int64(n-1))
		pieces[i] = piece{from: from, to: from + size}
	}
	kept := 0
	for i := range pieces {
		p := &pieces[i]
		p.keepFrom, p.keepTo = kept, tokens
		switch {
		case i == n-1:
		case causal:
			p.keepTo = p.to
		default:
			p.keepTo = (pieces[i+1].from + p.to) / 2
		}
		kept = p.keepTo
	}
	return pieces
}

// shared is the least number of tokens that neighbours share.
func shared(pieces []piece) int {
	least := 0
	for i := 1; i < len(pieces); i++ {
		if n := pieces[i-1].to - pieces[i].from; i == 1 || n < least {
			least = n
		}
	}
	return least
}
