//go:build mpi && linux && (amd64 || arm64)

package mpi

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/longspan/longspan/parallel"
)

// exchange is one call of Begin.
type exchange struct {
	name   string
	pieces []piece
	left   int           // pieces on their way
	still  time.Duration // since the last of them moved
	done   chan struct{}
	err    error
}

// Wait returns when all has been sent and received.
func (x *exchange) Wait() error {
	<-x.done
	return x.err
}

// piece is the part, or the piece of a part, that one message carries.
type piece struct {
	request uint64 // MPI_Request
	parallel.Part
	receive bool
	done    bool
	whole   int // bytes of the part
	before  int // bytes of the part before this piece
}

// cut appends the pieces of parts. The last piece of a part is shorter than the others, possibly empty, so that a receiver that expects
// another length sees a piece of another length.
func (x *exchange) cut(parts []parallel.Part, receive bool, most int) {
	for _, p := range parts {
		for at := 0; at <= len(p.Data); at += most {
			c := piece{Part: p, receive: receive, whole: len(p.Data), before: at}
			c.Data = p.Data[at:min(at+most, len(p.Data))]
			x.pieces = append(x.pieces, c)
		}
	}
}

// serve posts and polls exchanges until the engine is closed and nothing is on its way.
func (e *Engine) serve() {
	var open []*exchange
	var idle pause
	for {
		fresh, over := e.next(len(open) == 0)
		if over && len(fresh)+len(open) == 0 {
			return
		}
		for _, x := range fresh {
			e.post(x)
		}
		open = append(open, fresh...)
		moved := len(fresh) > 0
		open = slices.DeleteFunc(open, func(x *exchange) bool {
			if e.poll(x) {
				moved, x.still = true, 0
			}
			if x.left == 0 {
				close(x.done)
			}
			return x.left == 0
		})
		waited := idle.after(moved)
		for _, x := range open {
			if x.still += waited; x.still > time.Duration(e.patience.Load()) {
				// Ranks wait for one another in a row behind the one that hangs, and lose their patience at about the same time. Each shall say
				// whom it misses.
				e.dieAfter(grace, ExitPatience, fmt.Sprintf("waited %v for %s: %s", x.still.Round(time.Millisecond), x.name, x.missing()))
			}
		}
	}
}

// next returns what has been begun, and whether the engine is closed. It waits for either, if asked to. It ends all ranks if Abort was
// called.
func (e *Engine) next(wait bool) (fresh []*exchange, over bool) {
	for {
		e.mu.Lock()
		fresh, e.queue = e.queue, nil
		over, ending := e.closing, e.ending
		e.mu.Unlock()
		if ending != nil {
			e.die(ending.code, ending.why)
		}
		if !wait || over || len(fresh) > 0 {
			return fresh, over
		}
		<-e.wake
	}
}

// post starts the messages of an exchange: first those to be received, so that they have a place when they come.
func (e *Engine) post(x *exchange) {
	for i := range x.pieces {
		p := &x.pieces[i]
		f, data := isend, uintptr(0)
		if p.receive {
			f = irecv
		}
		if len(p.Data) > 0 {
			data = address(&p.Data[0])
		}
		err := e.lib.call(f, data, uintptr(len(p.Data)), e.lib.bytes, uintptr(p.Rank), uintptr(p.Channel), e.lib.world, address(&p.request))
		if err != nil {
			e.fail(x, err)
		}
	}
}

// poll tests the messages of an exchange that are on their way, and reports whether one has come or gone.
func (e *Engine) poll(x *exchange) (moved bool) {
	out := e.lib.out
	for i := range x.pieces {
		p := &x.pieces[i]
		if p.done {
			continue
		}
		err := e.lib.call(testRequest, address(&p.request), address(&out.flag), address(&out.status))
		if err == nil && out.flag == 0 {
			continue
		}
		if err == nil && p.receive {
			err = e.lib.call(getCount, address(&out.status), e.lib.bytes, address(&out.number))
		}
		if failed := (*failure)(nil); errors.As(err, &failed) && failed.class == e.lib.truncate {
			e.refuse(x, p, fmt.Sprintf("more than %d", p.before+len(p.Data)))
		} else if err != nil {
			e.fail(x, err)
		} else if p.receive && int(out.number) != len(p.Data) {
			e.refuse(x, p, fmt.Sprint(p.before+int(out.number)))
		}
		p.done = true
		x.left--
		moved = true
	}
	return moved
}

// refuse ends all ranks because a part has another length than expected.
func (e *Engine) refuse(x *exchange, p *piece, sent string) {
	e.die(ExitExchange, fmt.Sprintf("%s: rank %d sent %s bytes to rank %d, which expected %d", x.name, p.Rank, sent, e.rank, p.whole))
}

// fail ends all ranks because of an error of MPI. It first waits for a moment: where the cause is that another rank has died, the launcher
// knows more of it, and ends all ranks with the status of that one.
func (e *Engine) fail(x *exchange, err error) {
	time.Sleep(grace)
	e.die(ExitExchange, fmt.Sprintf("%s: %v", x.name, err))
}

// missing says what an exchange waits for.
func (x *exchange) missing() string {
	var from, to []int
	for _, p := range x.pieces {
		switch {
		case p.done:
		case p.receive:
			from = append(from, p.Rank)
		default:
			to = append(to, p.Rank)
		}
	}
	var text []string
	if len(from) > 0 {
		text = append(text, "nothing came from "+parallel.RankList(from))
	}
	if len(to) > 0 {
		text = append(text, "nothing was taken by "+parallel.RankList(to))
	}
	return strings.Join(text, ", ")
}
