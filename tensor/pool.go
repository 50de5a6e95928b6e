package tensor

import (
	"fmt"
	"math"
	"sync"
)

// Pool hands out matrices and counts their bytes. Memory that comes back is handed out again, to matrices of any shape and
// type: the pool takes little more from the system than the most that was in use at a time. A dry pool counts the
// same bytes and hands out matrices with no data, which is how a plan is made.
//
// A nil *Pool is usable: it allocates, and counts nothing. A Pool is safe for concurrent use.
type Pool struct {
	dry bool

	mu          sync.Mutex
	inUse, peak int64
	arena       arena
}

// NewPool returns an empty pool.
func NewPool() *Pool { return &Pool{} }

// NewDryPool returns a pool whose matrices have no data.
func NewDryPool() *Pool { return &Pool{dry: true} }

// NewPoolOver returns a pool over mem, which it takes matrices from before it takes memory of the system: for one of several threads that
// each have a part of a matrix as their scratch. mem must stay as it is until the last reader of what the pool has handed out is done.
func NewPoolOver(mem []float32) *Pool {
	p := &Pool{}
	if n := len(mem) / blockWords * blockWords; n > 0 {
		p.arena.add(&slab{mem: mem[:n], free: []span{{0, n}}})
	}
	return p
}

// Dry reports whether p hands out matrices with no data.
func (p *Pool) Dry() bool { return p != nil && p.dry }

// Get returns a rows × cols matrix. Its elements are not cleared: they hold whatever the memory held before.
// Give it back with Put once the last reader is done.
func (p *Pool) Get(t Type, rows, cols int) Mat {
	if rows < 0 || cols < 0 {
		panic(fmt.Sprintf("tensor: matrix of %d×%d", rows, cols))
	}
	m := Mat{Type: t, Rows: rows, Cols: cols, Stride: cols}
	if p == nil {
		return New(t, rows, cols)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inUse += m.Bytes()
	p.peak = max(p.peak, p.inUse)
	if p.dry {
		return m
	}
	if t == F32 {
		m.F32 = p.arena.take32(rows * cols)
	} else {
		m.U16 = p.arena.take16(rows * cols)
	}
	return m
}

// GetZero is Get with every element set to zero.
func (p *Pool) GetZero(t Type, rows, cols int) Mat {
	m := p.Get(t, rows, cols)
	clear(m.F32)
	clear(m.U16)
	return m
}

// Put gives back a matrix that Get returned. The whole matrix must come back, not a view of a part of it, and once.
func (p *Pool) Put(m Mat) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inUse < m.Bytes() {
		panic("tensor: more bytes came back to the pool than left it")
	}
	if len(m.F32) > 0 {
		p.arena.give(address32(m.F32))
	}
	if len(m.U16) > 0 {
		p.arena.give(address16(m.U16))
	}
	p.inUse -= m.Bytes()
}

// InUse is the bytes handed out and not yet back.
func (p *Pool) InUse() int64 {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inUse
}

// Peak is the most bytes that were ever out at a time since NewPool or ResetPeak.
func (p *Pool) Peak() int64 {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.peak
}

// ResetPeak makes the bytes in use now the peak.
func (p *Pool) ResetPeak() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.peak = p.inUse
}

// Reserve makes room for that many bytes in one piece, when they are not there yet: what a plan says that a run will need, and a fourth. It
// takes address space; the system gives memory as it is first written to. Without it the pool grows piece by piece, and the matrices
// that lie across their borders cost some 5% more memory, at worst 30%.
//
// What is reserved lies outside of the Go heap where the system allows that. The garbage collector then goes by the size of the rest,
// and does not let garbage grow to as much as the matrices before it collects. It is given back by Trim alone, and not when the pool
// is forgotten.
func (p *Pool) Reserve(bytes int64) {
	if p == nil || p.dry {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	missing := bytes/4 - int64(p.arena.words())
	if missing > 0 && missing <= math.MaxInt/4-blockWords {
		p.arena.reserve(int(missing))
	}
}

// Touched is the bytes of memory that p has ever written to and holds still, in use or not: what it takes of the system.
func (p *Pool) Touched() int64 {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.arena.touched()
}

// Trim releases memory that is not in use: reserved memory to the system, the rest to the garbage collector.
func (p *Pool) Trim() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arena.trim()
}
