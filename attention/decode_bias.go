package attention

import (
	"math"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// rowBias is a Bias prepared for single queries, whose keys are read in place.
type rowBias interface {
	// add adds the bias, times log2(e), to the scores s [n][Lanes], heads across the lanes. scratch is as large as s.
	add(ref rowRef, s, scratch []float32)
}

// rowRef is n neighbouring keys that one query meets: it stands distance positions after the first of them. h is the head of the
// first of the lanes in use.
type rowRef struct{ query, h, heads, distance, n int }

func (b ALiBi) queryFloats(Config) int { return 0 }

func (b ALiBi) startRows(c Config, _, _ tensor.Mat) (rowBias, error) {
	return alibiRow{b, b.slopes(c.Heads)}, nil
}

type alibiRow struct {
	bias   ALiBi
	slopes []float64
}

func (r alibiRow) add(ref rowRef, s, _ []float32) {
	for j := range ref.n {
		for x := range ref.heads {
			s[j*kernel.Lanes+x] += float32(r.bias.value(r.slopes, ref.h+x, ref.distance-j) * math.Log2E)
		}
	}
}

func (b T5) queryFloats(Config) int { return 0 }

func (b T5) startRows(c Config, _, _ tensor.Mat) (rowBias, error) {
	if err := b.checkTable(c.Heads); err != nil {
		return nil, err
	}
	r := t5Row{last: b.MaxDistance, heads: c.Heads}
	for d := -r.last; d <= r.last; d++ { // past them, buckets are those of the ends
		bucket := b.Bucket(-d)
		for _, value := range b.Table[bucket*c.Heads : (bucket+1)*c.Heads] {
			r.table = append(r.table, float32(float64(value)*math.Log2E))
		}
	}
	return r, nil
}

// t5Row is the bias by distance and head.
type t5Row struct {
	last  int       // distances are cut to −last … last
	heads int       // H
	table []float32 // [2·last+1][H], times log2(e)
}

func (r t5Row) add(ref rowRef, s, _ []float32) {
	for j := range ref.n {
		at := (max(-r.last, min(ref.distance-j, r.last)) + r.last) * r.heads
		for x, value := range r.table[at+ref.h : at+ref.h+ref.heads] {
			s[j*kernel.Lanes+x] += value
		}
	}
}

// queryFloats is a query with v.
func (b Relative) queryFloats(c Config) int { return c.Heads * c.HeadDim }

// startRows adds u to the queries that meet the keys, and v to those that meet the distances. Values are not looked at: a NaN in u, v or r
// comes out.
func (b Relative) startRows(c Config, scaled, own tensor.Mat) (rowBias, error) {
	if err := checkData("r of a relative bias", b.R); err != nil {
		return nil, err
	}
	factor := float32(c.Scale * math.Log2E)
	for i := range scaled.Rows {
		content, distance := scaled.Row(i), own.Row(i)
		copy(distance, content)
		for j := range content {
			if b.U != nil {
				content[j] += factor * b.U[j]
			}
			if b.V != nil {
				distance[j] += factor * b.V[j]
			}
		}
	}
	return relativeRow{b, c.HeadDim, own}, nil
}

type relativeRow struct {
	bias Relative
	d    int
	own  tensor.Mat // queries with v, scaled
}

// add multiplies the query by r of the distances it meets, in the order they lie in memory: keys descend as distances ascend.
func (r relativeRow) add(ref rowRef, s, scratch []float32) {
	from := r.bias.R.Slice(ref.distance-ref.n+1-r.bias.First, ref.distance+1-r.bias.First, ref.h*r.d, (ref.h+ref.heads)*r.d)
	first, ld := bytesAt(from, 0, 0)
	kernel.DecodeDots(kernel.ElementF32, ref.n, ref.heads, 1, r.d, r.own.Row(ref.query)[ref.h*r.d:], first, ld, scratch)
	for j := range ref.n {
		to, product := s[j*kernel.Lanes:], scratch[(ref.n-1-j)*kernel.Lanes:]
		kernel.Add(to[:ref.heads], to[:ref.heads], product[:ref.heads])
	}
}

// queryFloats says that only tiles can take a matrix.
func (b Matrix) queryFloats(Config) int { return -1 }

func (b Matrix) startRows(Config, tensor.Mat, tensor.Mat) (rowBias, error) {
	panic("attention: a matrix of bias goes by tiles")
}
