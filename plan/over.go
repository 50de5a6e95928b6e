package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// Over is what ranks and shards add to the estimate of a job. A step takes the memory of the rank that needs the most, and lasts as long as
// its slowest rank: each number is of the rank that has the most of it.
type Over struct {
	Ranks    int `json:"ranks"`
	Shards   int `json:"shards"`          // of the batches of a step
	Data     int `json:"data_shards"`     // Shards is their product with the next two
	Sequence int `json:"sequence_shards"` // shards that have parts of one sequence
	Tensor   int `json:"tensor_shards"`   // shards that have parts of the features of each layer

	Fullest int   `json:"fullest_rank"`      // has Estimate.Bytes
	Slowest int   `json:"slowest_rank"`      // has Estimate.Cost
	Further int64 `json:"further_gradients"` // bytes of the gradients of further shards, which Bytes.Gradients contains

	Receiver int             `json:"receiving_rank"`   // exchanges the most
	Exchange parallel.Counts `json:"exchange"`         // of a step, within layers and for losses
	Chain    parallel.Counts `json:"chain"`            // of a step, of the ranks before: exchanges that this rank's wait for
	Sums     parallel.Counts `json:"sums"`             // of a step, of gradients
	ByName   []Exchange      `json:"exchange_by_name"` // both by their purpose, the most bytes first
	Layers   []LayerExchange `json:"layers,omitempty"` // of sequences that ranks share
}

// Exchange is all exchanges of a step for one purpose.
type Exchange struct {
	Name string `json:"name"`
	parallel.Counts
}

// over reports whether the job is walked by shards.
func (j Job) over() bool { return j.ranks() > 1 || j.Train.Shards > 1 }

// ranks is the number of ranks.
func (j Job) ranks() int { return max(1, j.Ranks) }

// sharded is j with a shard for each rank, unless it has its own number of shards.
func (j Job) sharded() Job {
	if j.ranks() > 1 {
		j.Train.Shards = cmp.Or(j.Train.Shards, j.Ranks)
	}
	return j
}

// overRanks walks a step of the ranks that may need the most, and adds what it takes to e. x has the pool with the weights, the gradients
// and the state of the optimiser.
func (j Job) overRanks(x tensor.Exec, m *model.Model, e Estimate) (Estimate, error) {
	w := newWalker(j, m)
	var full, slow, busy rankWalk
	for i, rank := range j.candidates() {
		r, err := w.rank(x, rank)
		if err != nil {
			return e, err
		}
		if i == 0 || r.peak > full.peak {
			full = r
		}
		if i == 0 || r.cost.Flops() > slow.cost.Flops() {
			slow = r
		}
		if i == 0 || r.engine.Counts.Received > busy.engine.Counts.Received {
			busy = r
		}
	}
	e.Bytes.Gradients += full.further
	e.Bytes.Activations = full.between
	e.Bytes.Scratch = full.peak - e.Bytes.Pool()
	e.Cost = slow.cost
	split := j.Train.Split()
	e.Over = &Over{Ranks: j.ranks(), Shards: j.Train.Shards, Data: split.Data, Sequence: split.Sequence,
		Tensor: split.Tensor, Fullest: full.rank, Slowest: slow.rank,
		Further: full.further, Receiver: busy.rank}
	e.Over.count(busy.engine)
	var err error
	if e.Over.Layers, err = j.layers(x, m, busy.rank); err != nil {
		return e, err
	}
	e.Over.Chain = j.chain(e.Over.Layers)
	return e, nil
}

// chain counts the exchanges that wait for each other from rank to rank, but the one that is a rank's own: linear attention hands on sums.
func (j Job) chain(layers []LayerExchange) (all parallel.Counts) {
	split := j.Train.Split()
	each := j.Train.Shards / j.ranks()
	hops := (split.Team()+each-1)/each - 2   // between the ranks of a sequence, without one
	recomputed, _, _ := j.Model.Recomputed() // Check has found it right
	for _, l := range layers {
		if l.Mode != mechanism.Sums || hops < 1 {
			continue
		}
		for _, i := range l.Layers {
			passes := []parallel.Counts{l.Forward, l.Backward}
			if i < recomputed {
				passes = append(passes, l.Forward)
			}
			for _, pass := range passes {
				hop := parallel.Counts{Received: pass.Received, Messages: 1, Exchanges: 1}
				all.Add(hop.Times(int64(hops * j.Train.Accumulate / split.Data)))
			}
		}
	}
	return all
}

// count takes over the counts of a rank.
func (o *Over) count(e *parallel.Counter) {
	for _, name := range slices.Sorted(maps.Keys(e.ByName)) {
		c := e.ByName[name]
		if c == (parallel.Counts{}) {
			continue
		}
		if strings.HasPrefix(name, train.GradientSums) {
			o.Sums.Add(c)
		} else {
			o.Exchange.Add(c)
		}
		o.ByName = append(o.ByName, Exchange{name, c})
	}
	slices.SortStableFunc(o.ByName, func(a, b Exchange) int { return cmp.Compare(b.Received, a.Received) })
}
