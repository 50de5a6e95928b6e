// Package rankcheck has computations over ranks whose results must have the same bits over every engine. Tests of engines and
// longspan verify ranks run them.
package rankcheck

import (
	"fmt"
	"hash/fnv"

	"github.com/longspan/longspan/parallel"
)

// Check is a computation that all ranks make together.
type Check struct {
	Name, About string
	// Run returns a hash of all that the rank has received and computed. It may depend on the rank and on the number of ranks.
	Run func(e parallel.Engine) (hash uint64, err error)
	// Unsplit is set where shards of a rank cannot make the computation: it uses channels, which parallel.Split needs itself.
	Unsplit bool
}

// Engines lists the checks of the engines themselves.
func Engines() []Check {
	return []Check{
		{Name: "sum", About: "sums of float32 and float64 over all ranks", Run: sums},
		{Name: "gather", About: "every rank gets the pieces of all, some of them empty", Run: gather},
		{Name: "all-to-all", About: "every rank sends each other one a piece of another length", Run: allToAll},
		{Name: "mix", About: "random exchanges, several at a time, awaited in another order",
			Run: func(e parallel.Engine) (uint64, error) { return mix(e, 1) }},
		{Name: "channels", About: "the same over several channels",
			Run: func(e parallel.Engine) (uint64, error) { return mix(e, 3) }, Unsplit: true},
	}
}

// Over runs c over e, with that many shards on each rank; 0 is e itself. It returns the hashes of all ranks or shards, to every rank.
func Over(e parallel.Engine, c Check, shards int) ([]uint64, error) {
	engines := []parallel.Engine{e}
	if shards > 0 {
		var err error
		if engines, err = parallel.Split(e, e.Size()*shards); err != nil {
			return nil, err
		}
	}
	own, err := run(engines, c)
	if err != nil {
		return nil, err
	}
	parts := make([][]uint64, e.Size())
	for r := range parts {
		parts[r] = make([]uint64, len(own))
	}
	copy(parts[e.Rank()], own)
	if err := parallel.AllGather(e, "hashes of "+c.Name, parts); err != nil {
		return nil, err
	}
	var all []uint64
	for _, p := range parts {
		all = append(all, p...)
	}
	return all, nil
}

// Reference runs c over n goroutines of this process, and returns the hash of each.
func Reference(c Check, n int) ([]uint64, error) { return run(parallel.Local(n), c) }

// run runs c on a goroutine for each engine. Where one fails, the others are ended.
func run(engines []parallel.Engine, c Check) ([]uint64, error) {
	hashes := make([]uint64, len(engines))
	err := parallel.Each(engines, func(i int, e parallel.Engine) (err error) {
		hashes[i], err = c.Run(e)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	return hashes, nil
}

// Join makes one hash of several, for a table.
func Join(hashes []uint64) uint64 {
	h := fnv.New64a()
	for _, v := range hashes {
		fmt.Fprintf(h, "%016x", v)
	}
	return h.Sum64()
}
