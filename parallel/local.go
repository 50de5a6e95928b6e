package parallel

import (
	"errors"
	"fmt"
	"sync"
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

// world is the mailboxes of goroutines that exchange parts.
type world struct {
	mu    sync.Mutex
	boxes map[letterKey]chan letter
	once  sync.Once
	dead  chan struct{} // closed by abort
	why   error
}

// route is the way of a part.
type route struct{ from, to, channel int }

// letterKey is the number of a part on its route.
type letterKey struct {
	route
	number int
}

// letter is a part that is offered. The receiver copies it and closes taken.
type letter struct {
	data  []byte
	taken chan struct{}
}

func newWorld() *world { return &world{boxes: map[letterKey]chan letter{}, dead: make(chan struct{})} }

// box returns the mailbox of a part. Sender and receiver each ask for it once.
func (w *world) box(k letterKey) chan letter {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, ok := w.boxes[k]
	if !ok {
		c = make(chan letter, 1)
		w.boxes[k] = c
		return c
	}
	delete(w.boxes, k)
	return c
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
	if err := checkParts(l, name, send, recv); err != nil {
		return &done{err}
	}
	p := &localPending{world: l.world, name: name, rank: l.rank, recv: recv}
	for _, s := range send {
		p.taken = append(p.taken, l.world.offer(l.number(l.sent, route{l.rank, s.Rank, s.Channel}), s.Data))
	}
	for _, r := range recv {
		p.from = append(p.from, l.world.box(l.number(l.received, route{r.Rank, l.rank, r.Channel})))
	}
	return p
}

// number counts a part on its route.
func (l *local) number(count map[route]int, r route) letterKey {
	count[r]++
	return letterKey{r, count[r]}
}

// offer puts data into its mailbox, and returns what is closed once they are copied.
func (w *world) offer(k letterKey, data []byte) chan struct{} {
	taken := make(chan struct{})
	w.box(k) <- letter{data, taken}
	return taken
}

// localPending is an exchange between goroutines.
type localPending struct {
	world  *world
	name   string
	rank   int
	recv   []Part
	from   []chan letter
	taken  []chan struct{}
	waited bool
	err    error
}

func (p *localPending) Wait() error {
	if !p.waited {
		p.waited, p.err = true, p.wait()
	}
	return p.err
}

func (p *localPending) wait() error {
	for i, c := range p.from {
		select {
		case l := <-c:
			r := p.recv[i]
			if len(l.data) != len(r.Data) {
				err := fmt.Errorf("parallel: %s: rank %d sent %d bytes to rank %d, which expected %d", p.name, r.Rank, len(l.data), p.rank, len(r.Data))
				p.world.abort(err)
				return err
			}
			copy(r.Data, l.data)
			close(l.taken)
		case <-p.world.dead:
			return p.world.ended(p.name)
		}
	}
	for _, taken := range p.taken {
		select {
		case <-taken:
		case <-p.world.dead:
			return p.world.ended(p.name)
		}
	}
	return nil
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

// checkParts refuses ranks and channels that do not exist, and parts to the rank itself.
func checkParts(e Engine, name string, lists ...[]Part) error {
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
