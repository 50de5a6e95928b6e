// Package pool runs the pieces of one computation on several goroutines.
//
// Which worker runs which piece is left to chance, so a piece must not depend on it: pieces are cut by the shape
// of the work and never by the number of threads, and that is what keeps results equal bit for bit.
package pool

import (
	"runtime"
	"sync/atomic"
)

// Threads resolves a thread count: n itself, or GOMAXPROCS where n is zero or less.
func Threads(n int) int {
	if n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}

// Run calls f(worker, piece) for every piece in 0 … pieces−1, handing them out in ascending order, and returns
// when all are done. At most Threads(threads) calls run at a time; worker is in 0 … threads−1 and names the
// goroutine, so that f may keep scratch memory by worker. With one thread everything runs on the caller's own
// goroutine. A panic in f ends the program, as in any goroutine.
func Run(threads, pieces int, f func(worker, piece int)) {
	threads = min(Threads(threads), pieces)
	if threads <= 1 {
		for i := range pieces {
			f(0, i)
		}
		return
	}
	w := &work{f: f, pieces: int64(pieces), over: make(chan struct{})}
	w.others.Store(int64(threads - 1))
	for worker := 1; worker < threads; worker++ {
		give(share{w, worker})
	}
	w.do(0)
	w.wait()
}

// work is what one call of Run asks for.
type work struct {
	f      func(worker, piece int)
	pieces int64
	next   atomic.Int64
	others atomic.Int64  // workers that have not finished
	over   chan struct{} // closed by the last of them
}

// do runs pieces until none is left.
func (w *work) do(worker int) {
	for i := w.next.Add(1) - 1; i < w.pieces; i = w.next.Add(1) - 1 {
		w.f(worker, int(i))
	}
}

// finish counts one worker as finished.
func (w *work) finish() {
	if w.others.Add(-1) == 0 {
		close(w.over)
	}
}

// wait returns when the others have finished.
func (w *work) wait() {
	if !linger(func() bool { return w.others.Load() == 0 }) {
		<-w.over
	}
}
