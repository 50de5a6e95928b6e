package parallel

import (
	"unsafe"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// Bytes views float32 as bytes, in the order of the machine: all ranks have the same.
func Bytes(x []float32) []byte { return view(x) }

func view[T any](x []T) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), uintptr(len(x))*unsafe.Sizeof(x[0]))
}

// Cut is the piece of n that rank owns: as even as whole units allow. Pieces of all ranks follow each other.
func Cut(n, unit, size, rank int) (lo, hi int) {
	units := (n + unit - 1) / unit
	return min(n, units*rank/size*unit), min(n, units*(rank+1)/size*unit)
}

// AllGather gives every rank all pieces: parts[r] is that of rank r, its own included. It receives (R−1)/R of all.
func AllGather[T any](e Engine, name string, parts [][]T) error {
	var send, recv []Part
	for i := 1; i < e.Size(); i++ {
		to, from := (e.Rank()+i)%e.Size(), (e.Rank()-i+e.Size())%e.Size()
		send = append(send, Part{Rank: to, Data: view(parts[e.Rank()])})
		recv = append(recv, Part{Rank: from, Data: view(parts[from])})
	}
	return e.Begin(name, send, recv).Wait()
}

// AllToAll sends out[r] to rank r and receives in[r] from it. A rank's own part is copied.
func AllToAll[T any](e Engine, name string, out, in [][]T) error {
	copy(in[e.Rank()], out[e.Rank()])
	var send, recv []Part
	for i := 1; i < e.Size(); i++ {
		to, from := (e.Rank()+i)%e.Size(), (e.Rank()-i+e.Size())%e.Size()
		send = append(send, Part{Rank: to, Data: view(out[to])})
		recv = append(recv, Part{Rank: from, Data: view(in[from])})
	}
	return e.Begin(name, send, recv).Wait()
}

// sumUnit is what pieces of a sum are multiples of: a line of the cache.
const sumUnit = 16

// Sum replaces x by its sum over all ranks, in the binary tree of their numbers: ((0+1)+(2+3))+…. Every rank gets the same bits, over every
// engine. A rank adds one piece for all, so 2·(R−1)/R·len(x) floats are sent and received. Scratch from pool: len(x) floats and a little.
func Sum(e Engine, pool *tensor.Pool, name string, x []float32) error {
	ranks := e.Size()
	if ranks == 1 {
		return nil
	}
	lo, hi := Cut(len(x), sumUnit, ranks, e.Rank())
	mine := hi - lo
	scratch := pool.Get(tensor.F32, ranks, mine)
	defer pool.Put(scratch)
	out, in := make([][]float32, ranks), make([][]float32, ranks)
	for r := range ranks {
		a, b := Cut(len(x), sumUnit, ranks, r)
		out[r], in[r] = x[a:b], scratch.Row(r)
	}
	if err := AllToAll(e, name+" (scatter)", out, in); err != nil {
		return err
	}
	tree(ranks, func(to, from int) { kernel.Add(in[to], in[to], in[from]) })
	copy(x[lo:hi], in[0])
	return AllGather(e, name+" (gather)", out)
}

// SumMat is Sum of the elements of m, which is F32 without gaps. Of a dry one it takes the same memory, and the engine counts the same
// bytes.
func SumMat(e Engine, pool *tensor.Pool, name string, m tensor.Mat) error {
	if !m.Dry() {
		return Sum(e, pool, name, m.F32)
	}
	n, ranks := m.Rows*m.Cols, e.Size()
	lo, hi := Cut(n, sumUnit, ranks, e.Rank())
	scratch := pool.Get(tensor.F32, ranks, hi-lo)
	defer pool.Put(scratch)
	var mine, theirs []Part // parts of the size of this rank's piece, and of the others'
	for r := range ranks {
		if a, b := Cut(n, sumUnit, ranks, r); r != e.Rank() {
			mine = append(mine, Part{Rank: r, Dry: 4 * int64(hi-lo)})
			theirs = append(theirs, Part{Rank: r, Dry: 4 * int64(b-a)})
		}
	}
	if err := e.Begin(name+" (scatter)", theirs, mine).Wait(); err != nil {
		return err
	}
	return e.Begin(name+" (gather)", mine, theirs).Wait()
}

// tree calls add for every addition of the binary tree over n numbers. The sum is in 0 at the end.
func tree(n int, add func(to, from int)) {
	for step := 1; step < n; step *= 2 {
		for i := 0; i+step < n; i += 2 * step {
			add(i, i+step)
		}
	}
}

// Tree adds vectors of one length in the binary tree of their numbers, into the first.
func Tree(parts [][]float64) {
	tree(len(parts), func(to, from int) {
		for i, v := range parts[from] {
			parts[to][i] += v
		}
	})
}

// Gather returns the numbers of all ranks, of which own is this rank's.
func Gather[T any](e Engine, name string, own T) ([]T, error) {
	all, parts := make([]T, e.Size()), make([][]T, e.Size())
	for r := range parts {
		parts[r] = all[r : r+1]
	}
	all[e.Rank()] = own
	return all, AllGather(e, name, parts)
}

// SumFloat64 is Sum of a few numbers: every rank sends all of its own to every other.
func SumFloat64(e Engine, name string, x []float64) error {
	all := make([][]float64, e.Size())
	for r := range all {
		all[r] = make([]float64, len(x))
	}
	copy(all[e.Rank()], x)
	if err := AllGather(e, name, all); err != nil {
		return err
	}
	Tree(all)
	copy(x, all[0])
	return nil
}

// Broadcast gives every rank the x of rank 0. A rank passes it on as soon as it has it, in a binary tree: log₂ R steps.
func Broadcast[T any](e Engine, name string, x []T) error {
	rank, size := e.Rank(), e.Size()
	step := 1
	for ; step < size; step *= 2 {
		if rank&step == 0 {
			continue
		}
		if err := e.Begin(name, nil, []Part{{Rank: rank - step, Data: view(x)}}).Wait(); err != nil {
			return err
		}
		break
	}
	var send []Part
	for step /= 2; step > 0; step /= 2 {
		if rank+step < size {
			send = append(send, Part{Rank: rank + step, Data: view(x)})
		}
	}
	return e.Begin(name, send, nil).Wait()
}

// BroadcastBytes is Broadcast of bytes whose number the other ranks do not know. They give nil.
func BroadcastBytes(e Engine, name string, x []byte) ([]byte, error) {
	length := []int64{int64(len(x))}
	if err := Broadcast(e, name+" (length)", length); err != nil {
		return nil, err
	}
	if e.Rank() != 0 {
		x = make([]byte, length[0])
	}
	return x, Broadcast(e, name, x)
}

// AllGatherRows gives every rank all rows of a matrix without gaps, of which rank r has rows cuts[r] … cuts[r+1]−1.
func AllGatherRows(e Engine, name string, m tensor.Mat, cuts []int) error {
	if m.Type == tensor.F32 {
		return allGatherRows(e, name, m.F32, m.Cols, cuts)
	}
	return allGatherRows(e, name, m.U16, m.Cols, cuts)
}

func allGatherRows[T any](e Engine, name string, x []T, cols int, cuts []int) error {
	parts := make([][]T, e.Size())
	for r := range parts {
		parts[r] = x[cuts[r]*cols : cuts[r+1]*cols]
	}
	return AllGather(e, name, parts)
}
