package linear

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// world is places that have neighbouring tokens of a batch each, and the messages between them.
type world struct {
	parts [][]Part
	wires [][]chan []float32 // [from][to]
}

// newWorld gives place i the tokens cuts[i] … cuts[i+1]−1 of a batch.
func newWorld(lens, cuts []int) *world {
	w := &world{}
	for i := range len(cuts) - 1 {
		var parts []Part
		row := 0
		for _, n := range lens {
			if p := (Part{max(0, cuts[i]-row), min(n, cuts[i+1]-row), n}); p.From < p.To {
				parts = append(parts, p)
			}
			row += n
		}
		w.parts = append(w.parts, parts)
		w.wires = append(w.wires, make([]chan []float32, len(cuts)-1))
		for j := range w.wires[i] {
			w.wires[i][j] = make(chan []float32, 10)
		}
	}
	return w
}

// place is one of a world: Neighbours of its part.
type place struct {
	*world
	at       int
	received int // floats
}

func (p *place) last() Part { return p.parts[p.at][len(p.parts[p.at])-1] }
func (p *place) step(by int) int {
	for i := p.at + by; ; i += by {
		if len(p.parts[i]) > 0 {
			return i
		}
	}
}

func (p *place) Send(to Place, m tensor.Mat) {
	switch to {
	case Before:
		p.wires[p.at][p.step(-1)] <- slices.Clone(m.F32)
	case After:
		p.wires[p.at][p.step(1)] <- slices.Clone(m.F32)
	case Others:
		for i := p.at - 1; i >= 0; i-- {
			if n := len(p.parts[i]); n > 0 {
				p.wires[p.at][i] <- slices.Clone(m.F32)
				if p.parts[i][n-1].From == 0 {
					return
				}
			}
		}
	}
}

func (p *place) Receive(from Place, m tensor.Mat) error {
	at := p.at
	switch from {
	case Before:
		at = p.step(-1)
	case After:
		at = p.step(1)
	case End:
		for to := p.last().To; to < p.last().Of; {
			for at++; len(p.parts[at]) == 0; at++ {
			}
			to = p.parts[at][0].To
		}
	}
	x := <-p.wires[at][p.at]
	if len(x) != m.Rows*m.Cols {
		return fmt.Errorf("%d floats came from place %d to %d, expected %d×%d", len(x), at, p.at, m.Rows, m.Cols)
	}
	p.received += len(x)
	copy(m.F32, x)
	return nil
}

func (p *place) Wait() error { return nil }

// over computes both passes of a batch in places, and returns what batch.all does.
func (b batch) over(t *testing.T, cuts []int) []float32 {
	t.Helper()
	w := newWorld(b.l.lens, cuts)
	out, dq := tensor.New(b.typ, b.q.Rows, b.q.Cols), tensor.New(b.typ, b.q.Rows, b.q.Cols)
	dk, dv := tensor.New(b.typ, b.k.Rows, b.k.Cols), tensor.New(b.typ, b.k.Rows, b.k.Cols)
	errs := make([]error, len(w.parts))
	var all sync.WaitGroup
	for i, parts := range w.parts {
		all.Go(func() {
			rows := func(m tensor.Mat) tensor.Mat { return m.SliceRows(cuts[i], cuts[i+1]) }
			l, err := NewParts(b.l.c, parts)
			if err != nil {
				errs[i] = err
				return
			}
			n, x := &place{world: w, at: i}, tensor.Exec{Threads: 2, Pool: tensor.NewPool()}
			in := attention.In{Q: rows(b.q), K: rows(b.k), V: rows(b.v)}
			border := tensor.New(tensor.F32, l.borderRows(false), l.sumsLen())
			if errs[i] = l.ForwardPart(x, n, rows(out), border, in); errs[i] != nil {
				return
			}
			errs[i] = l.BackwardPart(x, n, Grads{DQ: rows(dq), DK: rows(dk), DV: rows(dv)}, rows(b.dout), border, in)
			if most := 6 * l.c.KVHeads * l.sumsLen(); errs[i] == nil && n.received > most {
				errs[i] = fmt.Errorf("place %d received %d floats, expected at most %d", i, n.received, most)
			}
			if errs[i] == nil && x.Pool.InUse() != 0 {
				errs[i] = fmt.Errorf("place %d: %d bytes of the pool are in use after the end", i, x.Pool.InUse())
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return slices.Concat(flat(dq), flat(dk), flat(dv), flat(out))
}

// TestPlacesDoNotChangeBits cuts batches anywhere at multiples of PartUnit: inside of ranges and at their borders, so that a range lies in
// one place or in many, and so that places have no tokens.
func TestPlacesDoNotChangeBits(t *testing.T) {
	for _, causal := range []bool{false, true} {
		for _, c := range []Config{
			{Heads: 2, KVHeads: 1, HeadDim: 8, Features: 16}, {Feature: Elu, Heads: 9, HeadDim: 8},
			{Feature: ReLU, Heads: 4, KVHeads: 2, HeadDim: 8},
		} {
			c.Causal = causal
			for _, x := range []struct {
				lens []int
				cuts [][]int
			}{
				{[]int{9000}, [][]int{{0, 4608, 9000}, {0, 3072, 6144, 9000}, {0, 0, 512, 1024, 7168, 9000}, {0, 8960, 8960, 9000}}},
				{[]int{100, 700, 30}, [][]int{{0, 100 + 512, 830}, {0, 100, 100 + 256, 830}, {0, 0, 830}}},
				{[]int{5000, 4500}, [][]int{{0, 2048, 4096, 5000 + 1024, 5000 + 4096, 9500}, {0, 5000, 9500}}},
				{[]int{1}, [][]int{{0, 0, 1, 1}}},
			} {
				b := newBatch(mustNew(t, c, x.lens...), tensor.F32, 1, 5)
				dq, dk, dv := b.backward(t, tensor.Exec{})
				want := slices.Concat(dq, dk, dv, b.forward(t, tensor.Exec{}))
				for _, cuts := range x.cuts {
					t.Run(fmt.Sprintf("%s/%v/%v", c.name(), x.lens, cuts), func(t *testing.T) {
						kerneltest.SameBits(t, b.over(t, cuts), want)
					})
				}
			}
		}
	}
}

// TestPlacesWithLargeNorms has chunks that are not calm, and stabilisers that differ from place to place.
func TestPlacesWithLargeNorms(t *testing.T) {
	for _, causal := range []bool{false, true} {
		b := newBatch(mustNew(t, Config{Heads: 2, HeadDim: 16, Features: 16, Causal: causal}, 8500), tensor.F32, 12, 1)
		for i := 4000; i < 5000; i++ { // small keys have larger features
			for j := range b.k.Row(i) {
				b.k.Row(i)[j] /= float32(i - 3999)
			}
		}
		dq, dk, dv := b.backward(t, tensor.Exec{})
		want := slices.Concat(dq, dk, dv, b.forward(t, tensor.Exec{}))
		kerneltest.SameBits(t, b.over(t, []int{0, 512, 4096, 4608, 8500}), want)
	}
}

func TestPartRefusals(t *testing.T) {
	c := Config{Heads: 2, HeadDim: 16, Features: 16}
	for want, parts := range map[string][]Part{
		"found tokens 100 … 300 of 300 of sequence 0":     {{100, 300, 300}},
		"found tokens 0 … 200 of 300 of sequence 0":       {{0, 200, 300}},
		"found tokens 128 … 500 of 300":                   {{128, 500, 300}},
		"only the first sequence to begin elsewhere":      {{0, 10, 10}, {128, 300, 300}},
		"only the last to go on elsewhere":                {{0, 128, 300}, {0, 10, 10}},
		"and none without tokens":                         {{128, 128, 300}},
		"found length 536870913 of sequence 0":            {{0, 128, maxTokens + 1}},
		"found tokens 0 … -1 of -1 of sequence 0":         {{0, -1, -1}},
		"found tokens 0 … 128 of 64 of sequence 0":        {{0, 128, 64}},
		"found tokens -128 … 128 of 128 of sequence 0":    {{-128, 128, 128}},
		"found tokens 0 … 20 of 300 of sequence 1, expec": {{0, 5, 5}, {0, 20, 300}},
	} {
		if _, err := NewParts(c, parts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: found error %v, expected %q", parts, err, want)
		}
	}
	l, err := NewParts(c, []Part{{0, 128, 300}})
	if err != nil {
		t.Fatal(err)
	}
	m := tensor.New(tensor.F32, 128, 32)
	in, border := attention.In{Q: m, K: m, V: m}, tensor.New(tensor.F32, 2, 3)
	for want, err := range map[string]error{
		"found parts of sequences, expected whole ones": l.Forward(tensor.Exec{}, m, in),
		"use ForwardPart and BackwardPart":              l.Backward(tensor.Exec{}, Grads{m, m, m}, m, in),
		"found a border of f32 2×3 in rows 3 apart":     l.ForwardPart(tensor.Exec{}, nil, m, border, in),
		"found a border of 0 rows, expected 2":          l.BackwardPart(tensor.Exec{}, nil, Grads{m, m, m}, m, tensor.Mat{}, in),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, expected %q", err, want)
		}
	}
}
