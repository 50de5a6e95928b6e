package model

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// CanShare returns an error for a model whose rows of a batch cannot lie on several ranks: one that carries a memory, joins segments,
// reads a source, or has summaries of blocks or heads that depend on each other.
func CanShare(s *Spec) error {
	if s.Kind != Encoder && s.Kind != Decoder {
		return fmt.Errorf("model: found sequences shared by several shards for a model of kind %s, expected an encoder or a decoder; give every "+
			"shard whole batches: train.sequence_shards: 1, and train.accumulate: a multiple of train.shards", s.Kind)
	}
	for i, l := range s.Layers {
		if l.Attention.HasSummaries() {
			return fmt.Errorf("model: found sequences shared by several shards for a model whose layer %d has summaries of blocks (%s), "+
				"expected another mechanism; give every shard whole batches: train.sequence_shards: 1", i, l.Attention.Mechanism)
		}
		m, err := mechanism.Parse(l.Attention.Mechanism)
		if err == nil {
			err = m.Together()
		}
		if err != nil {
			return fmt.Errorf("model: layer %d: %w", i, err)
		}
	}
	return nil
}

// gather returns the rows of all ranks, of which rank r has rows cuts[r] … cuts[r+1]−1. It takes own.
func (s *Session) gather(own tensor.Mat, cuts []int) (tensor.Mat, error) {
	defer s.x.Pool.Put(own)
	rank, last := s.ranks.Rank(), len(cuts)-1
	if own.Rows != cuts[rank+1]-cuts[rank] {
		return tensor.Mat{}, fmt.Errorf("model: found %d rows on rank %d, expected %d", own.Rows, rank, cuts[rank+1]-cuts[rank])
	}
	all := s.x.Pool.Get(own.Type, cuts[last], own.Cols)
	copyElements(all.SliceRows(cuts[rank], cuts[rank+1]), own)
	err := parallel.AllGatherRows(s.ranks, "results", all, cuts)
	if err != nil {
		s.x.Pool.Put(all)
		return tensor.Mat{}, err
	}
	return all, nil
}

// tokenCuts are the rows of each rank in a result that has one for each token.
func tokenCuts(s *parallel.Share, _ []int32) []int { return s.Cuts }

// headCuts are the rows of each rank in the outputs of the head, where each rank has those of its tokens or of the sequences that it owns.
func (m *Model) headCuts(s *parallel.Share, tokens []int32) []int {
	if !m.spec.Head.OfSequences() {
		return s.Cuts
	}
	cuts := make([]int, len(s.Cuts))
	_, rows := m.pooledRows(&nn.Pass{Lengths: s.Lengths}, tokens)
	for _, row := range rows {
		cuts[s.Owner(int(row))+1]++
	}
	for r := 1; r < len(cuts); r++ {
		cuts[r] += cuts[r-1]
	}
	return cuts
}

// checkTensor refuses a model whose features so many ranks cannot share.
func (m *Model) checkTensor(ranks int) error {
	if err := CanShare(&m.spec); err != nil {
		return err
	}
	for i, b := range m.blocks {
		if err := errors.Join(b.attention.CheckTensor(ranks), b.forward.CheckTensor(ranks)); err != nil {
			return fmt.Errorf("model: layer %d: %w", i, err)
		}
	}
	return nil
}

// keepPart leaves the targets of this rank of e: an even part of them.
func (t *targets) keepPart(e parallel.Engine) {
	if e == nil {
		return
	}
	n := max(len(t.classes), t.values.Rows)
	lo, hi := parallel.Cut(n, 1, e.Size(), e.Rank())
	rows, places := make([]int32, 0, hi-lo), make([]int32, 0, hi-lo)
	for k := lo; k < hi; k++ {
		row := int32(k)
		if t.rows != nil {
			row = t.rows[k]
		}
		rows, places = append(rows, row), append(places, int32(t.place(k)))
	}
	if t.values.Rows > 0 {
		t.values = t.values.SliceRows(lo, hi)
	} else {
		t.classes = t.classes[lo:hi]
	}
	t.rows, t.places = rows, places
	t.losses, t.best = roomLike(t.losses, hi-lo), roomLike(t.best, hi-lo)
}

// AttentionLayers are the mechanisms of the layers in which a sequence attends to itself, of the decoder of an encoder-decoder.
func (m *Model) AttentionLayers() []mechanism.Layer {
	all := make([]mechanism.Layer, len(m.blocks))
	for i, b := range m.blocks {
		all[i] = b.attention.Layer()
	}
	return all
}

// shares is the state of training over shares of batches, of each engine: shards that run side by side have one each.
type shares struct {
	mu sync.Mutex
	of map[parallel.Engine]*progress
}

// get returns the state of an engine.
func (s *shares) get(e parallel.Engine) *progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[parallel.Engine]*progress{}
	}
	if s.of[e] == nil {
		s.of[e] = &progress{}
	}
	return s.of[e]
}

// TrainShare is Train of the part of b that this shard of a team computes. It adds its share of the gradient to grads, by the names of the
// weights, and returns its share of the loss. All shards of the team call it with the same batch and pass. Several goroutines may call it
// side by side, each with a team of its own.
func (m *Model) TrainShare(x tensor.Exec, b *data.Batch, p data.Pass, team parallel.Team, grads map[string]tensor.Mat) (float64, error) {
	run, err := shareOf(b, team)
	if err != nil {
		return 0, err
	}
	run.Backward, run.Scale, run.Seed, run.Grads = true, p.Weight, p.Mix(), grads
	state := m.shares.get(team.All)
	result, err := m.step(state, x, b, run, &state.memory)
	return result.Loss, err
}

// EvalShare is Eval of the part of b that this shard of a team computes. The loss and the number of correct targets are its share of those
// of the batch. All shards of the team call it.
func (m *Model) EvalShare(x tensor.Exec, b *data.Batch, place int, team parallel.Team) (data.Outcome, error) {
	run, err := shareOf(b, team)
	if err != nil {
		return data.Outcome{}, err
	}
	return m.eval(m.shares.get(team.All), x, b, run, place)
}

// shareOf says which part of b a shard has.
func shareOf(b *data.Batch, team parallel.Team) (o StepOptions, err error) {
	if team.Tensor.Size() > 1 {
		o.Tensor = team.Tensor
	}
	if team.Sequence.Size() > 1 && b != nil {
		o.Share, err = parallel.NewShare(team.Sequence, b.Lengths)
	}
	return o, err
}

// checkShare refuses a share of another batch, and kinds whose rows cannot be shared.
func (m *Model) checkShare(b *data.Batch, s *parallel.Share) error {
	if s == nil {
		return nil
	}
	if !slices.Equal(s.Lengths, b.Lengths) {
		return fmt.Errorf("model: found a share of sequences of %v tokens for a batch of %v, expected that of the batch", s.Lengths, b.Lengths)
	}
	return CanShare(&m.spec)
}

// keepOwn leaves the targets of the rows of p. What is counted stays the number of the whole batch.
func (m *Model) keepOwn(p *nn.Pass, in inputs, t *targets) {
	if p.Share == nil {
		return
	}
	rowOf := m.rowsOf(p, in)
	if m.spec.Head.Kind == Regress {
		t.keepValues(rowOf)
		return
	}
	var classes, rows []int32
	places := []int32{} // not nil, even if it stays empty
	for k, c := range t.classes {
		place := t.place(k)
		if row, ok := rowOf(place); ok {
			classes, rows, places = append(classes, c), append(rows, row), append(places, int32(place))
		}
	}
	t.classes, t.rows, t.places = classes, rows, places
	t.losses, t.best = roomLike(t.losses, len(classes)), roomLike(t.best, len(classes))
}

// rowsOf finds the row in the input of the head, on this rank, of a target of the whole batch: a token or a sequence.
func (m *Model) rowsOf(p *nn.Pass, in inputs) func(place int) (row int32, ok bool) {
	if !m.spec.Head.OfSequences() {
		lo, hi := p.Share.Own()
		return func(place int) (int32, bool) { return int32(place - lo), lo <= place && place < hi }
	}
	own, _ := m.pooledRows(p, in.tokens)
	return func(place int) (int32, bool) {
		i, ok := slices.BinarySearch(own, place)
		return int32(i), ok
	}
}

// keepValues leaves the numbers of the sequences that this rank owns, in their order.
func (t *targets) keepValues(rowOf func(int) (int32, bool)) {
	var own []float32
	for s, v := range t.values.F32 {
		if _, ok := rowOf(s); ok {
			own = append(own, v)
		}
	}
	t.values = tensor.Mat{Type: tensor.F32, Rows: len(own), Cols: 1, Stride: 1, F32: own}
}
