package attention

import (
	"errors"
	"fmt"
	"math"

	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// RotaryConfig configures the rotation of queries and keys by position. Only HeadDim must be set.
type RotaryConfig struct {
	HeadDim     int           // D
	Dim         int           // features of each head that are rotated, the first ones; 0: all
	Base        float64       // 0: 10000
	Scale       float64       // positions are divided by it (position interpolation); 0: 1
	Scaling     RotaryScaling // nil: none
	Interleaved bool          // pairs are neighbours, as in GPT-J; else feature p pairs with p + Dim/2, as in GPT-NeoX and Llama
}

// Rotary rotates pair p of each head's features by the angle position·Base^(−2p/Dim), so that the product of a query and a key depends
// on the distance between them.
//
// Su et al. 2021, arXiv:2104.09864, equation 34; position interpolation: Chen et al. 2023, arXiv:2306.15595.
type Rotary struct {
	c         RotaryConfig
	half      int
	positions int
	amplitude float64   // of cosines and sines
	near, far []float64 // cosines and sines, alternating, of positions 0 … rotaryStep−1 and of the multiples of rotaryStep
}

// rotaryStep splits a position p into far·rotaryStep + near, whose angles add up: two small tables in float64 take the place of one with a
// row for each of a million positions, and the angle stays exact where float32 would lose it.
const rotaryStep = 1024

// NewRotary prepares positions 0 … positions−1. It returns an error for dimensions that are odd or larger than the head.
func NewRotary(c RotaryConfig, positions int) (*Rotary, error) {
	if c.Dim == 0 {
		c.Dim = c.HeadDim
	}
	if c.Base == 0 {
		c.Base = 10000
	}
	if c.Scale == 0 {
		c.Scale = 1
	}
	if c.HeadDim > MaxHeadDim {
		return nil, fmt.Errorf("attention: found rotary heads of %d, expected at most %d", c.HeadDim, MaxHeadDim)
	}
	if c.Dim < 2 || c.Dim%2 != 0 || c.Dim > c.HeadDim {
		return nil, fmt.Errorf("attention: found %d rotary dimensions in heads of %d, expected an even number of at least 2 and at most the "+
			"head", c.Dim, c.HeadDim)
	}
	if !(c.Base > 1) || math.IsInf(c.Base, 0) || !(c.Scale > 0) || math.IsInf(c.Scale, 0) {
		return nil, fmt.Errorf("attention: found rotary base %g and scale %g, expected a finite base above 1 and a finite scale above 0",
			c.Base, c.Scale)
	}
	if positions < 0 || positions > math.MaxInt32 {
		return nil, fmt.Errorf("attention: found %d rotary positions, expected 0 to %d", positions, math.MaxInt32)
	}
	r := &Rotary{c: c, half: c.Dim / 2, positions: positions, amplitude: 1}
	if c.Scaling != nil {
		if err := c.Scaling.check(); err != nil {
			return nil, err
		}
		r.amplitude = c.Scaling.amplitude()
	}
	r.near = r.angles(min(positions, rotaryStep), 1)
	r.far = r.angles(ceil.Div(positions, rotaryStep), rotaryStep)
	return r, nil
}

// angles tabulates cosine and sine of every pair for positions 0, step, 2·step …
func (r *Rotary) angles(rows, step int) []float64 {
	turn := frequency
	if r.c.Scaling != nil {
		turn = r.c.Scaling.frequency
	}
	frequencies := make([]float64, r.half)
	for p := range frequencies {
		frequencies[p] = turn(p, r.c.Base, r.c.Dim)
	}
	t := make([]float64, 0, rows*r.c.Dim)
	for i := range rows {
		for _, f := range frequencies {
			sin, cos := math.Sincos(float64(i*step) / r.c.Scale * f)
			t = append(t, cos, sin)
		}
	}
	return t
}

// Rotate writes to dst [T, H·D] the rows of src, each rotated by its position. nil positions are 0, 1, 2 …. Features beyond Dim are
// copied. dst may be src.
func (r *Rotary) Rotate(x tensor.Exec, dst, src tensor.Mat, positions []int32) error {
	return r.rotate(x, dst, src, positions, 1)
}

// RotateBack is Rotate by the opposite angles: its gradient, and without the amplitude of a scaling its inverse.
func (r *Rotary) RotateBack(x tensor.Exec, dst, src tensor.Mat, positions []int32) error {
	return r.rotate(x, dst, src, positions, -1)
}

// rotate rotates by sign times the angles.
func (r *Rotary) rotate(x tensor.Exec, dst, src tensor.Mat, positions []int32, sign float64) error {
	if r.half == 0 {
		return errors.New("attention: found a Rotary without positions, expected one that NewRotary returned")
	}
	if src.Cols%r.c.HeadDim != 0 {
		return fmt.Errorf("attention: found rows of %d features, expected a multiple of the head dimension %d", src.Cols, r.c.HeadDim)
	}
	if positions != nil && len(positions) != src.Rows {
		return fmt.Errorf("attention: found %d positions for %d rows, expected one each, or nil for 0, 1, 2 …", len(positions), src.Rows)
	}
	for i, p := range positions {
		if p < 0 || int(p) >= r.positions {
			return fmt.Errorf("attention: found position %d at row %d, expected 0 to %d; prepare more positions", p, i, r.positions-1)
		}
	}
	if positions == nil && src.Rows > r.positions {
		return fmt.Errorf("attention: found %d rows, expected at most %d; prepare more positions", src.Rows, r.positions)
	}
	dry, err := check.Mats("attention", nil, check.Of("rotary source", src, src.Rows, src.Cols),
		check.Of("rotary destination", dst, src.Rows, src.Cols))
	if err != nil {
		return err
	}
	pieces := ceil.Div(src.Rows, rotaryRows)
	scratch := x.Pool.Get(tensor.F32, min(pool.Threads(x.Threads), pieces), src.Cols+r.c.Dim)
	defer x.Pool.Put(scratch)
	if dry || src.Rows == 0 { // a rank may have no rows
		return nil
	}
	inPlace := dst.Type == tensor.F32 && src.Type == tensor.F32 && &dst.F32[0] == &src.F32[0] && dst.Stride == src.Stride
	pool.Run(x.Threads, pieces, func(worker, piece int) {
		row, angle := scratch.Row(worker)[:src.Cols], scratch.Row(worker)[src.Cols:]
		for i := piece * rotaryRows; i < min(src.Rows, (piece+1)*rotaryRows); i++ {
			at := i
			if positions != nil {
				at = int(positions[i])
			}
			r.angle(angle, at, sign)
			to := row
			if dst.Type == tensor.F32 {
				to = dst.Row(i)
			}
			if !inPlace {
				src.ReadRow(to, i)
			}
			r.rotateRow(to, angle)
			if dst.Type != tensor.F32 {
				dst.WriteRow(i, to)
			}
		}
	})
	return nil
}

// rotaryRows is the number of rows one piece of rotate takes.
const rotaryRows = 64

// angle writes the cosines of every pair at a position, and then the sines, from the sum of its two parts.
func (r *Rotary) angle(to []float32, position int, sign float64) {
	far, near := r.far[position/rotaryStep*r.c.Dim:], r.near[position%rotaryStep*r.c.Dim:]
	cos, sin := to[:r.half], to[r.half:]
	for p := range cos {
		f, n := far[2*p:2*p+2], near[2*p:2*p+2]
		cos[p] = float32(r.amplitude * (f[0]*n[0] - f[1]*n[1]))
		sin[p] = float32(r.amplitude * sign * (f[1]*n[0] + f[0]*n[1]))
	}
}

// rotateRow rotates the heads of a row in place.
func (r *Rotary) rotateRow(x, angle []float32) {
	cos, sin := angle[:r.half], angle[r.half:]
	if !r.c.Interleaved {
		kernel.Rotate(x, r.c.HeadDim, cos, sin)
		return
	}
	for ; len(x) > 0; x = x[r.c.HeadDim:] {
		for p, c := range cos {
			a, b := x[2*p], x[2*p+1]
			x[2*p], x[2*p+1] = a*c-b*sin[p], b*c+a*sin[p]
		}
	}
}
