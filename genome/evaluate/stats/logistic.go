package stats

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Logistic is a logistic regression: log-odds of a case, as a weighted sum of features.
type Logistic struct {
	Intercept float64   // at the means of all features
	Weights   []float64 // of features in units of their standard deviations
	Mean, SD  []float64 // of the features that it was fitted to; SD 1 where a feature does not vary
}

// Penalties are those that CrossValidate tries, from the strongest.
var Penalties = []float64{10_000, 1000, 100, 10, 1}

// FitLogistic fits a logistic regression to rows of features, all of one length, by Newton's method, with a penalty of l2/2 times the sum
// of squared weights of standardised features; the intercept is free. l2 above 0 makes the answer unique. Cost: rows · features² for each
// of about ten steps.
func FitLogistic(rows [][]float64, isCase []bool, l2 float64) (*Logistic, error) {
	if !(l2 > 0) || math.IsInf(l2, 0) {
		return nil, fmt.Errorf("stats: found a penalty of %g, expected a number above 0", l2)
	}
	t, err := newTable(rows, isCase)
	if err != nil {
		return nil, err
	}
	w := make([]float64, t.k)
	if err := t.fit(w, l2, -1); err != nil {
		return nil, err
	}
	return t.model(w), nil
}

// CrossValidate chooses the penalty of Penalties with the highest likelihood of items that were left out, fold by fold, and fits all items
// with it. An item's fold is 0 … folds−1: neighbours belong in one fold. Cost: folds · len(Penalties) + 1 fits, most of them from near
// their end.
func CrossValidate(rows [][]float64, isCase []bool, fold []int32, folds int) (*Logistic, float64, error) {
	if len(fold) != len(rows) || folds < 2 {
		return nil, 0, fmt.Errorf("stats: found %d rows and %d folds of items in %d folds, expected one of each and two folds at least",
			len(rows), len(fold), folds)
	}
	t, err := newTable(rows, isCase)
	if err != nil {
		return nil, 0, err
	}
	t.fold = fold
	total := make([]float64, len(Penalties))
	for f := range folds {
		w := make([]float64, t.k)
		for i, l2 := range Penalties {
			if err := t.fit(w, l2, int32(f)); err != nil {
				return nil, 0, err
			}
			total[i] += t.likelihood(w, int32(f))
		}
	}
	best := 0
	for i := range total {
		if total[i] > total[best] {
			best = i
		}
	}
	w := make([]float64, t.k)
	if err := t.fit(w, Penalties[best], -1); err != nil {
		return nil, 0, err
	}
	return t.model(w), Penalties[best], nil
}

// LogOdds is the log-odds of a case for an item. The row has as many features as those of the fit.
func (m *Logistic) LogOdds(row []float64) float64 {
	z := m.Intercept
	for j := range m.Weights {
		z += m.Weights[j] * (row[j] - m.Mean[j]) / m.SD[j]
	}
	return z
}

// table is items with their features in standard units.
type table struct {
	k        int       // columns: the features, and 1 for the intercept
	x        []float64 // [items, k]
	isCase   []bool
	fold     []int32 // nil: none
	mean, sd []float64
}

func newTable(rows [][]float64, isCase []bool) (*table, error) {
	n := len(rows)
	if n == 0 || n != len(isCase) {
		return nil, fmt.Errorf("stats: found %d rows and %d labels, expected one of each item", n, len(isCase))
	}
	k := len(rows[0])
	t := &table{k: k + 1, isCase: isCase, x: make([]float64, 0, n*(k+1)), mean: make([]float64, k), sd: make([]float64, k)}
	cases := 0
	for i, row := range rows {
		if len(row) != k {
			return nil, fmt.Errorf("stats: found %d features of item %d, expected %d", len(row), i, k)
		}
		for j, v := range row {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("stats: found the feature %g of item %d, expected a finite number", v, i)
			}
			t.mean[j] += v / float64(n)
		}
		t.x = append(append(t.x, row...), 1)
		if isCase[i] {
			cases++
		}
	}
	if cases == 0 || cases == n {
		return nil, fmt.Errorf("stats: found %d cases of %d items, expected cases and controls", cases, n)
	}
	t.standardise()
	return t, nil
}

// standardise gives each feature the mean 0 and the deviation 1.
func (t *table) standardise() {
	n := len(t.isCase)
	for j := range t.k - 1 {
		for i := range n {
			d := t.x[i*t.k+j] - t.mean[j]
			t.x[i*t.k+j] = d
			t.sd[j] += d * d / float64(n)
		}
		if t.sd[j] = math.Sqrt(t.sd[j]); t.sd[j] <= 1e-12*math.Abs(t.mean[j]) {
			t.sd[j] = 1
		}
		for i := range n {
			t.x[i*t.k+j] /= t.sd[j]
		}
	}
}

func (t *table) model(w []float64) *Logistic {
	return &Logistic{Intercept: w[t.k-1], Weights: w[:t.k-1], Mean: t.mean, SD: t.sd}
}

// maxNewton bounds the steps of Newton's method. Ten are enough.
const maxNewton = 50

// fit climbs from w to the peak of the penalised log-likelihood of all items but those of a fold; −1 is none. A step that would lower it is
// halved.
func (t *table) fit(w []float64, l2 float64, without int32) error {
	hessian, gradient := mat.NewSymDense(t.k, nil), mat.NewVecDense(t.k, nil)
	var step mat.VecDense
	var chol mat.Cholesky
	last := t.slope(gradient, hessian, w, l2, without)
	start := make([]float64, t.k)
	for range maxNewton {
		if !chol.Factorize(hessian) {
			return errors.New("stats: the features of the regression depend on each other; a larger penalty helps")
		}
		// An ill-conditioned step is a step upwards all the same, or is halved.
		var condition mat.Condition
		if err := chol.SolveVecTo(&step, gradient); err != nil && !errors.As(err, &condition) {
			return fmt.Errorf("stats: a step of the regression: %w", err)
		}
		if mat.Dot(&step, gradient) < 1e-7 {
			return nil
		}
		copy(start, w)
		for scale := 1.0; ; scale /= 2 {
			for j := range w {
				w[j] = start[j] + scale*step.AtVec(j)
			}
			next := t.slope(gradient, hessian, w, l2, without)
			if next >= last || scale < 1e-6 {
				last = next
				break
			}
		}
	}
	return fmt.Errorf("stats: the regression did not settle within %d steps; a larger penalty helps", maxNewton)
}

// slope fills the gradient and the negative Hessian, and returns the penalised log-likelihood.
func (t *table) slope(gradient *mat.VecDense, hessian *mat.SymDense, w []float64, l2 float64, without int32) (total float64) {
	k := t.k
	g, h := gradient.RawVector().Data, hessian.RawSymmetric()
	clear(g)
	clear(h.Data)
	for i, isCase := range t.isCase {
		if t.fold != nil && t.fold[i] == without {
			continue
		}
		x := t.x[i*k : (i+1)*k]
		z := 0.0
		for j, v := range x {
			z += v * w[j]
		}
		p := 1 / (1 + math.Exp(-z))
		residual := -p
		if isCase {
			residual, z = 1-p, -z
		}
		total -= softplus(z)
		spread := p * (1 - p)
		for j, v := range x {
			g[j] += residual * v
			if v == 0 {
				continue
			}
			v *= spread
			upper := h.Data[j*h.Stride+j : j*h.Stride+k]
			for m, u := range x[j:] {
				upper[m] += v * u
			}
		}
	}
	for j := range k - 1 {
		g[j] -= l2 * w[j]
		h.Data[j*h.Stride+j] += l2
		total -= l2 / 2 * w[j] * w[j]
	}
	h.Data[(k-1)*h.Stride+k-1] += 1e-9
	return total
}

// likelihood is the log-likelihood of the items of a fold.
func (t *table) likelihood(w []float64, of int32) (total float64) {
	for i, isCase := range t.isCase {
		if t.fold[i] != of {
			continue
		}
		z := 0.0
		for j, v := range t.x[i*t.k : (i+1)*t.k] {
			z += v * w[j]
		}
		if isCase {
			z = -z
		}
		total -= softplus(z)
	}
	return total
}

// softplus is log(1 + eᶻ).
func softplus(z float64) float64 { return max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))) }
