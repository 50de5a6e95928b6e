package model

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// contrast is Step of a model whose head has a [Contrast]. Sequences 2i and 2i+1 of the batch are query i and its passage; the passages of
// the other queries are its negatives.
//
// The gradient is exact, and the memory that of the longest text: all texts are run forward for their vectors, the loss gives the gradient
// at the vectors, and each text is then run again, forward and backward from that gradient (Gao et al. 2021, arXiv:2101.06983,
// "GradCache"). The price is a second forward pass. Short texts share one, up to the tokens of the longest.
func (s *Session) contrast(b *data.Batch, r StepOptions) (result Result, err error) {
	m := s.m
	if err := m.acquire(); err != nil {
		return result, err
	}
	defer m.release()
	if err := m.checkPairs(b, r); err != nil {
		return result, err
	}
	pairs := b.Sequences() / 2
	c := contraster{s: s, b: b, r: r, chunks: chunksOf(b.Lengths)}
	c.vectors = s.x.Pool.Get(tensor.F32, 2*pairs, m.spec.Outputs())
	defer s.x.Pool.Put(c.vectors)
	if r.Backward {
		c.gradient = s.x.Pool.Get(tensor.F32, 2*pairs, m.spec.Outputs())
		defer s.x.Pool.Put(c.gradient)
	}
	defer c.close()
	for k := range c.chunks {
		if err := c.forward(k); err != nil {
			return result, err
		}
		c.read()
	}
	loss := s.infoNCE(c.vectors, c.gradient, r)
	for k := len(c.chunks) - 1; r.Backward && k >= 0; k-- { // the last one is still there
		if err := c.backward(k); err != nil {
			return result, err
		}
	}
	c.close()
	return Result{Loss: loss, Targets: pairs, Cost: c.cost, ActivationBytes: c.between}, nil
}

// checkPairs refuses a batch that is not pairs, and what a loss over all pairs of a batch cannot share.
func (m *Model) checkPairs(b *data.Batch, r StepOptions) error {
	if err := m.checkStep(b, r); err != nil {
		return err
	}
	n := b.Sequences()
	switch {
	case r.Share != nil || r.Tensor != nil:
		return errors.New("model: found a batch of pairs that several shards share, expected whole batches: all pairs of a batch meet in the " +
			"loss; use train.sequence_shards: 1, and train.accumulate: a multiple of train.shards")
	case n%2 != 0:
		return fmt.Errorf("model: found %d sequences, expected pairs: query, passage, query, passage …", n)
	}
	if got := len(r.Ranks); r.Ranks != nil && got != n/2 {
		return fmt.Errorf("model: found room for %d ranks, expected none or %d: one for each pair", got, n/2)
	}
	return r.checkRoom(n / 2)
}

// chunk is some neighbouring sequences of a batch.
type chunk struct {
	from, to           int // sequences
	tokenFrom, tokenTo int
}

// chunksOf cuts a batch into chunks of as many tokens as the longest sequence has, or fewer.
func chunksOf(lengths []int) (chunks []chunk) {
	longest := 0
	for _, n := range lengths {
		longest = max(longest, n)
	}
	var now chunk
	for i, n := range lengths {
		if now.tokenTo-now.tokenFrom+n > longest {
			chunks = append(chunks, now)
			now = chunk{i, i, now.tokenTo, now.tokenTo}
		}
		now.to, now.tokenTo = i+1, now.tokenTo+n
	}
	return append(chunks, now)
}

// contraster runs the chunks of a batch.
type contraster struct {
	s                 *Session
	b                 *data.Batch
	r                 StepOptions
	chunks            []chunk
	vectors, gradient tensor.Mat // of all sequences; no gradient without a backward pass

	// The chunk whose graph is open; nil: none.
	pass   *nn.Pass
	at     int
	vector *autograd.Var
	loss   *autograd.Var

	cost    autograd.Cost
	between int64
}

// forward runs chunk k, and keeps its graph.
func (c *contraster) forward(k int) error {
	c.close()
	n, b := c.chunks[k], &data.Batch{}
	b.Tokens, b.Lengths = c.b.Tokens[n.tokenFrom:n.tokenTo], c.b.Lengths[n.from:n.to]
	if len(c.b.Types) > 0 {
		b.Types = c.b.Types[n.tokenFrom:n.tokenTo]
	}
	run := StepOptions{Backward: c.r.Backward, Scale: c.r.Scale, Grads: c.r.Grads, Seed: data.Mix(c.r.Seed + uint64(k))}
	p, in, err := c.s.begin(b, run)
	if err != nil {
		return err
	}
	c.pass, c.at = p, k
	m := c.s.m
	c.vector = p.G.Keep(m.vectors(p, m.pooled(p, m.hidden(p, in))))
	if c.r.Backward {
		c.loss = p.G.Keep(p.G.Dot(c.vector, c.gradient.SliceRows(n.from, n.to)))
	}
	return p.G.Forward()
}

// read copies the vectors of the open chunk.
func (c *contraster) read() {
	n, v := c.chunks[c.at], c.vector.Value()
	for i := range v.Rows {
		if !v.Dry() {
			v.ReadRow(c.vectors.Row(n.from+i), i)
		}
	}
}

// backward adds the gradient of chunk k.
func (c *contraster) backward(k int) error {
	if c.pass == nil || c.at != k {
		if err := c.forward(k); err != nil {
			return err
		}
	}
	return c.pass.G.Backward(c.loss, c.r.derivative())
}

// close ends the open graph.
func (c *contraster) close() {
	if c.pass == nil {
		return
	}
	c.cost.Add(c.pass.G.Cost())
	c.between = max(c.between, c.pass.G.PeakBetween())
	c.pass.Close()
	c.pass = nil
}
