package attention

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// Merge joins two partial results of the same queries over disjoint sets of keys: into becomes what attention over both sets gives.
// Row by row and head by head, with a and b the two LSE,
//
//	LSE = log(exp(a) + exp(b))        O = exp(a − LSE)·O_into + exp(b − LSE)·O_from
//
// which is exact but for rounding. A row that sees no key on one side, where LSE is −Inf, takes the other side's bits; one that sees
// none on both gets zeros and −Inf. Weights and sums are float32; O is rounded to its type once a call, so that long chains of merges
// want an O of F32.
//
// The keys of a sequence may so be attended to in parts, each a [Seq] with its Start and Keys: ring attention (Liu et al. 2023,
// arXiv:2310.01889), or keys that do not fit memory at once. Sinks join the softmax once, so one part alone must have them. The
// backward pass of a part takes the O and LSE of the whole, and gives the part's rows of dK and dV and a share of dQ: the sum of all
// shares is dQ.
//
// Both O are [Tq, H·D], of any types, and both LSE [H, Tq] F32. Scratch from x.Pool: two rows a thread. Dry matrices take the same.
func Merge(x tensor.Exec, into, from Out) error {
	heads, tq, width := into.LSE.Rows, into.O.Rows, into.O.Cols
	if !into.hasLSE() || !from.hasLSE() {
		return fmt.Errorf("attention: found a partial result without LSE, expected LSE of both; give Forward an LSE of [H, Tq]")
	}
	if heads > 0 && width%heads != 0 {
		return fmt.Errorf("attention: found O of %d columns and LSE of %d heads, expected columns to be a multiple of heads", width, heads)
	}
	for _, out := range []Out{into, from} {
		if out.LSE.Type != tensor.F32 {
			return wrongType("LSE", out.LSE)
		}
	}
	dry, err := check.Mats("attention", x.Pool, check.Of("O to merge into", into.O, tq, width), check.Of("O to merge", from.O, tq, width),
		check.Of("LSE to merge into", into.LSE, heads, tq), check.Of("LSE to merge", from.LSE, heads, tq))
	if err != nil {
		return err
	}
	pieces := ceil.Div(tq, mergeRows)
	scratch := x.Pool.Get(tensor.F32, min(pool.Threads(x.Threads), pieces), 2*width)
	defer x.Pool.Put(scratch)
	if dry || heads == 0 {
		return nil
	}
	pool.Run(x.Threads, pieces, func(worker, piece int) {
		a, b := scratch.Row(worker)[:width], scratch.Row(worker)[width:]
		for i := piece * mergeRows; i < min(tq, (piece+1)*mergeRows); i++ {
			into.O.ReadRow(a, i)
			from.O.ReadRow(b, i)
			for h := range heads {
				lo, hi := h*width/heads, (h+1)*width/heads
				lse := &into.LSE.Row(h)[i]
				*lse = mergeHead(a[lo:hi], b[lo:hi], *lse, from.LSE.Row(h)[i])
			}
			into.O.WriteRow(i, a)
		}
	})
	return nil
}

// mergeRows is the number of rows one piece of Merge takes.
const mergeRows = 64

// mergeHead merges b, whose denominator's log is lseB, into a. It returns the log of the joint denominator.
func mergeHead(a, b []float32, lseA, lseB float32) float32 {
	none := float32(math.Inf(-1))
	switch {
	case lseA == none && lseB == none:
		clear(a)
		return none
	case lseB == none:
		return lseA
	case lseA == none:
		copy(a, b)
		return lseB
	}
	high := max(float64(lseA), float64(lseB))
	wa, wb := math.Exp(float64(lseA)-high), math.Exp(float64(lseB)-high)
	sum := wa + wb
	fa, fb := float32(wa/sum), float32(wb/sum)
	for i := range a {
		a[i] = fa*a[i] + fb*b[i]
	}
	return float32(high + math.Log(sum))
}
