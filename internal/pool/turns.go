package pool

import "sync"

// Turns lets the pieces of a Run do a part of their work in the order of their numbers: sums that are added to one place. A piece waits
// for those before it, which have begun, since Run hands pieces out in ascending order. Every piece must take its turn. The zero value is
// ready.
type Turns struct {
	mu   sync.Mutex
	next sync.Cond
	turn int
}

// Do calls f once the pieces before this one have had their turn.
func (t *Turns) Do(piece int, f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next.L == nil {
		t.next.L = &t.mu
	}
	for t.turn != piece {
		t.next.Wait()
	}
	f()
	t.turn++
	t.next.Broadcast()
}
