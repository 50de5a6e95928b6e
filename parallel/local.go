package parallel

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// Local returns the engines of n ranks that are goroutines of this process: the reference for all other engines.
func Local(n int) []Engine {
	w := newWorld()
	engines := make([]Engine, n)
	for i := range engines {
		engines[i] = &local{world: w, rank: i, size: n, sent: map[route]int{}, received: map[route]int{}}
	}
	return engines
}

// world is where the parts of goroutines meet.
type world struct {
	mu    sync.Mutex
	begun map[partKey]half // parts of which one rank has begun its exchange, and the other not yet
	once  sync.Once
	dead  chan struct{} // closed by abort
	why   error
}

// route is the way of a part.
type route struct{ from, to, channel int }

// partKey is the number of a part on its route.
type partKey struct {
	route
	number int
}

// half is what the sender or the receiver of a part has.
type half struct {
	data     []byte
	exchange *localPending
}

func newWorld() *world { return &world{begun: map[partKey]half{}, dead: make(chan struct{})} }

// meet gives the world one half of a part. The rank that comes second copies the part, so that no rank depends on the order in which
// another awaits its exchanges.
func (w *world) meet(k partKey, mine half, receiving bool) {
	w.mu.Lock()
	other, ok := w.begun[k]
	if !ok {
		w.begun[k] = mine
		w.mu.Unlock()
		return
	}
	delete(w.begun, k)
	w.mu.Unlock()
	from, to := other, mine
	if !receiving {
		from, to = mine, other
	}
	if len(from.data) != len(to.data) {
		err := fmt.Errorf("parallel: %s: rank %d sent %d bytes to rank %d, which expected %d",
			to.exchange.name, k.from, len(from.data), k.to, len(to.data))
		to.exchange.refuse(err)
		w.abort(err)
		return
	}
	copy(to.data, from.data)
	from.exchange.moved()
	to.exchange.moved()
}

// abort ends every exchange that waits.
func (w *world) abort(why error) {
	w.once.Do(func() {
		w.why = why
		close(w.dead)
	})
}

// local is one rank of a world.
type local struct {
	world          *world
	rank, size     int
	sent, received map[route]int // parts so far
}

func (l *local) Rank() int    { return l.rank }
func (l *local) Size() int    { return l.size }
func (l *local) Close() error { return nil }

func (l *local) Abort(_ int, why string) { l.world.abort(fmt.Errorf("rank %d: %s", l.rank, why)) }

func (l *local) Begin(name string, send, recv []Part) Pending {
	if err := CheckParts(l, name, send, recv); err != nil {
		return &done{err}
	}
	p := &localPending{world: l.world, name: name, all: make(chan struct{})}
	p.left.Store(int64(len(send) + len(recv) + 1)) // and this call
	for _, r := range recv {
		l.world.meet(number(l.received, route{r.Rank, l.rank, r.Channel}), half{r.Data, p}, true)
	}
	for _, s := range send {
		l.world.meet(number(l.sent, route{l.rank, s.Rank, s.Channel}), half{s.Data, p}, false)
	}
	p.moved()
	return p
}

// number counts a part on its route.
func number(count map[route]int, r route) partKey {
	count[r]++
	return partKey{r, count[r]}
}

// localPending is an exchange between goroutines.
type localPending struct {
	world  *world
	name   string
	left   atomic.Int64  // parts that have not moved
	all    chan struct{} // closed when none is left
	mu     sync.Mutex
	waited bool
	err    error
}

// moved counts a part that has been copied.
func (p *localPending) moved() {
	if p.left.Add(-1) == 0 {
		close(p.all)
	}
}

// refuse gives the exchange an error of its own. It is followed by the world's abort.
func (p *localPending) refuse(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.waited {
		p.err = err
	}
}

func (p *localPending) Wait() error {
	ended := false
	select {
	case <-p.all:
	case <-p.world.dead:
		ended = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if ended && !p.waited && p.err == nil {
		select {
		case <-p.all: // both have happened
		default:
			p.err = p.world.ended(p.name)
		}
	}
	p.waited = true
	return p.err
}

// ended is the error of an exchange that an abort has ended.
func (w *world) ended(name string) error {
	return fmt.Errorf("parallel: %s: %w: %w", name, ErrAborted, w.why)
}

// ErrAborted is wrapped by the error of an exchange that ended because some rank called Abort.
var ErrAborted = errors.New("the run was ended")

// done is an exchange that is over.
type done struct{ err error }

func (d *done) Wait() error { return d.err }

// CheckParts refuses ranks and channels that do not exist, and parts to the rank itself. Engines call it in Begin.
func CheckParts(e Engine, name string, lists ...[]Part) error {
	for _, parts := range lists {
		for _, p := range parts {
			if p.Rank < 0 || p.Rank >= e.Size() || p.Rank == e.Rank() || p.Channel < 0 || p.Channel > MaxChannel {
				return fmt.Errorf("parallel: %s: found a part of rank %d, channel %d, on rank %d of %d, expected another rank and a channel of 0 … %d",
					name, p.Rank, p.Channel, e.Rank(), e.Size(), MaxChannel)
			}
		}
	}
	return nil
}
