package attention

import (
	"fmt"
	"testing"

	"github.com/longspan/longspan/tensor"
)

// TestFewQueriesHaveTheBitsOfMany holds that queries of one strip, whose worker copies the keys that it reads, find the bits that they find
// beside others, for which all keys are copied before.
func TestFewQueriesHaveTheBitsOfMany(t *testing.T) {
	for _, typ := range []tensor.Type{tensor.F32, tensor.BF16, tensor.F16} {
		for _, keys := range []int{1, 100, 128, 300, 8300} {
			c := Config{Heads: 2, HeadDim: 24}
			many := newProblem(c, []Seq{{Q: 260, K: keys}}, typ, 7)
			few := newProblem(c, []Seq{{Q: 50, K: keys}}, typ, 7)
			few.k, few.v = many.k, many.v
			few.q = many.q.SliceRows(0, 50)
			if a := few.compile(t); !a.readOnce(packForward) || many.compile(t).readOnce(packForward) {
				t.Fatal("found the keys of both copied in the same way")
			}
			got, want := few.forward(t, 2), many.forward(t, 1)
			sameBits(t, fmt.Sprint(typ, keys, " out"), got.out, want.out.SliceRows(0, 50))
			sameBits(t, fmt.Sprint(typ, keys, " lse"), got.lse, want.lse.SliceCols(0, 50))
		}
	}
}
