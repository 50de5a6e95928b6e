package filters

import (
	"errors"
	"math"
)

// solve replaces b [n, m] by the solution X of A·X = B, by Cholesky's factors A = UᵀU. a [n, n] is symmetric and positive definite, of
// which the upper triangle is read; it becomes U.
func solve(a, b []float64, n, m int) error {
	for i := range n {
		row := a[i*n:]
		for k := range i {
			up := a[k*n:]
			for j := i; j < n; j++ {
				row[j] -= up[i] * up[j]
			}
			addTo(b[i*m:(i+1)*m], b[k*m:(k+1)*m], -up[i])
		}
		if !(row[i] > 0) {
			return errors.New("filters: the samples do not determine the filters")
		}
		root := 1 / math.Sqrt(row[i])
		for j := i; j < n; j++ {
			row[j] *= root
		}
		for j := range m {
			b[i*m+j] *= root
		}
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			addTo(b[i*m:(i+1)*m], b[k*m:(k+1)*m], -a[i*n+k])
		}
		for j := range m {
			b[i*m+j] /= a[i*n+i]
		}
	}
	return nil
}
