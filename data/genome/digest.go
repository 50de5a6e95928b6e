package genome

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"

	"github.com/longspan/longspan/data/dna"
)

// Digest is the SHA-256 of the bases of sequences, in order, and of their genes where these are given. It depends
// neither on names and files nor on upper and lower case. The cost is that of a hash of a quarter of a byte a base.
func Digest(sequences []*dna.Sequence, genes []*Annotation) string {
	h := sha256.New()
	for _, s := range sequences {
		s.Hash(h)
	}
	for _, a := range genes {
		a.hash(h)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// digestOnce is Digest, computed when it is first asked for.
func digestOnce(sequences []*dna.Sequence) func() string {
	return sync.OnceValue(func() string { return Digest(sequences, nil) })
}
