package bench

import (
	"context"
	"fmt"

	"github.com/longspan/longspan/internal/gemm"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// GEMM is a matrix product to measure: C = A·B with A [M, K] and B [K, N] of Type, C [M, N] in float32.
type GEMM struct {
	M, N, K int
	Type    tensor.Type
	Threads int // 0: GOMAXPROCS
	Runs    int
}

// GEMMRow is what was measured.
type GEMMRow struct {
	M int `json:"m"`
	N int `json:"n"`
	K int `json:"k"`
	Timing
}

// maxSide bounds a side of a product: larger ones are mistyped, and M·N·K must not overflow.
const maxSide = 1 << 20

// Run measures g. It returns an error for sizes out of range, and a *memory.Error where the matrices would not fit.
func (g GEMM) Run(ctx context.Context, tell Progress) (GEMMRow, error) {
	if err := checkRuns(g.Threads, g.Runs); err != nil {
		return GEMMRow{}, err
	}
	if min(g.M, g.N, g.K) < 1 || max(g.M, g.N, g.K) > maxSide {
		return GEMMRow{}, fmt.Errorf("bench: found a product of M = %d, N = %d, K = %d, expected each from 1 to %d", g.M, g.N, g.K, maxSide)
	}
	x := tensor.Exec{Threads: pool.Threads(g.Threads), Pool: tensor.NewDryPool()}
	a, b, c := g.matrices(x.Pool)
	gemm.Mul(x, c, gemm.N(a), gemm.N(b), false)
	if err := memory.Check(fmt.Sprintf("a product of %d×%d by %d×%d", g.M, g.K, g.K, g.N), x.Pool.Peak()); err != nil {
		return GEMMRow{}, err
	}
	x.Pool = tensor.NewPool()
	a, b, c = g.matrices(x.Pool)
	fill(1, a)
	fill(2, b)
	row := GEMMRow{M: g.M, N: g.N, K: g.K, Timing: Timing{
		Level: kernel.Level().String(), DType: g.Type.String(), Threads: x.Threads, Flops: 2 * int64(g.M) * int64(g.N) * int64(g.K),
	}}
	multiply := func() error {
		gemm.Mul(x, c, gemm.N(a), gemm.N(b), false)
		return nil
	}
	err := row.measure(ctx, multiply, g.Runs, func() float64 { return peakFlops(g.Type, x.Threads) }, tell)
	row.PeakBytes = x.Pool.Peak()
	return row, err
}

func (g GEMM) matrices(p *tensor.Pool) (a, b, c tensor.Mat) {
	return p.Get(g.Type, g.M, g.K), p.Get(g.Type, g.K, g.N), p.Get(tensor.F32, g.M, g.N)
}
