// Package launch finds the ranks that a run was started with: those of an MPI launcher (mpirun, mpiexec, srun), or this process alone. It
// checks that they can compute together before anything is computed.
package launch

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/parallel/mpi"
)

// ExitPanic is the exit status with which Run ends all ranks after a panic.
const ExitPanic = parallel.ExitPanic

// Options says what the ranks must have in common.
type Options struct {
	Config   []Setting         // must be equal on all ranks, but for their order
	Patience time.Duration     // how long an exchange may go without a message; 0: parallel.DefaultPatience
	Warn     func(text string) // receives warnings on rank 0; nil: they go to standard error
	Status   func(error) int   // the exit status for an error of Run's function; nil: 1
}

// Setting is a part of the configuration of a run, such as {"train.steps", "1000"}. Keys are unique.
type Setting struct{ Key, Value string }

// World is all ranks of a run, as one of them sees them. It is the engine that joins them.
type World struct {
	parallel.Engine
	Ranks   []Rank // by number
	Library string // name and version of the MPI library; "" without one
}

// Rank is what a rank says of itself when the run starts.
type Rank struct {
	Host    string    `json:"host"`
	Program string    `json:"program"` // hash of the executable file, and the version of the module
	Level   string    `json:"level"`   // of its kernels
	Threads int       `json:"threads"` // that compute: GOMAXPROCS
	Fixed   bool      `json:"fixed"`   // the user has set GOMAXPROCS
	Cores   int       `json:"cores"`   // that the process is bound to
	OfHost  int       `json:"of_host"` // cores of the host that the job may use; 0: unknown
	Config  []Setting `json:"config,omitempty"`
}

// Open joins the ranks that a launcher has started. Without a launcher, or with LONGSPAN_MPI=off, it is one rank.
//
// Every rank sends its program, kernel level and configuration to all others. Where they differ, all ranks return the same *Refusal, which
// names the difference and the ranks. A rank also returns a *Refusal where a launcher has started several ranks and the binary has no MPI,
// and where its library is missing or belongs to another launcher.
//
// Ranks that share a host share its cores: Open lowers GOMAXPROCS to that share, unless the user has set it in the environment.
func Open(o Options) (*World, error) {
	self, err := introduce(o.Config)
	if err != nil {
		return nil, err
	}
	variable, ranks := mpi.Launched()
	w := &World{Engine: parallel.Local(1)[0]}
	if ranks > 1 {
		if w.Engine, w.Library, err = join(variable, ranks); err != nil {
			return nil, &Refusal{Text: err.Error()}
		}
	}
	if o.Patience > 0 {
		w.SetPatience(o.Patience)
	}
	if w.Ranks, err = greet(w.Engine, self); err != nil {
		return nil, err
	}
	if text := differences(w.Ranks); text != "" {
		err := errors.Join(&Refusal{Text: text, Shared: true, Rank: w.Rank()}, w.Close())
		if w.Rank() > 0 {
			time.Sleep(headStart)
		}
		return nil, err
	}
	shareCores(w.Ranks)
	if ranks > 1 {
		runtime.GOMAXPROCS(w.Ranks[w.Rank()].Threads)
	}
	if text := tightBinding(w.Ranks, os.Getenv); text != "" && variable != "" && w.Rank() == 0 {
		if o.Warn == nil {
			fmt.Fprintln(os.Stderr, "longspan:", text)
		} else {
			o.Warn(text)
		}
	}
	return w, nil
}

// headStart is how much earlier rank 0 returns a shared refusal than the others: a launcher ends all ranks once one has failed, and what
// rank 0 prints for all would be lost.
const headStart = time.Second

// Refusal is the error of a rank that cannot compute with the others.
type Refusal struct {
	Text   string
	Shared bool // all ranks have the same error, so that rank 0 can print it for all
	Rank   int  // of this process, where the error is shared
}

func (r *Refusal) Error() string { return "launch: " + r.Text }

// SetPatience sets how long an exchange may go without a message before the run is ended. It may be called from any goroutine. Goroutines
// of one process have no patience: nothing can happen to one alone.
func (w *World) SetPatience(d time.Duration) {
	if e, ok := w.Engine.(interface{ SetPatience(time.Duration) }); ok {
		e.SetPatience(d)
	}
}

// Run opens the world, calls f and closes the world. Where f fails or panics on one of several ranks, it ends all of them: with the status
// of the error, or ExitPanic. The message goes to standard error with the number of the rank and its host. On a single rank the error is
// returned, and the panic goes on.
func Run(o Options, f func(w *World) error) error {
	w, err := Open(o)
	if err != nil {
		return err
	}
	if w.Size() == 1 {
		return errors.Join(f(w), w.Close())
	}
	defer func() {
		if p := recover(); p != nil {
			os.Stderr.Write(debug.Stack())
			w.Abort(ExitPanic, fmt.Sprint("panic: ", p))
		}
	}()
	if err := f(w); err != nil {
		status := 1
		if o.Status != nil {
			status = o.Status(err)
		}
		w.Abort(status, err.Error())
		return err
	}
	return w.Close()
}

// Exit ends the process, as os.Exit does. After Open a program ends by it: MPI libraries tell their launcher only then that a rank is done.
func Exit(status int) { exit(status) }
