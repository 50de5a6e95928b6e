package model

import (
	"math"

	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// infoNCE is the mean loss of pairs of vectors, rows 2i and 2i+1 of v [2n, D]. With s_ij the cosine of query i and passage j over the
// temperature, the loss of query i is log Σ_j exp s_ij − s_ii, in nats. A symmetric loss is the mean of this and log Σ_j exp s_ji − s_ii.
// The cosine with a vector of zeros is 0.
//
// gradient [2n, D], where it has rows, becomes the gradient of the mean loss at v. Losses, Best and Ranks of r are filled. Sums are float64
// and have one order, so that the bits do not depend on the threads. It costs 2·n²·D flops, and twice that for the gradient; cosines take
// n² float32 of the pool.
func (s *Session) infoNCE(v, gradient tensor.Mat, r StepOptions) float64 {
	n := v.Rows / 2
	l := infoNCE{x: s.x, c: *s.m.spec.Head.Contrast, v: v, n: n, cosines: s.x.Pool.Get(tensor.F32, n, n)}
	defer s.x.Pool.Put(l.cosines)
	if v.Dry() {
		return 0
	}
	l.compare()
	loss := l.losses(r)
	l.order(r)
	if gradient.Rows > 0 {
		l.differentiate()
		l.send(gradient)
	}
	return loss
}

type infoNCE struct {
	x        tensor.Exec
	c        Contrast
	v        tensor.Mat
	n        int
	lengths  []float64  // of the vectors
	cosines  tensor.Mat // of each query with each passage; later the gradient there
	byQuery  []float64  // log Σ_j exp s_ij
	byResult []float64  // log Σ_j exp s_ji, of passage i
}

// compare computes the cosines, and the logarithms of the sums.
func (l *infoNCE) compare() {
	l.lengths = make([]float64, 2*l.n)
	pool.Run(l.x.Threads, 2*l.n, func(_, i int) { l.lengths[i] = math.Sqrt(dot(l.v.Row(i), l.v.Row(i))) })
	l.byQuery, l.byResult = make([]float64, l.n), make([]float64, l.n)
	pool.Run(l.x.Threads, l.n, func(_, i int) {
		row := l.cosines.Row(i)
		for j := range row {
			row[j] = 0
			if scale := l.lengths[2*i] * l.lengths[2*j+1]; scale != 0 {
				row[j] = float32(dot(l.v.Row(2*i), l.v.Row(2*j+1)) / scale)
			}
		}
		l.byQuery[i] = logSum(l.n, func(j int) float64 { return l.score(i, j) })
	})
	pool.Run(l.x.Threads, l.n, func(_, j int) { l.byResult[j] = logSum(l.n, func(i int) float64 { return l.score(i, j) }) })
}

// score is the cosine of query i and passage j over the temperature.
func (l *infoNCE) score(i, j int) float64 { return float64(l.cosines.Row(i)[j]) / l.c.Temperature }

func dot(a, b []float32) (sum float64) {
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return sum
}

// logSum is log Σ exp of n numbers.
func logSum(n int, of func(int) float64) float64 {
	top := math.Inf(-1)
	for i := range n {
		top = max(top, of(i)) // NaN where one is
	}
	sum := 0.0
	for i := range n {
		sum += math.Exp(of(i) - top)
	}
	return top + math.Log(sum)
}

// losses is the mean loss, and fills the loss of each pair.
func (l *infoNCE) losses(r StepOptions) float64 {
	mean := 0.0
	for i := range l.n {
		loss := l.byQuery[i] - l.score(i, i)
		if l.c.Symmetric {
			loss = (loss + l.byResult[i] - l.score(i, i)) / 2
		}
		if r.Losses != nil {
			r.Losses[i] = float32(loss)
		}
		mean += loss / float64(l.n)
	}
	return mean
}

// order fills the rank of each query's passage, from 1, and the passage that comes first. Of equal cosines the own one comes last.
func (l *infoNCE) order(r StepOptions) {
	for i := range l.n {
		row, rank, best := l.cosines.Row(i), int32(1), i
		for j, cosine := range row {
			if j != i && !(cosine < row[i]) {
				rank++
				if best == i || cosine > row[best] {
					best = j
				}
			}
		}
		if r.Ranks != nil {
			r.Ranks[i] = rank
		}
		if r.Best != nil {
			r.Best[i] = int32(best)
		}
	}
}

// differentiate replaces the cosines by the gradient of the mean loss there.
func (l *infoNCE) differentiate() {
	scale := 1 / (float64(l.n) * l.c.Temperature)
	pool.Run(l.x.Threads, l.n, func(_, i int) {
		row := l.cosines.Row(i)
		for j := range row {
			own, s := 0.0, l.score(i, j)
			if i == j {
				own = 1
			}
			d := math.Exp(s-l.byQuery[i]) - own
			if l.c.Symmetric {
				d = (d + math.Exp(s-l.byResult[j]) - own) / 2
			}
			row[j] = float32(d * scale)
		}
	})
}

// send writes the gradient at the vectors: with u the vector over its length, that of Σ_j d_ij cos(u, u_j) is Σ_j d_ij u_j without its part
// along u, over the length.
func (l *infoNCE) send(gradient tensor.Mat) {
	pool.Run(l.x.Threads, 2*l.n, func(_, i int) {
		sum, own, to := make([]float64, l.v.Cols), l.v.Row(i), gradient.Row(i)
		for j := range l.n {
			other, d := 2*j+1, 0.0
			if i%2 == 0 {
				d = float64(l.cosines.Row(i / 2)[j])
			} else {
				other, d = 2*j, float64(l.cosines.Row(j)[i/2])
			}
			if l.lengths[other] == 0 {
				continue
			}
			d /= l.lengths[other]
			for k, v := range l.v.Row(other) {
				sum[k] += d * float64(v)
			}
		}
		length, along := l.lengths[i], 0.0
		if length == 0 {
			clear(to)
			return
		}
		for k, v := range own {
			along += sum[k] * float64(v) / length
		}
		for k, v := range own {
			to[k] = float32((sum[k] - along*float64(v)/length) / length)
		}
	})
}

// Ranks are the ranks of the passages of the last evaluation of a model that pairs train, in the order of the pairs: 1 is a passage that
// its query finds first among those of its batch. It is nil for other models.
func (m *Model) Ranks() []int32 { return m.progress.ranks }
