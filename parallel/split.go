package parallel

import (
	"fmt"
	"sync"
)

// Split returns the engines of the shards that rank e.Rank() holds: shards/e.Size() of them, in the order of their numbers. Shard i is rank
// i of the engines that are returned, and all shards together are their size. Shards of one rank exchange their parts in memory, and those
// of different ranks over e, so that a computation over shards has the same bits on any number of ranks.
//
// Each shard must be used by a goroutine of its own, since one may wait for another. It returns an error where e.Size() does not divide
// shards, or a rank would hold more than 181: their pairs are the channels of e.
func Split(e Engine, shards int) ([]Engine, error) {
	if shards < 1 || shards%e.Size() != 0 {
		return nil, fmt.Errorf("parallel: found %d shards for %d ranks, expected a multiple of the ranks", shards, e.Size())
	}
	each := shards / e.Size()
	if each*each-1 > MaxChannel {
		return nil, fmt.Errorf("parallel: found %d shards a rank, expected at most 181; use more ranks", each)
	}
	h := &host{Engine: e, world: newWorld(), each: each}
	engines := make([]Engine, each)
	for i := range engines {
		rank := e.Rank()*each + i
		engines[i] = &shard{local{world: h.world, rank: rank, size: shards, sent: map[route]int{}, received: map[route]int{}}, h}
	}
	return engines, nil
}

// host is a rank with its shards.
type host struct {
	Engine
	mu    sync.Mutex // of Begin, which shards call side by side
	world *world
	each  int // shards of a rank
}

// shard is one shard of a rank.
type shard struct {
	local
	host *host
}

func (s *shard) Abort(code int, why string) {
	why = fmt.Sprintf("shard %d: %s", s.rank, why)
	s.world.abort(fmt.Errorf("%s", why))
	if s.host.Size() > 1 {
		s.host.Abort(code, why)
	}
}

func (s *shard) Begin(name string, send, recv []Part) Pending {
	if err := CheckParts(s, name, send, recv); err != nil {
		return &done{err}
	}
	var near, far [2][]Part
	for i, parts := range [][]Part{send, recv} {
		for _, p := range parts {
			if p.Channel != 0 {
				return &done{fmt.Errorf("parallel: %s: found channel %d of a shard, expected 0", name, p.Channel)}
			}
			if p.Rank/s.host.each == s.host.Rank() {
				near[i] = append(near[i], p)
				continue
			}
			from, to := s.rank, p.Rank
			if i == 1 {
				from, to = to, from
			}
			p.Channel, p.Rank = from%s.host.each*s.host.each+to%s.host.each, p.Rank/s.host.each
			far[i] = append(far[i], p)
		}
	}
	inside := s.local.Begin(name, near[0], near[1])
	if len(far[0])+len(far[1]) == 0 {
		return inside
	}
	s.host.mu.Lock()
	defer s.host.mu.Unlock()
	return &both{inside, s.host.Begin(name, far[0], far[1]), s.world}
}

// both is an exchange with shards of the same rank and of others.
type both struct {
	near, far Pending
	world     *world
}

// Wait passes an error of the ranks on to the other shards of this one: they may wait for this shard alone.
func (p *both) Wait() error {
	if err := p.near.Wait(); err != nil {
		return err
	}
	err := p.far.Wait()
	if err != nil {
		p.world.abort(err)
	}
	return err
}
