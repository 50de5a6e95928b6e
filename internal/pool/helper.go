package pool

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// A step of training has hundreds of calls of Run, one after another, many of them shorter than a millisecond. Waking a sleeping thread
// takes some 5 µs on a machine of one's own, and 50 and more in a virtual one, and as long does the caller sleep at the end. So a worker
// that has finished stays awake for a moment, and the next call finds it at work at once.

// patience is how long a goroutine stays awake for what comes next: about as long as waking it would take.
const patience = 50 * time.Microsecond

// share is what one worker does of a work.
type share struct {
	*work
	worker int
}

// helper is a goroutine that does shares.
type helper struct{ next atomic.Pointer[share] }

// awake are the helpers that wait for a share.
var awake struct {
	sync.Mutex
	helpers []*helper
}

// give hands s to a helper that is awake, or to a new one.
func give(s share) {
	awake.Lock()
	last := len(awake.helpers) - 1
	if last < 0 {
		awake.Unlock()
		go new(helper).serve(s)
		return
	}
	h := awake.helpers[last]
	awake.helpers = awake.helpers[:last]
	awake.Unlock()
	h.next.Store(&s)
}

// serve does s and the shares that are given to it soon after.
func (h *helper) serve(s share) {
	for {
		s.do(s.worker)
		awake.Lock()
		awake.helpers = append(awake.helpers, h)
		awake.Unlock()
		s.finish()
		s = share{} // which may hold matrices
		if !linger(func() bool { return h.next.Load() != nil }) && h.leave() {
			return
		}
		for h.next.Load() == nil { // given, and on its way
			runtime.Gosched()
		}
		s = *h.next.Swap(nil)
	}
}

// leave takes h away from those that wait for a share. It reports false where a share is on its way to h.
func (h *helper) leave() bool {
	awake.Lock()
	defer awake.Unlock()
	for i, other := range awake.helpers {
		if other == h {
			awake.helpers = append(awake.helpers[:i], awake.helpers[i+1:]...)
			return true
		}
	}
	return false
}

// linger waits for a condition for a moment, while others that can run do so. It reports whether the condition holds.
func linger(until func() bool) bool {
	const looks = 64 // between two looks at the clock, which takes as long as some 20 of them
	start := time.Time{}
	for {
		for range looks {
			if until() {
				return true
			}
		}
		if start.IsZero() {
			start = time.Now()
		} else if time.Since(start) > patience {
			return false
		}
		runtime.Gosched()
	}
}
