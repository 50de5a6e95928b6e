package mechanism

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/pattern"
)

// bigBird is BigBird as transformers computes it in evaluation: softmax over the window and the global blocks, where each random block of a
// row is the first block. The first block so counts 1 + random times. Sequences of up to 5 + 2·random blocks are seen whole.
type bigBird struct{ block, random uint64 }

// maxBlock keeps the largest length of a short sequence, (5 + 2·maxRandom)·maxBlock, inside pattern.MaxTokens.
const maxBlock, maxRandom = 1 << 19, 256

// full is the length up to which sequences are seen whole.
func (k *bigBird) full() int { return int(5+2*k.random) * int(k.block) }

func (k *bigBird) check() error {
	switch {
	case k.block < 1 || k.block > maxBlock:
		return fmt.Errorf("mechanism: found blocks of %d tokens of bigbird_eval, expected 1 to %d; 64 is usual", k.block, maxBlock)
	case k.random > maxRandom:
		return fmt.Errorf("mechanism: found %d random blocks of bigbird_eval, expected 0 to %d; 3 is usual", k.random, maxRandom)
	}
	return nil
}

// pattern is that of the paper without random blocks.
func (k *bigBird) pattern() pattern.Pattern {
	return pattern.Or(pattern.BigBird(int(k.block), 3, 2, 0, 0), pattern.Short(k.full()))
}

func (k *bigBird) layer(c Config) (Layer, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	switch {
	case c.Causal:
		return nil, errors.New("mechanism: found bigbird_eval in a causal layer, expected a bidirectional one: its last block sees the whole " +
			"sequence; use causal patterns such as causal & window(512)")
	case c.Cross:
		return nil, errors.New("mechanism: found bigbird_eval in cross-attention or beside a memory, expected a sequence over itself")
	case c.Terms.ALiBi || c.Terms.T5 != nil || c.Terms.Relative:
		return nil, errors.New("mechanism: found a bias beside bigbird_eval, which adds to the scores itself; use the position encoding " +
			"learned, rotary or none")
	}
	l := newSoftmaxLayer(c)
	l.c.Bias = attention.Repeat{Block: int(k.block), Times: 1 + int(k.random), Longer: k.full()}
	_, err := attention.New(l.c, nil)
	return l, err
}
