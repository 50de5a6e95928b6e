package linear

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"math"
	"slices"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// State is what decoding carries from token to token: the sums over all tokens so far, for each key/value head. Its size
// does not grow. A State must not be used by two goroutines at once.
type State struct {
	l      *Linear
	tokens int
	mem    []float32 // [Hkv][sumsLen]

	recent  []float32 // [Hkv][recentLen]: tokens that are not yet in the sums
	pending int       // how many
	lost    []float32 // [Hkv][sumsLen − M]: see lostOf
}

// NewState returns the state before the first token. Only the Config of l matters, not its lengths. It is an error if l is
// not causal.
func (l *Linear) NewState() (*State, error) {
	if !l.c.Causal {
		return nil, errors.New("linear: found a state asked of bidirectional attention, expected causal attention, whose outputs " +
			"do not depend on tokens that are yet to come; set Causal")
	}
	s := &State{l: l, mem: make([]float32, l.c.KVHeads*l.sumsLen()), recent: make([]float32, l.c.KVHeads*l.recentLen()),
		lost: make([]float32, l.c.KVHeads*(l.sumsLen()-l.c.Features))}
	s.Reset()
	return s, nil
}

// StateBytes is the memory of a State.
func (l *Linear) StateBytes() int64 {
	return 4 * int64(l.c.KVHeads) * int64(2*l.sumsLen()-l.c.Features+l.recentLen())
}

// StepBytes is what of a State a Step of one token reads. Every 32nd token also writes it.
func (l *Linear) StepBytes() int64 { return 4 * int64(l.c.KVHeads) * int64(l.sumsLen()+l.recentLen()) }

// Tokens is the number of tokens so far.
func (s *State) Tokens() int { return s.tokens }

// Reset goes back to before the first token.
func (s *State) Reset() {
	s.tokens, s.pending = 0, 0
	clear(s.recent)
	clear(s.lost)
	for h := range s.l.c.KVHeads {
		s.sums(h).reset(s.l.c.Feature)
	}
}

// Clone returns a copy that goes its own way.
func (s *State) Clone() *State {
	c := *s
	c.mem, c.recent, c.lost = slices.Clone(s.mem), slices.Clone(s.recent), slices.Clone(s.lost)
	return &c
}

func (s *State) sums(kvHead int) sums {
	n := s.l.sumsLen()
	return s.l.sumsOf(s.mem[kvHead*n : (kvHead+1)*n])
}

// Step computes the outputs of the next n tokens, 0 or more, and takes them into the state: one token while decoding, a
// prompt or a part of it before. out and Q are [n, H·D], K and V [n, Hkv·D], as in [Linear.Forward], whose causal output it
// equals but for rounding: the chunks begin elsewhere, and up to four tokens at a time make none. On an error the state is
// as before. Cost of a token by itself: reading the state once, and one projection.
func (s *State) Step(x tensor.Exec, out tensor.Mat, in attention.In) error {
	c, n := s.l.c, in.Q.Rows
	if n > maxTokens-s.tokens {
		return fmt.Errorf("linear: found %d tokens after %d, expected at most %d in all; start a new state", n, s.tokens, maxTokens)
	}
	dry, err := c.checkMats(x.Pool, n, in, check.Of("O", out, n, c.Heads*c.HeadDim))
	if err != nil || n == 0 {
		return err
	}
	r := &run{l: s.l, x: x, dry: dry}
	defer r.end()
	if n <= fewTokens && s.l.group() <= tokenHeads {
		s.stepTokens(r, out, in.Q, in.K, in.V)
	} else {
		s.stepChunks(r, out, in.Q, in.K, in.V)
	}
	if !dry {
		s.tokens += n
	}
	return nil
}

// stepChunks takes the rows of q, k and v into the state, range by range. The sums of a range are formed from zero, as in [Linear.Forward].
func (s *State) stepChunks(r *run, out, q, k, v tensor.Mat) {
	heads, length := s.l.c.KVHeads, s.l.rangeTokens(q.Rows)
	r.takeWorkers(heads, false)
	if q.Dry() {
		return
	}
	pool.Run(r.x.Threads, heads, func(worker, kvHead int) {
		w := r.workers[worker]
		if s.pending > 0 {
			w.flush(s, kvHead)
		}
		for row := 0; row < q.Rows; row += length {
			w.own.reset(s.l.c.Feature)
			before := sums{}
			if s.tokens+row > 0 {
				before = s.sums(kvHead)
				copy(w.own.c, before.c) // sums of like stabilisers are added as they are
			}
			w.causal(before, w.own, out, q, k, v, piece{row: row, n: min(length, q.Rows-row)}, kvHead)
			w.take(s, kvHead)
		}
	})
	s.pending = 0
}

// The saved form of a state, little-endian: magic, the shape and a hash of Ω, the tokens, the sums and the recent tokens of each head
// without padding, and a CRC-32C of all that.
const stateMagic = "lspanLS2"

type stateHeader struct {
	Magic                               [8]byte
	Feature, KVHeads, HeadDim, Features uint32
	Omega, Tokens, Pending              uint64
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (s *State) header() stateHeader {
	c := s.l.c
	h := stateHeader{
		Feature: uint32(c.Feature), KVHeads: uint32(c.KVHeads), HeadDim: uint32(c.HeadDim), Features: uint32(c.Features),
		Omega: s.l.omegaHash(), Tokens: uint64(s.tokens), Pending: uint64(s.pending),
	}
	copy(h.Magic[:], stateMagic)
	return h
}

// omegaHash tells one Ω from another: sums of features mean nothing under a different one.
func (l *Linear) omegaHash() uint64 {
	hash, word := fnv.New64a(), make([]byte, 4)
	for _, x := range l.omega {
		binary.LittleEndian.PutUint32(word, math.Float32bits(x))
		hash.Write(word)
	}
	return hash.Sum64()
}

// saved calls f with every slice of floats that is saved, in order.
func (s *State) saved(f func(x []float32)) {
	d, width := s.l.c.HeadDim, s.l.width()
	for h := range s.l.c.KVHeads {
		sm := s.sums(h)
		lost := s.lostOf(h)
		f(sm.c)
		f(sm.z)
		f(lost[:len(sm.z)])
		for i := range s.l.c.Features {
			f(sm.s[i*width : i*width+d])
			f(lost[len(sm.z)+i*width : len(sm.z)+i*width+d])
		}
		r := s.recentOf(h)
		f(r.phi)
		for j := range kernel.Lanes {
			f(r.vals[j*width : j*width+d])
		}
	}
}

// MarshalBinary returns the state's saved form, about 4·Hkv·(M·(2·D + 65) + 32·D) bytes, exact to the bit. It never fails.
func (s *State) MarshalBinary() ([]byte, error) {
	data, err := binary.Append(nil, binary.LittleEndian, s.header())
	if err != nil {
		return nil, err
	}
	s.saved(func(x []float32) {
		for _, v := range x {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
	})
	return binary.LittleEndian.AppendUint32(data, crc32.Checksum(data, castagnoli)), nil
}

// UnmarshalBinary replaces the state with a saved one of the same Config. On an error the state is as before.
func (s *State) UnmarshalBinary(data []byte) error {
	want, got := s.header(), stateHeader{}
	size := binary.Size(want) + 4
	s.saved(func(x []float32) { size += 4 * len(x) })
	if len(data) < len(stateMagic) || string(data[:len(stateMagic)]) != stateMagic {
		return errors.New("linear: found data that does not begin with " + stateMagic + ", expected a saved state")
	}
	if len(data) != size {
		return fmt.Errorf("linear: found a saved state of %d bytes, expected %d; it is cut short, or of another shape", len(data), size)
	}
	body := data[:size-4]
	if sum := crc32.Checksum(body, castagnoli); sum != binary.LittleEndian.Uint32(data[size-4:]) {
		return errors.New("linear: found a saved state whose checksum does not match, expected it undamaged; use an older copy")
	}
	n, err := binary.Decode(body, binary.LittleEndian, &got)
	if err != nil {
		return fmt.Errorf("linear: saved state: %w", err)
	}
	if got.Tokens > maxTokens {
		return fmt.Errorf("linear: found a saved state of %d tokens, expected at most %d", got.Tokens, maxTokens)
	}
	if got.Pending >= kernel.Lanes || got.Pending > got.Tokens {
		return fmt.Errorf("linear: found a saved state with %d of %d tokens not yet summed, expected fewer than %d, and than all", got.Pending,
			got.Tokens, kernel.Lanes)
	}
	want.Tokens, want.Pending = got.Tokens, got.Pending
	if got != want {
		return fmt.Errorf("linear: found a state saved with %+v, expected %+v; "+
			"use the Config and the seed or projection it was saved with", got, want)
	}
	s.tokens, s.pending = int(got.Tokens), int(got.Pending)
	clear(s.mem)
	clear(s.recent)
	clear(s.lost)
	s.saved(func(x []float32) {
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(body[n:]))
			n += 4
		}
	})
	return nil
}
