package model

import (
	"encoding/binary"
	"fmt"
	"math"
)

// EmbedState is how far the vectors of texts are. Vectors that go on from it have the bits of those that never stopped: sums are kept
// whole, and tokens are added in the same order.
type EmbedState struct {
	Texts  int `json:"texts"`            // whose vectors are done
	Pieces int `json:"pieces,omitempty"` // chunks of the next text that are done
	// Sums are those of the passages of that text: for each its features and then its weight, little-endian float64.
	Sums []byte `json:"sums,omitempty"`
}

// state is how far the documents of k are.
func (k *embedder) state() EmbedState {
	s := EmbedState{Texts: k.texts, Pieces: k.taken}
	if k.taken == 0 {
		return s
	}
	for _, sum := range k.sums[k.under] {
		for _, v := range sum.total {
			s.Sums = binary.LittleEndian.AppendUint64(s.Sums, math.Float64bits(v))
		}
		s.Sums = binary.LittleEndian.AppendUint64(s.Sums, math.Float64bits(sum.weight))
	}
	return s
}

// restore sets the sums of d, the document that a state stopped in.
func (k *embedder) restore(d *document) error {
	from, sums := k.o.From, k.sums[d]
	size := 8 * (len(k.row) + 1)
	if from.Pieces < 0 || from.Pieces >= len(d.pieces) || len(from.Sums) != min(from.Pieces, 1)*len(sums)*size {
		return fmt.Errorf("found a state of %d chunks and %d bytes of sums for a text of %d chunks and %d passages, expected the state of this "+
			"text", from.Pieces, len(from.Sums), len(d.pieces), len(sums))
	}
	if from.Pieces == 0 {
		return nil
	}
	d.done = from.Pieces
	for i := range sums {
		row := from.Sums[i*size:]
		for j := range sums[i].total {
			sums[i].total[j] = math.Float64frombits(binary.LittleEndian.Uint64(row[8*j:]))
		}
		sums[i].weight = math.Float64frombits(binary.LittleEndian.Uint64(row[size-8:]))
	}
	return nil
}
