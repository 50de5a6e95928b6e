package parallel

import (
	"time"

	"github.com/longspan/longspan/tensor"
)

// Engine moves bytes between ranks. Ranks are numbered from 0. One goroutine uses an engine at a time, unless a method says otherwise.
//
// An engine adds nothing up. [Sum] and the others are made of exchanges and of additions in Go in one order, so that they have the same
// bits over every engine.
type Engine interface {
	Rank() int
	Size() int

	// Begin posts an exchange and returns at once. Parts from one rank to another arrive in the order in which they were posted; the
	// receiver must expect their exact lengths. What is sent must stay unchanged, and what is received unread, until Wait returns. name
	// says in errors what the exchange is for.
	Begin(name string, send, recv []Part) Pending

	// Abort ends all ranks: exchanges that wait return an error that has why, and an engine of several processes ends them with the exit
	// status code. It may be called from any goroutine.
	Abort(code int, why string)

	// Close ends the use of the engine. It waits for the ranks that it shares with others.
	Close() error
}

// Part is bytes to or from a rank.
type Part struct {
	Rank    int
	Channel int // 0 … MaxChannel: the parts of a pair of ranks keep their order within a channel
	Data    []byte
	Dry     int64 // bytes of a part without Data, which [Dry] counts
}

func (p Part) size() int64 { return max(p.Dry, int64(len(p.Data))) }

// MatPart is the part that carries the elements of m, which has no gaps between its rows. Of a dry m it has the number of its bytes.
func MatPart(rank int, m tensor.Mat) Part {
	n := m.Rows * m.Cols
	switch {
	case m.Dry():
		return Part{Rank: rank, Dry: m.Bytes()}
	case m.Type == tensor.F32:
		return Part{Rank: rank, Data: view(m.F32[:n])}
	}
	return Part{Rank: rank, Data: view(m.U16[:n])}
}

// MaxChannel is the largest channel of a part. MPI promises tags up to 32,767.
const MaxChannel = 32767

// Pending is an exchange on its way.
type Pending interface {
	// Wait returns when all has been sent and received. A second call returns the result of the first.
	Wait() error
}

// DefaultPatience is how long an exchange may wait before the run is ended.
const DefaultPatience = 10 * time.Minute
