package nn

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// Tensor parallelism of a block (Shoeybi et al. 2019, arXiv:1909.08053, section 3). A rank computes some heads of the attention and some
// hidden features of the feed-forward layer. The two output projections give sums over the ranks.

// hiddenUnit is what a rank's hidden features are multiples of: a line of the cache.
const hiddenUnit = 16

// firstOfTensor reports whether this rank counts what all ranks of p.Tensor compute alike.
func (p *Pass) firstOfTensor() bool { return p.Tensor == nil || p.Tensor.Rank() == 0 }

// once is w on the first rank, and nil on the others.
func (p *Pass) once(w *tensor.Param) *autograd.Var {
	if w == nil || !p.firstOfTensor() {
		return nil
	}
	return p.PartLeaf(w)
}

// CheckTensor refuses a layer that so many ranks cannot share.
func (f *FeedForward) CheckTensor(ranks int) error {
	if hidden := f.Down.Weight.Value.Cols; hidden < hiddenUnit*ranks {
		return fmt.Errorf("nn: found %d hidden features for %d ranks, expected at least %d a rank", hidden, ranks, hiddenUnit)
	}
	return nil
}

// applyTensor is Apply of this rank's hidden features, and the sum over the ranks.
func (f *FeedForward) applyTensor(p *Pass, x *autograd.Var) *autograd.Var {
	hidden := f.Down.Weight.Value.Cols
	lo, hi := parallel.Cut(hidden, hiddenUnit, p.Tensor.Size(), p.Tensor.Rank())
	spans := []autograd.Span{{From: lo, To: hi}}
	if f.kind.Gated() {
		spans = append(spans, autograd.Span{From: hidden + lo, To: hidden + hi})
	}
	x = p.G.CopyOver(p.Tensor, "gradients of a feed-forward layer", x)
	h := p.G.Activate(p.G.LinearRows(x, p.PartLeaf(f.Up.Weight), p.PartLeaf(f.Up.Bias), spans), f.kind)
	y := p.G.LinearCols(h, p.PartLeaf(f.Down.Weight), p.once(f.Down.Bias), autograd.Span{From: lo, To: hi})
	return p.G.SumOver(p.Tensor, "outputs of a feed-forward layer", y)
}

// CheckTensor refuses a layer that so many ranks cannot share.
func (a *Attention) CheckTensor(ranks int) error {
	switch {
	case a.c.KVHeads < ranks:
		return fmt.Errorf("nn: found %d key/value heads for %d ranks, expected at least one a rank", a.c.KVHeads, ranks)
	case a.c.Cross || a.values != nil || a.global != nil || len(a.layer.Learned()) > 0:
		return errors.New("nn: found a layer with cross-attention, a memory, copy heads, global projections, sinks, learned biases or taps, " +
			"expected none of them where ranks share features; share sequences or batches instead")
	}
	return nil
}

// applyTensor is Apply of this rank's heads, and the sum over the ranks.
func (a *Attention) applyTensor(p *Pass, x *autograd.Var) *autograd.Var {
	c, group := a.c, a.c.Heads/a.c.KVHeads
	lo, hi := parallel.Cut(c.KVHeads, 1, p.Tensor.Size(), p.Tensor.Rank())
	layer, err := mechanism.HeadsOf(a.layer, lo, hi)
	if err != nil {
		return p.G.Fail(err)
	}
	core, err := p.compile(layer)
	if err != nil {
		return p.G.Fail(err)
	}
	q := autograd.Span{From: lo * group * c.HeadDim, To: hi * group * c.HeadDim}
	k, v := c.Heads*c.HeadDim, (c.Heads+c.KVHeads)*c.HeadDim
	spans := []autograd.Span{q, {From: k + lo*c.HeadDim, To: k + hi*c.HeadDim}, {From: v + lo*c.HeadDim, To: v + hi*c.HeadDim}}
	x = p.G.CopyOver(p.Tensor, "gradients of attention", x)
	qkv := p.G.LinearRows(x, p.PartLeaf(a.qkv.Weight), p.PartLeaf(a.qkv.Bias), spans)
	if a.qNorm != nil {
		qkv = p.G.HeadNorm(qkv, c.QKNorm, autograd.HeadWeight{Weight: p.PartLeaf(a.qNorm), Heads: (hi - lo) * group},
			autograd.HeadWeight{Weight: p.PartLeaf(a.kNorm), Heads: hi - lo})
	}
	qkv = a.rotate(p, qkv, (hi-lo)*(group+1)*c.HeadDim, p.Positions())
	y := p.G.LinearCols(p.G.Attention(core, qkv), p.PartLeaf(a.out.Weight), p.once(a.out.Bias), q)
	return p.G.SumOver(p.Tensor, "outputs of attention", y)
}
