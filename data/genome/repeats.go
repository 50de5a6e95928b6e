package genome

import (
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
)

// MaxRepeats is the largest share of a window that can repeat others: the half that leaves the other to be repeated.
const MaxRepeats = 0.5

// Lengths of planted repeats: from what is hardly ever met twice by chance (there are 4 billion 16-mers) to that of a gene.
const (
	shortestRepeat = 16
	doublings      = 6 // the longest is 16·2⁶ − 1
)

// plantRepeats overwrites spans of tokens with copies of earlier ones, until about share of all are copies. Genomes are full
// of repeats (mobile elements, ribosomal genes), but few windows are: a model that sees more of them learns sooner to look back for
// the last place that read as this one does, at any distance, and to go on as it did there.
//
// A repeat has 16 to 1,023 bases, as often 16 to 31 as 512 to 1,023, lies anywhere and copies what ends anywhere before it. In every
// second one each base is changed with probability 1/16, as repeats age.
func plantRepeats(tokens []int32, share float64, r *data.Random) {
	for left := int(share * float64(len(tokens))); left >= shortestRepeat; {
		n := shortestRepeat << r.IntN(doublings)
		n = min(n+r.IntN(n), left, len(tokens)/2)
		if n < shortestRepeat {
			return
		}
		at := n + r.IntN(len(tokens)-2*n+1)
		from := r.IntN(at - n + 1)
		copy(tokens[at:at+n], tokens[from:from+n])
		if r.IntN(2) == 0 {
			age(tokens[at:at+n], r)
		}
		left -= n
	}
}

// age changes each base that is known with probability 1/16 to another.
func age(tokens []int32, r *data.Random) {
	for i, t := range tokens {
		if r.IntN(16) == 0 && t != int32(dna.N) {
			tokens[i] = (t + 1 + int32(r.IntN(3))) % 4
		}
	}
}
