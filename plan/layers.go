package plan

import (
	"cmp"
	"sync"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// LayerExchange is what each of some equal layers of attention exchanges for one batch, on one rank.
type LayerExchange struct {
	Layers    []int           `json:"layers"` // from 0
	Mechanism string          `json:"mechanism"`
	Mode      string          `json:"mode"` // of [mechanism.Mode]
	Why       string          `json:"why"`
	Forward   parallel.Counts `json:"forward"` // a layer that is recomputed makes it twice
	Backward  parallel.Counts `json:"backward"`

	layer mechanism.Layer
	heads int // key/value heads
}

// layers counts the exchanges of the layers of a rank. A rank with several shards of a sequence has the sum of their exchanges with other
// ranks.
func (j Job) layers(x tensor.Exec, m *model.Model, rank int) ([]LayerExchange, error) {
	split := j.Train.Split()
	if split.Sequence == 1 {
		return nil, nil
	}
	w := &layerWalker{Model: m, all: equalLayers(m), rank: rank, split: split, each: j.Train.Shards / j.ranks()}
	j.Train.Accumulate = split.Data
	x.Pool = tensor.NewDryPool()
	for i := range w.all {
		w.at = i
		batches := make([]data.Batch, split.Data)
		for k := range batches {
			batches[k].Lengths = j.Lengths
		}
		if err := train.DryGradient(j.Train, x, parallel.Dry(rank, j.ranks()), w, batches); err != nil {
			return nil, err
		}
	}
	return w.all, nil
}

// equalLayers groups the layers of a model that exchange the same.
func equalLayers(m *model.Model) (all []LayerExchange) {
	known := map[string]int{}
	for i, l := range m.AttentionLayers() {
		at, ok := known[l.Key()]
		if !ok {
			at = len(all)
			known[l.Key()] = at
			a := m.Spec().Layers[i].Attention
			all = append(all, LayerExchange{Mechanism: a.Mechanism, layer: l, heads: cmp.Or(a.KVHeads, a.Heads)})
		}
		all[at].Layers = append(all[at].Layers, i)
	}
	return all
}

// layerWalker is a model that has one layer of attention alone.
type layerWalker struct {
	*model.Model
	mu         sync.Mutex
	all        []LayerExchange
	at         int // the layer
	rank, each int // each: shards of a rank
	split      train.Split
}

// TrainShare walks the layer forward and backward.
func (w *layerWalker) TrainShare(x tensor.Exec, b *data.Batch, p data.Pass, team parallel.Team, _ map[string]tensor.Mat) (float64, error) {
	far := func(shard int) bool { return (p.Part*w.split.Team()+shard)/w.each != w.rank }
	count := &farCounter{Engine: team.All, far: far}
	core, err := w.core(count, b.Lengths)
	if err != nil {
		return 0, err
	}
	in, out, grads := w.matrices(core)
	if err := core.Forward(x, out, in); err != nil {
		return 0, err
	}
	forward := count.counts
	count.counts = parallel.Counts{}
	if err := core.Backward(x, grads, out.O, out, in); err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all[w.at].Forward.Add(forward)
	w.all[w.at].Backward.Add(count.counts)
	return 1, nil
}

// core is the layer of a shard: of its heads, over its rows.
func (w *layerWalker) core(e parallel.Engine, lengths []int) (mechanism.Core, error) {
	team, err := parallel.NewTeam(e, w.split.Tensor)
	if err != nil {
		return nil, err
	}
	layer := w.all[w.at].layer
	if n := team.Tensor.Size(); n > 1 {
		lo, hi := parallel.Cut(w.all[w.at].heads, 1, n, team.Tensor.Rank())
		if layer, err = mechanism.HeadsOf(layer, lo, hi); err != nil {
			return nil, err
		}
	}
	share, err := parallel.NewShare(team.Sequence, lengths)
	if err != nil {
		return nil, err
	}
	mode, why := mechanism.Mode(layer, share)
	w.mu.Lock()
	w.all[w.at].Mode, w.all[w.at].Why = mode, why
	w.mu.Unlock()
	return mechanism.Over(layer, share)
}

// matrices are those of a core, without data.
func (w *layerWalker) matrices(c mechanism.Core) (in mechanism.In, out mechanism.Out, g mechanism.Grads) {
	dry := func(t tensor.Type, rows, cols int) tensor.Mat {
		return tensor.Mat{Type: t, Rows: rows, Cols: cols, Stride: cols}
	}
	t, widths := w.Policy().Activations, c.Widths()
	queries, keys := dry(t, c.Queries(), widths.Q), dry(t, c.Keys(), widths.KV)
	in.In = attention.In{Q: queries, K: keys, V: keys}
	out.O = queries
	for _, s := range c.Saved() {
		out.Saved = append(out.Saved, dry(tensor.F32, s.Rows, s.Cols))
	}
	for _, l := range c.Learned() {
		in.Learned = append(in.Learned, dry(tensor.F32, l.Rows, l.Cols))
	}
	return in, out, mechanism.Grads{DQ: queries, DK: keys, DV: keys, Learned: in.Learned}
}

// farCounter counts the parts of a shard that go to other ranks, or come from them.
type farCounter struct {
	parallel.Engine
	far    func(shard int) bool
	counts parallel.Counts
}

func (c *farCounter) Begin(name string, send, recv []parallel.Part) parallel.Pending {
	c.counts.Add(parallel.CountParts(c.only(send), c.only(recv)))
	return c.Engine.Begin(name, send, recv)
}

// only are the parts of other ranks.
func (c *farCounter) only(parts []parallel.Part) (far []parallel.Part) {
	for _, p := range parts {
		if c.far(p.Rank) {
			far = append(far, p)
		}
	}
	return far
}
