//go:build mpi && linux && (amd64 || arm64)

package mpi

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/longspan/longspan/parallel"
)

// The exit statuses with which an engine ends all ranks by itself.
const (
	ExitExchange = 8 // an exchange failed: MPI reported an error, or a part had another length than expected
	ExitPatience = 9 // an exchange waited for longer than the patience
)

// grace is how long MPI_Abort may take to end the process, before the process ends itself. Its launcher then ends the others.
const grace = time.Second

// Engine is a rank of MPI_COMM_WORLD. It implements parallel.Engine. Begin may be called from several goroutines, one after the other.
type Engine struct {
	lib        *library
	rank, size int
	piece      int // bytes that one message carries
	patience   atomic.Int64
	close      sync.Once
	closeErr   error

	wake      chan struct{} // has room for one
	served    chan struct{} // closed once MPI is finalised
	finalized error         // the error of that

	dying  atomic.Bool
	thread int // the number of the thread that calls MPI

	mu      sync.Mutex
	queue   []*exchange // to be posted
	closing bool        // all ranks are done, and MPI_Finalize comes next
	ending  *ending     // set by the first Abort
}

// ending is what Abort was called with.
type ending struct {
	code int
	why  string
}

// pieceBytes is what a message carries at most: counts are C ints.
const pieceBytes = 1 << 30

// started is whether this process has begun to start MPI: it cannot be started twice.
var started atomic.Bool

// Open loads the library and starts MPI, on a thread of its own. It is called once in a process, before the process does much else: some
// libraries start threads and map memory there. It returns an error where there is no library, where the library belongs to another
// launcher than the one that started the process, and when it is called again.
//
// After Open the process must be left by Abort, or by Close on all ranks and then Exit.
func Open() (*Engine, error) {
	if started.Swap(true) {
		return nil, errors.New("mpi: Open was called twice; a process can start MPI once")
	}
	e := &Engine{piece: pieceBytes, wake: make(chan struct{}, 1), served: make(chan struct{})}
	e.SetPatience(parallel.DefaultPatience)
	ready := make(chan error)
	go e.run(ready)
	if err := <-ready; err != nil {
		return nil, err
	}
	return e, nil
}

// Rank is the number of the rank in MPI_COMM_WORLD.
func (e *Engine) Rank() int { return e.rank }

// Size is the number of ranks.
func (e *Engine) Size() int { return e.size }

// Library is the name and the version of the MPI library.
func (e *Engine) Library() string { return e.lib.version }

// SetPatience sets how long an exchange may go without a message before the run is ended, from now on. It may be called from any goroutine.
func (e *Engine) SetPatience(d time.Duration) { e.patience.Store(int64(d)) }

// Begin posts an exchange. A part is one message for each started GiB, with its channel as the tag.
func (e *Engine) Begin(name string, send, recv []parallel.Part) parallel.Pending {
	x := &exchange{name: name, done: make(chan struct{})}
	if x.err = parallel.CheckParts(e, name, send, recv); x.err == nil {
		x.cut(recv, true, e.piece)
		x.cut(send, false, e.piece)
	}
	x.left = len(x.pieces)
	if x.left == 0 || !e.submit(x) {
		close(x.done)
	}
	return x
}

// submit hands an exchange to the thread of MPI. Where that has ended it sets the exchange's error.
func (e *Engine) submit(x *exchange) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closing {
		x.err = fmt.Errorf("parallel: %s: the engine is closed", x.name)
		return false
	}
	e.queue = append(e.queue, x)
	e.nudge()
	return true
}

// nudge wakes the thread of MPI.
func (e *Engine) nudge() {
	select {
	case e.wake <- struct{}{}:
	default: // it will wake anyway
	}
}

// Abort writes why to standard error, with the rank and its host, and ends all ranks with the exit status code, 1 … 255. It does not
// return. It may be called from any goroutine; the first call counts.
func (e *Engine) Abort(code int, why string) {
	e.mu.Lock()
	if e.ending == nil {
		e.ending = &ending{code, why}
	}
	e.nudge()
	over := e.closing
	e.mu.Unlock()
	if !over {
		time.Sleep(grace) // the thread of MPI ends the process, unless it hangs in a call
	}
	e.die(code, why)
}

// Close waits until what was begun is done and all ranks have called it, and ends MPI. A rank that does not come is missed after the
// patience, like any other. Close returns the error of the first call.
func (e *Engine) Close() error {
	e.close.Do(func() { e.closeErr = e.finish() })
	return e.closeErr
}

func (e *Engine) finish() error {
	// All ranks enter MPI_Finalize together: it may wait for them, at full speed and without end. Rank r hears in round i of the ranks r−1 …
	// r−2ⁱ (the dissemination barrier of Hensgen, Finkel and Manber, 1988).
	for step := 1; step < e.size; step *= 2 {
		to, from := (e.rank+step)%e.size, (e.rank-step+e.size)%e.size
		err := e.Begin("the end of the run", []parallel.Part{{Rank: to}}, []parallel.Part{{Rank: from}}).Wait()
		if err != nil {
			return err
		}
	}
	e.mu.Lock()
	e.closing = true
	e.nudge()
	e.mu.Unlock()
	return e.awaitFinalize()
}

// run is the one goroutine that calls MPI, on one thread, as MPI_THREAD_FUNNELED wants.
func (e *Engine) run(ready chan<- error) {
	runtime.LockOSThread()
	e.thread = syscall.Gettid()
	if err := e.start(); err != nil {
		ready <- err
	} else {
		ready <- nil
		e.serve()
		e.finalized = e.lib.call(finalize)
		close(e.served)
	}
	select {} // the thread stays: libraries may have left something on it for the process's exit
}

// start loads the library, starts MPI and checks that it sees the launcher's ranks.
func (e *Engine) start() error {
	before := readActions()
	lib, err := load()
	if err == nil {
		err = lib.call(initThread, 0, 0, uintptr(lib.funneled), address(&lib.out.number))
	}
	before.restore()
	if err != nil {
		return err
	}
	if lib.out.number < lib.funneled {
		return fmt.Errorf("mpi: found no support for threads in %s, expected MPI_THREAD_FUNNELED; use another build of the library", lib.version)
	}
	if err := lib.call(setErrhandler, lib.world, lib.errorsReturn); err != nil {
		return err
	}
	for _, n := range []struct {
		f  function
		to *int
	}{{commRank, &e.rank}, {commSize, &e.size}} {
		if err := lib.call(n.f, lib.world, address(&lib.out.number)); err != nil {
			return err
		}
		*n.to = int(lib.out.number)
	}
	e.lib = lib
	if err := checkSize(os.Getenv, lib.version, e.size); err != nil {
		return errors.Join(err, lib.call(finalize))
	}
	return nil
}

// die ends all ranks from any thread, and does not return.
func (e *Engine) die(code int, why string) {
	e.dieAfter(grace/10, code, why) // for the launcher to pass the message on before it ends the rank
}

// dieAfter is die with a pause between the message and the end.
func (e *Engine) dieAfter(pause time.Duration, code int, why string) {
	if e.dying.Swap(true) {
		select {} // another goroutine ends the process
	}
	e.say(why + "; ending all ranks")
	time.Sleep(pause)
	time.AfterFunc(grace, func() { os.Exit(code) })
	e.mu.Lock()
	over := e.closing
	e.mu.Unlock()
	if over { // MPI_Finalize has begun
		Exit(code)
	}
	_ = e.lib.call(abortAll, e.lib.world, uintptr(code)) // the process ends in any case
	os.Exit(code)
}

// say writes a message to standard error.
func (e *Engine) say(text string) {
	host, err := os.Hostname()
	if err != nil {
		host = "a host without a name"
	}
	fmt.Fprintf(os.Stderr, "longspan: rank %d of %d on %s: %s\n", e.rank, e.size, host, text)
}
