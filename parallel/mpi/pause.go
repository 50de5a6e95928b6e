//go:build mpi && linux && (amd64 || arm64)

package mpi

import (
	"runtime"
	"syscall"
	"time"
)

// pause is the time between two polls: none while messages move, then ever more.
type pause struct {
	last  time.Time     // the end of the last pause
	still time.Duration // since something moved
}

const (
	spin      = 50 * time.Microsecond  // the time without a message in which the thread only yields
	shortest  = 20 * time.Microsecond  // of sleeps; the system adds some 50 µs
	longest   = time.Millisecond       // of sleeps
	delay     = 16                     // a sleep is this part of the time that has been waited: a message comes at most 6% late
	longPause = 100 * time.Millisecond // what a poll counts at most
)

// after pauses after a poll, and returns how long the exchanges have waited since the last. A process that was stopped for a while has not
// waited: it could not poll.
func (p *pause) after(moved bool) time.Duration {
	now := time.Now()
	waited := min(now.Sub(p.last), longPause)
	p.last = now
	if moved {
		p.still = 0
		return waited
	}
	p.still += waited
	if p.still < spin {
		runtime.Gosched()
	} else {
		// Not time.Sleep: in a process where nothing else runs, Go sleeps for a millisecond at least.
		t := syscall.NsecToTimespec(min(max(p.still/delay, shortest), longest).Nanoseconds())
		_ = syscall.Nanosleep(&t, nil) // a signal may end it early
	}
	return waited
}
