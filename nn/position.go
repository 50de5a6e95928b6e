package nn

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/tensor"
)

// Position is a position encoding.
type Position uint8

// The position encodings.
const (
	NoPosition Position = iota // none: a causal mechanism can learn positions
	Learned                    // a table added to the embeddings
	Rotary                     // queries and keys rotated by their position (Su et al. 2021)
	ALiBi                      // a slope by distance (Press et al. 2021)
	T5                         // a learned bias by bucket of distance (Raffel et al. 2020)
	Relative                   // Transformer-XL's terms by distance (Dai et al. 2019)
)

var positionNames = [...]string{"none", "learned", "rotary", "alibi", "t5", "relative"}

// String is the name that ParsePosition reads.
func (p Position) String() string {
	if int(p) < len(positionNames) {
		return positionNames[p]
	}
	return fmt.Sprintf("position(%d)", uint8(p))
}

// ParsePosition reads none, learned, rotary, alibi, t5 or relative.
func ParsePosition(name string) (Position, error) {
	for i, n := range positionNames {
		if n == name {
			return Position(i), nil
		}
	}
	return 0, fmt.Errorf("nn: position encoding %q is not known; use one of %v", name, positionNames)
}

// T5's buckets, as in the paper (Raffel et al. 2020, arXiv:1910.10683, section 2.1).
const (
	T5Buckets     = 32
	T5MaxDistance = 128
)

// distances is the encoding of the distances first … first+rows−1: sines in the first half of a row, cosines in the second, of
// distance·10000^(−2k/width). Distances beyond most count as most, if that is not 0. Vaswani et al. 2017, section 3.5, with the halves of
// Transformer-XL.
func (p *Pass) distances(first, rows, width, most int) *autograd.Var {
	if p.encoded != nil && p.encodedFirst == first && p.encodedMost == most && p.encoded.Rows() == rows && p.encoded.Cols() == width {
		return p.encoded
	}
	half := width / 2
	p.encodedFirst, p.encodedMost = first, most
	p.encoded = p.borrow(rows, width, func(m tensor.Mat) {
		for i := range rows {
			row, distance := m.Row(i), first+i
			if most > 0 {
				distance = min(distance, most)
			}
			for k := range half {
				sin, cos := math.Sincos(float64(distance) * math.Pow(10000, -float64(k)/float64(half)))
				row[k], row[half+k] = float32(sin), float32(cos)
			}
		}
	})
	return p.encoded
}
