package rankcheck

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"

	"github.com/longspan/longspan/parallel"
)

const (
	mixRounds = 12 // rounds, after each of which all exchanges have been awaited
	mixOpen   = 5  // exchanges that are open at a time
	mixParts  = 3  // the largest number of parts of a pair in an exchange
)

// mix makes random exchanges between all ranks. The plan of who sends what is drawn from a seed, so that all ranks know it; a message
// holds bytes that depend on its sender, its receiver and its place. A rank sends messages of the same pair and channel that differ in
// their lengths, in one exchange and in several, and awaits the exchanges in an order of its own.
func mix(e parallel.Engine, channels int) (uint64, error) {
	plan := rand.New(rand.NewPCG(uint64(e.Size()), uint64(channels)))
	own := rand.New(rand.NewPCG(99, uint64(e.Rank())))
	h := fnv.New64a()
	for round := range mixRounds {
		var open []parallel.Pending
		var received [][]parallel.Part
		for i := range mixOpen {
			send, recv := draw(plan, e, channels)
			open = append(open, e.Begin(fmt.Sprintf("round %d, exchange %d", round, i), send, recv))
			received = append(received, recv)
		}
		for _, i := range own.Perm(len(open)) {
			if err := open[i].Wait(); err != nil {
				return 0, err
			}
		}
		for _, recv := range received {
			for _, p := range recv {
				fmt.Fprintf(h, "%d.%d.%d:", p.Rank, p.Channel, len(p.Data))
				h.Write(p.Data)
			}
		}
	}
	return h.Sum64(), nil
}

// draw draws an exchange of all ranks from the plan, and returns the parts of this one.
func draw(plan *rand.Rand, e parallel.Engine, channels int) (send, recv []parallel.Part) {
	for from := range e.Size() {
		for to := range e.Size() {
			for range plan.IntN(mixParts + 1) {
				n, channel, seed := drawLength(plan), plan.IntN(channels), plan.Uint64()
				switch {
				case from == to:
				case from == e.Rank():
					send = append(send, parallel.Part{Rank: to, Channel: channel, Data: randomBytes(seed, n)})
				case to == e.Rank():
					recv = append(recv, parallel.Part{Rank: from, Channel: channel, Data: make([]byte, n)})
				}
			}
		}
	}
	return send, recv
}

// drawLength draws the length of a message: often short, sometimes longer than what MPI sends without asking the receiver.
func drawLength(plan *rand.Rand) int {
	switch plan.IntN(8) {
	case 0:
		return 0
	case 1:
		return plan.IntN(100_000)
	}
	return plan.IntN(200)
}

func randomBytes(seed uint64, n int) []byte {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	data := make([]byte, n)
	rand.NewChaCha8(key).Read(data)
	return data
}
