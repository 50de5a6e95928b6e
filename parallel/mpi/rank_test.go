//go:build mpi && linux && (amd64 || arm64)

package mpi

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/longspan/longspan/internal/rankcheck"
	"github.com/longspan/longspan/parallel"
)

// testPatience is long enough for a busy machine.
const testPatience = 30 * time.Second

// shortPatience is that of tests that wait for its end.
const shortPatience = 3 * time.Second

// rankScripts are what ranks do. A returned error ends all ranks with status 1.
var rankScripts = map[string]func(e *Engine) error{
	"checks":  checks,
	"nothing": func(*Engine) error { return nil },
	"pieces":  pieces,
	"nil":     nilDereference,
	"again": func(*Engine) error {
		_, err := Open()
		return err
	},
	"closed": func(e *Engine) error {
		if err := e.Close(); err != nil {
			return err
		}
		return neighbours(e, "too late", 1, 1)
	},
	"longer":  func(e *Engine) error { return neighbours(e, "keys", 9, 5) },
	"shorter": func(e *Engine) error { return neighbours(e, "keys", 4, 5) },
	"longer by a piece": func(e *Engine) error {
		e.piece = 4
		return neighbours(e, "keys", 8, 4)
	},
	"shorter by a piece": func(e *Engine) error {
		e.piece = 4
		return neighbours(e, "keys", 4, 8)
	},
	"no rank": func(e *Engine) error {
		return e.Begin("keys", []parallel.Part{{Rank: e.Size()}}, nil).Wait()
	},
	"abort": func(e *Engine) error {
		if e.Rank() == 1 {
			noteTime()
			go e.Abort(7, "panic: the disk is full") // from another goroutine
		}
		return endless(e)
	},
	"panic elsewhere": func(e *Engine) error {
		if e.Rank() == 1 {
			noteTime()
			go panic("the disk is full")
		}
		return endless(e)
	},
	"kill": func(e *Engine) error {
		if e.Rank() == 1 {
			return signalSelf(syscall.SIGKILL)
		}
		return endless(e)
	},
	"stop": func(e *Engine) error {
		e.SetPatience(shortPatience)
		if e.Rank() == 1 {
			return signalSelf(syscall.SIGSTOP)
		}
		return endless(e)
	},
	"cable": func(e *Engine) error {
		for range 10 {
			if err := neighbours(e, "start", 1, 1); err != nil {
				return err
			}
		}
		e.SetPatience(shortPatience)
		if e.Rank() == 0 {
			fmt.Println("all are at work")
		}
		return endless(e)
	},
	"early end": func(e *Engine) error {
		e.SetPatience(time.Second)
		if e.Rank() == 1 {
			time.Sleep(time.Minute)
		}
		return nil // and Close, which misses rank 1
	},
	"wait":          waitForFirst,
	"silent sender": silentSender,
}

// beRank is the whole program of a rank. It returns the exit status.
func beRank(name string) int {
	script, ok := rankScripts[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "no script %q\n", name)
		return 1
	}
	e, err := Open()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	e.SetPatience(testPatience)
	if err := script(e); err != nil {
		e.Abort(1, err.Error())
	}
	if err := e.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// signalSelf sends a signal to this process, which may go on for a moment before it arrives.
func signalSelf(s syscall.Signal) error {
	noteTime()
	if err := syscall.Kill(os.Getpid(), s); err != nil {
		return err
	}
	time.Sleep(time.Minute)
	return fmt.Errorf("%v has not come", s)
}

// noteTime makes the test's file, whose time is that of the event.
func noteTime() {
	if err := os.WriteFile(os.Getenv(testFile), nil, 0o600); err != nil {
		panic(err)
	}
}

// checks prints the hashes of all checks, on rank 0.
func checks(e *Engine) error {
	for _, c := range rankcheck.Engines() {
		for _, shards := range []int{0, 2} {
			if shards > 0 && c.Unsplit {
				continue
			}
			hashes, err := rankcheck.Over(e, c, shards)
			if err != nil {
				return err
			}
			if e.Rank() == 0 {
				fmt.Println(line(c, shards, hashes))
			}
		}
	}
	if e.Rank() == 0 {
		fmt.Println(e.Library())
	}
	return nil
}

func line(c rankcheck.Check, shards int, hashes []uint64) string {
	return fmt.Sprintf("%s, %d shards: %x", c.Name, shards, hashes)
}

// pieces checks messages of several pieces: shorter and longer than a multiple of the piece, and exactly one.
func pieces(e *Engine) error {
	e.piece = 1000
	for _, c := range rankcheck.Engines() {
		hashes, err := rankcheck.Over(e, c, 0)
		if err != nil {
			return err
		}
		if e.Rank() == 0 {
			fmt.Println(line(c, 0, hashes))
		}
	}
	for _, n := range []int{0, 999, 1000, 1001, 2000} {
		if err := neighbours(e, "pieces", n, n); err != nil {
			return err
		}
	}
	return nil
}

// nilDereference recovers from one on every rank, before an exchange and after it.
func nilDereference(e *Engine) (err error) {
	debug.SetPanicOnFault(true)
	for range 2 {
		func() {
			defer func() {
				if recover() == nil {
					err = errors.New("no panic")
				}
			}()
			var p *exchange
			p.name = "x"
		}()
		if err := neighbours(e, "keys", 5, 5); err != nil {
			return err
		}
	}
	return err
}

// neighbours sends bytes to the next rank and receives others from the one before.
func neighbours(e *Engine, name string, send, recv int) error {
	to, from := (e.Rank()+1)%e.Size(), (e.Rank()-1+e.Size())%e.Size()
	data, got := make([]byte, send), make([]byte, recv)
	for i := range data {
		data[i] = byte(i + e.Rank())
	}
	err := e.Begin(name, []parallel.Part{{Rank: to, Data: data}}, []parallel.Part{{Rank: from, Data: got}}).Wait()
	for i, v := range got {
		if err == nil && v != byte(i+from) {
			err = fmt.Errorf("%s: byte %d is %d, expected %d", name, i, v, byte(i+from))
		}
	}
	return err
}

// endless exchanges for ever.
func endless(e *Engine) error {
	for step := 0; ; step++ {
		if err := neighbours(e, fmt.Sprintf("step %d", step), 1000, 1000); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

// waitForFirst prints the share of a core that the last rank uses while it waits two seconds for rank 0.
func waitForFirst(e *Engine) error {
	if err := neighbours(e, "start", 1, 1); err != nil {
		return err
	}
	if e.Rank() == 0 {
		time.Sleep(2 * time.Second)
	}
	began, used := time.Now(), processorTime()
	if err := neighbours(e, "wait", 1, 1); err != nil {
		return err
	}
	if e.Rank() == 1 {
		fmt.Printf("%.4f\n", (processorTime()-used).Seconds()/time.Since(began).Seconds())
	}
	return nil
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// silentSender has rank 0 send to rank 1 and then begin nothing, until rank 1 has received all and has made a file: what was sent needs
// no more calls of MPI by its sender.
func silentSender(e *Engine) error {
	arrived := os.Getenv(testFile)
	var parts []parallel.Part
	for i := range 40 {
		parts = append(parts, parallel.Part{Rank: 1 - e.Rank(), Data: make([]byte, 300*i)})
	}
	if e.Rank() == 1 {
		if err := e.Begin("the only one", nil, parts).Wait(); err != nil {
			return err
		}
		return os.WriteFile(arrived, nil, 0o600)
	}
	if err := e.Begin("the only one", parts, nil).Wait(); err != nil {
		return err
	}
	for range 2000 {
		if _, err := os.Stat(arrived); err == nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("rank 1 has received nothing in 20 s")
}
