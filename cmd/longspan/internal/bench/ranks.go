package bench

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/parallel/launch"
	"github.com/longspan/longspan/tensor"
)

// Ranks is a measurement of exchanges between ranks.
type Ranks struct {
	Sizes []int64 // bytes; see rankOperations
	Runs  int     // of which the median counts
}

// RanksTable is what was measured, with the ranks that took part.
type RanksTable struct {
	Library string        `json:"library"` // "": goroutines
	Ranks   []launch.Rank `json:"ranks"`
	Rows    []RanksRow    `json:"rows"`
}

// RanksRow is one operation at one size.
type RanksRow struct {
	Operation  string  `json:"operation"`
	Bytes      int64   `json:"bytes"`
	Seconds    float64 `json:"seconds"` // of one operation on the slowest rank, median of the runs
	SecondsMin float64 `json:"seconds_min"`
	SecondsMax float64 `json:"seconds_max"`
	GBps       float64 `json:"gb_per_second"` // that a rank sends, in 1e9 bytes
}

// RankOperations describes the operations, a line each.
const RankOperations = `  send-receive  rank 0 sends to the last rank and that sends back: half the time of both
  ring          every rank sends to the next and receives from the one before, at once
  all-to-all    every rank sends an equal part to each other one
  sum           the sum of a vector of float32 over all ranks, to all of them: sends 2·(R−1)/R of it
`

// rankOperation is one operation. make returns what one call does, after its buffers have been made, and the bytes that a rank sends.
type rankOperation struct {
	name   string
	halves bool // a call is two operations, one after the other
	make   func(e parallel.Engine, bytes int64) (call func() error, sent int64)
}

var rankOperations = []rankOperation{
	{"send-receive", true, sendReceive},
	{"ring", false, ring},
	{"all-to-all", false, allToAll},
	{"sum", false, sum},
}

// largestExchange bounds a size: larger ones are mistyped.
const largestExchange = 1 << 30

// Check returns an error for sizes and runs out of range, and a *memory.Error where the buffers would not fit.
func (r Ranks) Check(ranksOfProcess int) error {
	if err := checkRuns(0, r.Runs); err != nil {
		return err
	}
	for _, n := range r.Sizes {
		if n < 4 || n > largestExchange {
			return fmt.Errorf("bench: found an exchange of %d bytes, expected 4 to %s", n, memory.Format(largestExchange))
		}
	}
	return memory.Check("the largest exchange", memory.Product(3, int(slices.Max(r.Sizes)), ranksOfProcess))
}

// Run measures on all ranks, which call it together. All get the same rows.
func (r Ranks) Run(w *launch.World, tell Progress) (RanksTable, error) {
	if w.Size() < 2 {
		return RanksTable{}, errors.New("bench: found one rank, expected two or more; start more with mpirun -n, or --local")
	}
	table := RanksTable{Library: w.Library, Ranks: w.Ranks}
	all, done := len(rankOperations)*len(r.Sizes), 0
	for _, o := range rankOperations {
		for _, bytes := range r.Sizes {
			tell.tell(done, all)
			row, err := r.measure(w, o, bytes)
			if err != nil {
				return table, err
			}
			table.Rows = append(table.Rows, row)
			done++
		}
	}
	tell.tell(done, all)
	return table, nil
}

func (r Ranks) measure(e parallel.Engine, o rankOperation, bytes int64) (RanksRow, error) {
	call, sent := o.make(e, bytes)
	once := 0.0
	for range 2 { // the first call connects the ranks
		var err error
		if once, err = slowest(e, 1, call); err != nil {
			return RanksRow{}, err
		}
	}
	repeat := repeats(once) // all ranks have the same time
	times := make([]float64, r.Runs)
	for i := range times {
		var err error
		if times[i], err = slowest(e, repeat, call); err != nil {
			return RanksRow{}, err
		}
		if o.halves {
			times[i] /= 2
		}
	}
	slices.Sort(times)
	median := times[len(times)/2]
	return RanksRow{
		Operation: o.name, Bytes: bytes, Seconds: median, SecondsMin: times[0], SecondsMax: times[len(times)-1],
		GBps: float64(sent) / median / 1e9,
	}, nil
}

// slowest calls an operation several times after all ranks have come, and returns the seconds of one call on the slowest rank.
func slowest(e parallel.Engine, repeat int, call func() error) (float64, error) {
	if err := parallel.SumFloat64(e, "start of a measurement", []float64{0}); err != nil {
		return 0, err
	}
	start := time.Now()
	for range repeat {
		if err := call(); err != nil {
			return 0, err
		}
	}
	own := time.Since(start).Seconds() / float64(repeat)
	times := make([][]float64, e.Size())
	for i := range times {
		times[i] = make([]float64, 1)
	}
	times[e.Rank()][0] = own
	err := parallel.AllGather(e, "times of a measurement", times)
	for _, t := range times {
		own = max(own, t[0])
	}
	return own, err
}

func sendReceive(e parallel.Engine, bytes int64) (func() error, int64) {
	last, data := e.Size()-1, make([]byte, bytes)
	other := map[int]int{0: last, last: 0}
	return func() error {
		peer, ok := other[e.Rank()]
		if !ok {
			return nil
		}
		part := []parallel.Part{{Rank: peer, Data: data}}
		if e.Rank() == 0 {
			if err := e.Begin("send", part, nil).Wait(); err != nil {
				return err
			}
			return e.Begin("receive", nil, part).Wait()
		}
		if err := e.Begin("receive", nil, part).Wait(); err != nil {
			return err
		}
		return e.Begin("send", part, nil).Wait()
	}, bytes
}

func ring(e parallel.Engine, bytes int64) (func() error, int64) {
	to, from := (e.Rank()+1)%e.Size(), (e.Rank()-1+e.Size())%e.Size()
	send, recv := []parallel.Part{{Rank: to, Data: make([]byte, bytes)}}, []parallel.Part{{Rank: from, Data: make([]byte, bytes)}}
	return func() error { return e.Begin("ring", send, recv).Wait() }, bytes
}

func allToAll(e parallel.Engine, bytes int64) (func() error, int64) {
	each := (bytes + int64(e.Size()) - 2) / int64(e.Size()-1)
	out, in := make([][]byte, e.Size()), make([][]byte, e.Size())
	for r := range out {
		if r != e.Rank() {
			out[r], in[r] = make([]byte, each), make([]byte, each)
		}
	}
	return func() error { return parallel.AllToAll(e, "all-to-all", out, in) }, each * int64(e.Size()-1)
}

func sum(e parallel.Engine, bytes int64) (func() error, int64) {
	x, pool := make([]float32, bytes/4), tensor.NewPool()
	ranks := int64(e.Size())
	return func() error { return parallel.Sum(e, pool, "sum", x) }, 2 * (ranks - 1) * bytes / ranks
}
