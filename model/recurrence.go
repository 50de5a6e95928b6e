package model

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// Memory is the state of a Transformer-XL between segments: for each layer the inputs of the last tokens of every sequence. No gradient
// flows through it. The zero value is empty.
//
// Dai et al. 2019, arXiv:1901.02860, section 3.2.
type Memory struct {
	pool    *tensor.Pool
	layers  []tensor.Mat // [Σ lengths, width] each
	lengths []int        // tokens of each sequence
}

// Tokens is the number of tokens of each sequence.
func (m *Memory) Tokens() []int { return m.lengths }

// Free returns the buffers to the pool and empties the memory.
func (m *Memory) Free() {
	for _, l := range m.layers {
		m.pool.Put(l)
	}
	*m = Memory{}
}

// check refuses the memory of another model, and sequences that continue one that the memory does not have. A nil or empty memory suits
// every model: sequences then start without one.
func (m *Memory) check(of *Model, follows []int) error {
	if m == nil || len(m.lengths) == 0 {
		return nil
	}
	if layers := len(m.layers); layers != 0 && layers != len(of.blocks) {
		return fmt.Errorf("model: found a memory of %d layers for a model of %d, expected the memory of this model", layers, len(of.blocks))
	}
	for _, l := range m.layers {
		if l.Cols != of.spec.Width || l.Type != of.policy.Activations {
			return fmt.Errorf("model: found a memory of %s with %d features, expected %s with %d: the memory of this model",
				l.Type, l.Cols, of.policy.Activations, of.spec.Width)
		}
	}
	for i, f := range follows {
		if f >= len(m.lengths) {
			return fmt.Errorf("model: sequence %d of the batch continues sequence %d, but the batch before had %d", i, f, len(m.lengths))
		}
	}
	return nil
}

// FullMemory is a memory of Spec.Memory zero tokens for each sequence. With a dry pool it counts the bytes of a full memory.
func (m *Model) FullMemory(pool *tensor.Pool, sequences int) *Memory {
	sequences = max(sequences, 0)
	memory := &Memory{pool: pool, lengths: slices.Repeat([]int{m.spec.Memory}, sequences)}
	for range m.blocks {
		memory.layers = append(memory.layers, pool.GetZero(m.policy.Activations, sequences*m.spec.Memory, m.spec.Width))
	}
	return memory
}

// recurrence connects a pass to the memory before and after it.
type recurrence struct {
	lengths []int // tokens of memory of each sequence; 0: a new sequence
	old     *Memory
	rows    []int32         // rows of old, and of the zeros after them, that are read
	zeros   int             // tokens whose features are 0, the memory of new sequences
	next    []int32         // rows of memory and segment, joined, that the next memory has
	left    []int           // tokens of the next memory, by sequence
	kept    []*autograd.Var // the next memory of each layer
}

// newRecurrence selects the memory of the sequences that the batch continues, and up to room tokens of each sequence for the next batch.
// New sequences have a memory of so many zeros. follows is as in [data.Batch].
func newRecurrence(memory *Memory, room, zeros int, lengths, follows []int) *recurrence {
	r := &recurrence{old: memory, lengths: make([]int, len(lengths)), zeros: zeros}
	for i := range lengths {
		row, n := r.remembered(i, follows)
		r.lengths[i] = n
		for k := range n {
			r.rows = append(r.rows, int32(row+k))
		}
	}
	row := int32(0)
	for i, n := range lengths {
		all := r.lengths[i] + n
		left := min(all, room)
		for j := all - left; j < all; j++ {
			r.next = append(r.next, row+int32(j))
		}
		r.left = append(r.left, left)
		row += int32(all)
	}
	return r
}

// remembered is the memory of sequence i: its first row in that of layers, behind which the zeros lie, and its number of rows.
func (r *recurrence) remembered(i int, follows []int) (row, n int) {
	if r.old == nil || i >= len(follows) || follows[i] < 0 || len(r.old.lengths) == 0 {
		return r.oldRows(), r.zeros
	}
	for _, n := range r.old.lengths[:follows[i]] {
		row += n
	}
	return row, r.old.lengths[follows[i]]
}

// oldRows is the number of rows of the old memory.
func (r *recurrence) oldRows() (rows int) {
	if r.old != nil && len(r.old.layers) > 0 {
		rows = r.old.layers[0].Rows
	}
	return rows
}

// before records the memory of layer i before the segment, of all sequences [Σ lengths, width].
func (m *Model) before(p *nn.Pass, r *recurrence, i int) *autograd.Var {
	old := r.oldRows()
	if r.zeros == 0 {
		return p.G.Take(p.G.Input(r.old.layers[i]), r.rows)
	}
	zeros := p.Zeros(m.policy.Activations, r.zeros, m.spec.Width)
	if old > 0 {
		zeros = p.G.Join(p.G.Input(r.old.layers[i]), []int{old}, zeros, []int{r.zeros})
	}
	return p.G.Take(zeros, r.rows)
}

// recur records block i with the memory before the segment x.
func (m *Model) recur(p *nn.Pass, r *recurrence, i int, x *autograd.Var) *autograd.Var {
	b, both := m.blocks[i], x
	if len(r.rows) > 0 {
		both = p.G.Join(m.before(p, r, i), r.lengths, x, p.Lengths)
	}
	if len(r.next) > 0 {
		r.kept = append(r.kept, p.G.Keep(p.G.Take(both, r.next)))
	}
	lengths := make([]int, len(p.Lengths))
	for s, n := range p.Lengths {
		lengths[s] = r.lengths[s] + n
	}
	return b.apply(p, x, branches{attend: func(h *autograd.Var) *autograd.Var {
		return b.attention.ApplyOver(p, h, finish(p, b.norms[0].input, both), lengths, r.lengths)
	}})
}

// remember replaces memory by the next memory.
func (r *recurrence) remember(memory *Memory, x tensor.Exec) {
	var layers []tensor.Mat
	for _, v := range r.kept {
		layers = append(layers, clone(x.Pool, v.Value()))
	}
	memory.Free()
	memory.pool, memory.layers = x.Pool, layers
	memory.lengths = r.left
}

// MarshalBinary encodes the memory, for a checkpoint.
func (m *Memory) MarshalBinary() ([]byte, error) {
	size := int64(4 * (2 + len(m.lengths)))
	for _, l := range m.layers {
		size += 9 + l.Bytes()
	}
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, size), uint32(len(m.lengths)))
	for _, n := range m.lengths {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(m.layers)))
	for _, l := range m.layers {
		b = append(b, byte(l.Type))
		b = binary.LittleEndian.AppendUint32(b, uint32(l.Rows))
		b = binary.LittleEndian.AppendUint32(b, uint32(l.Cols))
		for _, v := range l.F32 {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		for _, v := range l.U16 {
			b = binary.LittleEndian.AppendUint16(b, v)
		}
	}
	return b, nil
}

// RestoreMemory decodes the output of MarshalBinary into buffers of pool. It returns an error if b is damaged or of another model.
func (m *Model) RestoreMemory(pool *tensor.Pool, b []byte) (*Memory, error) {
	r := reader{b: b}
	memory := &Memory{pool: pool}
	total := 0
	for range r.count(4) {
		n := int(r.u32())
		memory.lengths = append(memory.lengths, n)
		total += n
	}
	layers := r.count(9)
	if r.failed || layers != len(m.blocks) && (layers != 0 || total != 0) {
		return nil, fmt.Errorf("model: the saved memory is damaged or of another model: found %d layers, expected %d", layers, len(m.blocks))
	}
	var elements [][]byte
	for range layers {
		t, rows, cols := tensor.Type(r.byte()), int(r.u32()), int(r.u32())
		if t != m.policy.Activations || rows != total || cols != m.spec.Width {
			return nil, fmt.Errorf("model: the saved memory is damaged or of another model: found a layer of %s %d×%d, expected %s %d×%d",
				t, rows, cols, m.policy.Activations, total, m.spec.Width)
		}
		elements = append(elements, r.take(rows*cols*t.Size()))
	}
	if r.failed || len(r.b) != 0 {
		return nil, fmt.Errorf("model: the saved memory is damaged: found %d bytes, expected another number", len(b))
	}
	for _, bytes := range elements {
		l := pool.Get(m.policy.Activations, total, m.spec.Width)
		for i := range l.F32 {
			l.F32[i] = math.Float32frombits(binary.LittleEndian.Uint32(bytes[4*i:]))
		}
		for i := range l.U16 {
			l.U16[i] = binary.LittleEndian.Uint16(bytes[2*i:])
		}
		memory.layers = append(memory.layers, l)
	}
	return memory, nil
}

// reader decodes numbers. Past the end it returns zeros, and sets failed.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) take(n int) []byte {
	if r.failed || n < 0 || n > len(r.b) {
		r.failed = true
		return nil
	}
	head := r.b[:n]
	r.b = r.b[n:]
	return head
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// count reads a number of items of at least size bytes each. It fails if the rest is too short for them.
func (r *reader) count(size int) int {
	n := int(r.u32())
	if n > len(r.b)/size {
		r.failed = true
		return 0
	}
	return n
}
