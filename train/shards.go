package train

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// A step over shards. The batches of a step are cut into Config.Shards shards: data shards have whole batches, sequence shards have some
// rows of each batch, and tensor shards some features of each layer. The gradient is a binary tree of sums over the shards, each formed
// from zero. A rank holds neighbouring shards, and their part of the tree. So the bits depend on the number of shards, and not on the
// number of ranks.

// ShareModel is a Model that can compute shares of a batch; *model.Model is one.
type ShareModel interface {
	Model

	// TrainShare adds the share of the gradient of b that this shard of a team has to grads, by the names of the weights, and returns its
	// share of the mean loss. Goroutines call it side by side, each with a team of its own.
	TrainShare(x tensor.Exec, b *data.Batch, p data.Pass, team parallel.Team, grads map[string]tensor.Mat) (loss float64, err error)

	// EvalShare predicts the part of b that this shard of a team has: the loss and the correct targets are its share.
	EvalShare(x tensor.Exec, b *data.Batch, place int, team parallel.Team) (data.Outcome, error)
}

// Split is how the shards of a step are laid out: shard (d·Sequence + s)·Tensor + t has rows s and features t of the batches of data
// shard d.
type Split struct{ Data, Sequence, Tensor int }

// Team is the shards that compute a batch together.
func (s Split) Team() int { return s.Sequence * s.Tensor }

// AllShards is the number of shards of c.
func (c Config) AllShards() int {
	if c.Shards > 0 {
		return c.Shards
	}
	return max(1, c.SequenceShards) * max(1, c.TensorShards)
}

// Split is the layout of the shards of c. Check has found it possible.
func (c Config) Split() Split {
	tensor := max(1, c.TensorShards)
	shards := c.AllShards() / tensor
	if c.SequenceShards > 0 {
		return Split{shards / c.SequenceShards, c.SequenceShards, tensor}
	}
	data := shards
	for shards%data != 0 || c.Accumulate%data != 0 {
		data--
	}
	return Split{data, shards / data, tensor}
}

// shards are the shards of a step that this rank holds.
type shards struct {
	ranks  parallel.Engine // of the processes
	split  Split
	model  ShareModel
	groups []shardGroup // in the order of their numbers
	params []*tensor.Param
	own    map[string]tensor.Mat   // the gradients of params
	free   []map[string]tensor.Mat // further gradients
	stop   bool                    // some rank was asked to stop, at the last step
}

// shardGroup are the shards of one data shard that this rank holds.
type shardGroup struct {
	data  int
	teams []parallel.Team // of each shard
}

// newShards lays out the shards of c on the ranks of e; nil for one shard.
func newShards(c Config, e parallel.Engine, m Model) (*shards, error) {
	if e == nil {
		e = parallel.Local(1)[0]
	}
	if c.AllShards() == 1 && e.Size() == 1 {
		return nil, nil
	}
	held, err := parallel.Split(e, c.AllShards())
	if err != nil {
		return nil, inputError{fmt.Errorf("train.shards: %w", err)}
	}
	model, ok := m.(ShareModel)
	if !ok {
		return nil, inputError{errors.New("the model cannot be trained by shards; set train.shards to 1")}
	}
	if n := c.AllShards(); n&(n-1) != 0 && e.Size() != 1 && e.Size() != n {
		return nil, inputError{fmt.Errorf("train.shards is %d on %d ranks; use a power of two, or as many ranks as shards, "+
			"so that the order of sums does not depend on the ranks", n, e.Size())}
	}
	s := &shards{ranks: e, split: c.Split(), model: model, params: m.Params(), own: map[string]tensor.Mat{}}
	for _, p := range s.params {
		s.own[p.Name] = p.Grad
	}
	return s, s.group(held)
}

// group makes the engines of the data shards.
func (s *shards) group(held []parallel.Engine) error {
	for _, shard := range held {
		d := shard.Rank() / s.split.Team()
		ranks := make([]int, s.split.Team())
		for i := range ranks {
			ranks[i] = d*s.split.Team() + i
		}
		e, err := parallel.Sub(shard, ranks)
		if err != nil {
			return err
		}
		team, err := parallel.NewTeam(e, s.split.Tensor)
		if err != nil {
			return err
		}
		if n := len(s.groups); n == 0 || s.groups[n-1].data != d {
			s.groups = append(s.groups, shardGroup{data: d})
		}
		g := &s.groups[len(s.groups)-1]
		g.teams = append(g.teams, team)
	}
	return nil
}

// gradient computes the gradient of the batches over all shards, into the gradients of the weights on every rank. losses are those of the
// batches. stopping says that this rank was asked to stop; s.stop becomes true on all ranks if any was.
func (s *shards) gradient(x tensor.Exec, batches []data.Batch, passes []data.Pass, stopping bool) (losses []float64, err error) {
	losses = make([]float64, len(batches)+1)
	sums := gradientTree{shards: s, pool: x.Pool}
	defer sums.release()
	each := len(batches) / s.split.Data
	for _, g := range s.groups {
		first := g.data * each
		part := make([][]float64, len(g.teams))
		grads := make([]map[string]tensor.Mat, len(g.teams))
		for i := range grads {
			grads[i] = sums.take(x)
			part[i] = make([]float64, each)
		}
		err := s.sideBySide(g, func(i int, team parallel.Team) error {
			threads := s.threads(x, g)
			for k := range each {
				var err error
				if part[i][k], err = s.model.TrainShare(threads, &batches[first+k], passes[first+k], team, grads[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		for i := range grads {
			sums.push(x, grads[i])
		}
		parallel.Tree(part)
		copy(losses[first:], part[0])
	}
	sums.finish(x)
	if stopping {
		losses[len(batches)] = 1
	}
	if err := parallel.SumFloat64(s.ranks, "losses", losses); err != nil {
		return nil, err
	}
	s.stop = losses[len(batches)] > 0
	return losses[:len(batches)], s.sumRanks(x)
}

// threads is x for one shard of a group whose shards run side by side.
func (s *shards) threads(x tensor.Exec, g shardGroup) tensor.Exec {
	x.Threads = (pool.Threads(x.Threads) + len(g.teams) - 1) / len(g.teams)
	return x
}

// sideBySide runs f for every shard of a group.
func (s *shards) sideBySide(g shardGroup, f func(i int, team parallel.Team) error) error {
	engines := make([]parallel.Engine, len(g.teams))
	for i, team := range g.teams {
		engines[i] = team.All
	}
	return parallel.Each(engines, func(i int, _ parallel.Engine) error { return f(i, g.teams[i]) })
}

// GradientSums names the exchanges of the gradients, which a plan counts.
const GradientSums = "sums of gradients"

// sumRanks adds the gradients of all ranks, in buckets: a message has a price of its own.
func (s *shards) sumRanks(x tensor.Exec) error {
	if s.ranks.Size() == 1 {
		return nil
	}
	var bucket []tensor.Mat
	held := 0
	for _, p := range s.params {
		n := p.Grad.Rows * p.Grad.Cols
		if held > 0 && held+n > sumBucket {
			if err := s.sumTogether(x, bucket, held); err != nil {
				return err
			}
			bucket, held = bucket[:0], 0
		}
		bucket, held = append(bucket, p.Grad), held+n
	}
	return s.sumTogether(x, bucket, held)
}

// sumBucket is the elements of a bucket: 64 MiB, which take 26 ms on a network of 2.6 GB/s and so hide the latency of many ranks.
const sumBucket = 1 << 24

// sumTogether adds gradients of so many elements together.
func (s *shards) sumTogether(x tensor.Exec, bucket []tensor.Mat, elements int) error {
	switch len(bucket) {
	case 0:
		return nil
	case 1:
		return parallel.SumMat(s.ranks, x.Pool, GradientSums, bucket[0])
	}
	together := x.Pool.Get(tensor.F32, 1, elements)
	defer x.Pool.Put(together)
	at := 0
	for _, m := range bucket {
		at += copy(together.F32[min(at, len(together.F32)):], m.F32)
	}
	if err := parallel.SumMat(s.ranks, x.Pool, GradientSums, together); err != nil {
		return err
	}
	at = 0
	for _, m := range bucket {
		at += copy(m.F32, together.F32[min(at, len(together.F32)):])
	}
	return nil
}

// gradientTree adds gradients of neighbouring shards in a binary tree. It holds one for each level: a counter that carries.
type gradientTree struct {
	*shards
	pool  *tensor.Pool
	stack []treeNode
	taken []map[string]tensor.Mat // from the pool
	used  bool                    // the gradients of the weights are in the stack
}

type treeNode struct {
	grads  map[string]tensor.Mat
	shards int
}

// take returns gradients of zeros. The first are those of the weights.
func (t *gradientTree) take(x tensor.Exec) map[string]tensor.Mat {
	if !t.used {
		t.used = true
		clearAll(x, t.params, t.own)
		return t.own
	}
	if n := len(t.free); n > 0 {
		g := t.free[n-1]
		t.free = t.free[:n-1]
		clearAll(x, t.params, g)
		return g
	}
	g := map[string]tensor.Mat{}
	for _, p := range t.params {
		g[p.Name] = t.pool.GetZero(tensor.F32, p.Grad.Rows, p.Grad.Cols)
	}
	t.taken = append(t.taken, g)
	return g
}

// push adds the gradient of the next shard.
func (t *gradientTree) push(x tensor.Exec, g map[string]tensor.Mat) {
	t.stack = append(t.stack, treeNode{g, 1})
	for n := len(t.stack); n > 1 && t.stack[n-1].shards == t.stack[n-2].shards; n-- {
		t.join(x)
	}
}

// join adds the last node to the one before.
func (t *gradientTree) join(x tensor.Exec) {
	n := len(t.stack)
	a, b := t.stack[n-2], t.stack[n-1]
	for _, p := range t.params {
		addBlocks(x, a.grads[p.Name].F32, b.grads[p.Name].F32)
	}
	t.free = append(t.free, b.grads)
	t.stack = append(t.stack[:n-2], treeNode{a.grads, a.shards + b.shards})
}

// finish adds what is left. The sum is in the gradients of the weights, which were pushed first.
func (t *gradientTree) finish(x tensor.Exec) {
	for len(t.stack) > 1 {
		t.join(x)
	}
}

// release gives the further gradients back to the pool.
func (t *gradientTree) release() {
	for _, g := range t.taken {
		for _, p := range t.params {
			t.pool.Put(g[p.Name])
		}
	}
	t.shards.free = nil
}

// addBlock is the elements of one piece of an addition.
const addBlock = 1 << 15

// addBlocks adds from to to.
func addBlocks(x tensor.Exec, to, from []float32) {
	pool.Run(x.Threads, (len(to)+addBlock-1)/addBlock, func(_, i int) {
		lo, hi := i*addBlock, min(len(to), (i+1)*addBlock)
		kernel.Add(to[lo:hi], to[lo:hi], from[lo:hi])
	})
}

func clearAll(x tensor.Exec, params []*tensor.Param, g map[string]tensor.Mat) {
	pool.Run(x.Threads, len(params), func(_, i int) { clear(g[params[i].Name].F32) })
}
