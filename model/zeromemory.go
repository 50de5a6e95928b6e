package model

import (
	"github.com/longspan/longspan/nn"
)

// zeroMemory is the number of tokens of zeros in the memory of a new sequence.
func (m *Model) zeroMemory() int {
	if m.spec.ZeroMemory {
		return m.spec.Memory
	}
	return 0
}

// fillZeros appends the keys and values of the memory of a new sequence to the cache of a block.
func (g *Generation) fillZeros(b *block, c *nn.Cache) error {
	n := g.m.zeroMemory()
	if n == 0 {
		return nil
	}
	p := g.pass([]int{n}, nil)
	defer p.Close()
	x := finish(p, b.norms[0].input, p.Zeros(g.m.policy.Activations, n, g.m.spec.Width))
	return b.attention.AppendKeys(p, x, c)
}
