package parallel_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// each runs f on a goroutine for each engine.
func each(engines []parallel.Engine, f func(e parallel.Engine) error) error {
	errs := make([]error, len(engines))
	var all sync.WaitGroup
	for i, e := range engines {
		all.Go(func() { errs[i] = f(e) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// splits are the shards of n on ranks of one process.
func splits(t *testing.T, ranks, n int) []parallel.Engine {
	t.Helper()
	var all []parallel.Engine
	for _, e := range parallel.Local(ranks) {
		shards, err := parallel.Split(e, n)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, shards...)
	}
	return all
}

// TestSum checks that all shards get the bits of the tree, on any number of ranks.
func TestSum(t *testing.T) {
	const shards = 12
	for _, n := range []int{0, 1, 15, 100, 4097} {
		want := tree(shards, n)
		for _, ranks := range []int{1, 2, 3, 4, 6, 12} {
			err := each(splits(t, ranks, shards), func(e parallel.Engine) error {
				x := numbers(e.Rank(), n)
				if err := parallel.Sum(e, nil, "test", x); err != nil {
					return err
				}
				if !slices.Equal(x, want) {
					return fmt.Errorf("%d numbers on %d ranks: shard %d has another sum than the tree", n, ranks, e.Rank())
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
}

func numbers(rank, n int) []float32 {
	r := rand.New(rand.NewPCG(7, uint64(rank)))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// tree adds the numbers of all ranks by halves: ((0+1)+(2+3)) + ….
func tree(ranks, n int) []float32 {
	var sum func(lo, width int) []float32
	sum = func(lo, width int) []float32 {
		if width == 1 {
			return numbers(lo, n)
		}
		x := sum(lo, width/2)
		if lo+width/2 < ranks {
			for i, v := range sum(lo+width/2, width/2) {
				x[i] += v
			}
		}
		return x
	}
	width := 1
	for width < ranks {
		width *= 2
	}
	return sum(0, width)
}

func TestAllGather(t *testing.T) {
	err := each(splits(t, 2, 4), func(e parallel.Engine) error {
		parts := make([][]int32, 4)
		for r := range parts {
			parts[r] = make([]int32, r) // one part is empty
		}
		for i := range parts[e.Rank()] {
			parts[e.Rank()][i] = int32(e.Rank())
		}
		if err := parallel.AllGather(e, "test", parts); err != nil {
			return err
		}
		if got := fmt.Sprint(parts); got != "[[] [1] [2 2] [3 3 3]]" {
			return fmt.Errorf("got %s", got)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestOtherLength checks that a part of another length than expected ends all ranks with an error that names both.
func TestOtherLength(t *testing.T) {
	errs := make([]error, 3)
	var all sync.WaitGroup
	for i, e := range parallel.Local(3) {
		all.Go(func() {
			buffer := make([]byte, 4+i)
			var send, recv []parallel.Part
			switch i {
			case 0:
				send = []parallel.Part{{Rank: 1, Data: buffer}}
			case 1:
				recv = []parallel.Part{{Rank: 0, Data: buffer}}
			case 2:
				recv = []parallel.Part{{Rank: 0, Data: buffer}} // never sent
			}
			errs[i] = e.Begin("keys", send, recv).Wait()
		})
	}
	all.Wait()
	if errs[1] == nil || !strings.Contains(errs[1].Error(), "keys: rank 0 sent 4 bytes to rank 1, which expected 5") {
		t.Errorf("rank 1: %v", errs[1])
	}
	if errs[2] == nil || !strings.Contains(errs[2].Error(), "the run was ended") {
		t.Errorf("rank 2: %v", errs[2])
	}
}

func TestRefusals(t *testing.T) {
	e := parallel.Local(2)[0]
	for _, c := range []struct {
		part parallel.Part
		want string
	}{
		{parallel.Part{Rank: 2}, "rank 2, channel 0, on rank 0 of 2"},
		{parallel.Part{Rank: 0}, "rank 0, channel 0, on rank 0 of 2"},
		{parallel.Part{Rank: 1, Channel: 40000}, "channel 40000"},
	} {
		if err := e.Begin("test", []parallel.Part{c.part}, nil).Wait(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, expected %q", c.part, err, c.want)
		}
	}
	for _, shards := range []int{0, 3, 364} {
		if _, err := parallel.Split(e, shards); err == nil {
			t.Errorf("%d shards of 2 ranks were taken", shards)
		}
	}
}

// counting is an engine that moves, and counts what it moves.
type counting struct {
	parallel.Engine
	counts parallel.Counts
}

func (c *counting) Begin(name string, send, recv []parallel.Part) parallel.Pending {
	c.counts.Add(parallel.CountParts(send, recv))
	return c.Engine.Begin(name, send, recv)
}

// TestDry checks that what is counted of a dry sum is what a sum moves, and that both take the same memory, of all ranks.
func TestDry(t *testing.T) {
	for _, n := range []int{0, 1, 64, 1000} {
		for _, ranks := range []int{2, 3, 4} {
			err := each(parallel.Local(ranks), func(e parallel.Engine) error {
				c, pool := &counting{Engine: e}, tensor.NewPool()
				if err := parallel.Sum(c, pool, "gradients", make([]float32, n)); err != nil {
					return err
				}
				dry, dryPool := parallel.Dry(e.Rank(), ranks), tensor.NewDryPool()
				m := tensor.Mat{Type: tensor.F32, Rows: 1, Cols: n, Stride: n}
				if err := parallel.SumMat(dry, dryPool, "gradients", m); err != nil {
					return err
				}
				if dry.Counts != c.counts || dry.Counts.Messages != int64(2*(ranks-1)) || dryPool.Peak() != pool.Peak() {
					return fmt.Errorf("%d numbers, rank %d of %d: counted %+v and %d bytes, moved %+v with %d bytes", n, e.Rank(), ranks,
						dry.Counts, dryPool.Peak(), c.counts, pool.Peak())
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// TestDryShards checks that the shards of a rank count what goes to other ranks, and wait for each other.
func TestDryShards(t *testing.T) {
	host := parallel.Dry(1, 2)
	shards, err := parallel.Split(host, 4)
	if err != nil {
		t.Fatal(err)
	}
	err = each(shards, func(e parallel.Engine) error {
		var send, recv []parallel.Part
		for r := range 4 {
			if r != e.Rank() {
				send, recv = append(send, parallel.Part{Rank: r, Dry: 10}), append(recv, parallel.Part{Rank: r, Dry: 10})
			}
		}
		return e.Begin("keys", send, recv).Wait()
	})
	if err != nil {
		t.Fatal(err)
	}
	want := parallel.Counts{Sent: 40, Received: 40, Messages: 4, Exchanges: 2}
	if host.Counts != want || host.ByName["keys"] != want {
		t.Errorf("counted %+v, by name %+v, expected %+v", host.Counts, host.ByName, want)
	}
}

func TestBroadcast(t *testing.T) {
	for n := 1; n <= 9; n++ {
		err := each(parallel.Local(n), func(e parallel.Engine) error {
			var text []byte
			if e.Rank() == 0 {
				text = []byte("step 7")
			}
			got, err := parallel.BroadcastBytes(e, "state", text)
			if err == nil && string(got) != "step 7" {
				err = fmt.Errorf("rank %d of %d got %q", e.Rank(), n, got)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestSub checks sums in groups of two of four shards, beside sums of all.
func TestSub(t *testing.T) {
	err := each(splits(t, 2, 4), func(e parallel.Engine) error {
		group, err := parallel.Sub(e, []int{e.Rank() % 2, e.Rank()%2 + 2})
		if err != nil {
			return err
		}
		x, all := []float64{float64(e.Rank())}, []float64{float64(e.Rank())}
		if err := parallel.SumFloat64(group, "group", x); err != nil {
			return err
		}
		if err := parallel.SumFloat64(e, "all", all); err != nil {
			return err
		}
		if want := float64(2*(e.Rank()%2) + 2); x[0] != want || all[0] != 6 {
			return fmt.Errorf("shard %d: got %g of the group and %g of all, expected %g and 6", e.Rank(), x[0], all[0], want)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := parallel.Sub(parallel.Local(4)[0], []int{1, 2}); err == nil {
		t.Error("a group without this rank was taken")
	}
}
