package markov

import "math"

// tune chooses the numbers of a smoothing by sites.
func (m *Model) tune(s Smoothing, sites []site) smoother {
	switch s {
	case Add:
		return tuneAdd(sites, m.config.Order)
	case WittenBell:
		return wittenBell{}
	}
	return tuneBlend(sites, m.config.Order, m.counts.wellSeen())
}

// addSmoother adds α to each of the four counts of an order.
type addSmoother struct{ alpha []float64 }

func (a addSmoother) predict(p *byOrder, r *row, last int) {
	for j := 0; j <= last; j++ {
		n := 4 * a.alpha[j]
		for _, c := range r[j] {
			n += float64(c)
		}
		for b, c := range r[j] {
			p[j][b] = (float64(c) + a.alpha[j]) / n
		}
	}
}

// tuneAdd halves the range of log₂ α, for each order, by the sign of the slope of the log-likelihood,
// Σ α·(1/(c + α) − 4/(n + 4α)). α = ½ would be the estimator of Krichevsky and Trofimov 1981.
func tuneAdd(sites []site, order int) addSmoother {
	s := addSmoother{make([]float64, order+1)}
	for j := range s.alpha {
		low, high := lowest, highest
		for range halvings {
			alpha, slope := math.Exp2((low+high)/2), 0.0
			for i := range sites {
				counted := &sites[i].counted[j]
				n := float64(counted[0] + counted[1] + counted[2] + counted[3])
				slope += 1/(float64(counted[sites[i].base])+alpha) - 4/(n+4*alpha)
			}
			if slope > 0 {
				low = (low + high) / 2
			} else {
				high = (low + high) / 2
			}
		}
		s.alpha[j] = math.Exp2((low + high) / 2)
	}
	return s
}

// wittenBell gives the order below the weight u of n + u, where u of the four bases were seen.
type wittenBell struct{}

func (wittenBell) predict(p *byOrder, r *row, last int) {
	q := uniform
	for j := 0; j <= last; j++ {
		n, u := 0.0, 0.0
		for _, c := range r[j] {
			n += float64(c)
			if c > 0 {
				u++
			}
		}
		mix(&q, &r[j], n, u)
		p[j] = q
	}
}

// mix replaces the order below, p, by (c + beta·p) / (n + beta).
func mix(p *[4]float64, c *[4]uint32, n, beta float64) {
	if n == 0 {
		return
	}
	scale := 1 / (n + beta)
	for b := range p {
		p[b] = (float64(c[b]) + beta*p[b]) * scale
	}
}
