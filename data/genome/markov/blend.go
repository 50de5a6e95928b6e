package markov

import (
	"math"
	"math/bits"
)

// blendSmoother has a β for each order and kind of context, and a trust for each model, longest context that was
// seen, and its kind.
type blendSmoother struct {
	beta  [][]float64
	trust [][]float64 // of the model of order k: longest·kinds + kind
	safe  int         // orders up to here need no trust
}

func (s blendSmoother) predict(p *byOrder, r *row, last int) {
	longest, kind := 0, [MaxOrder + 1]int{}
	q := uniform
	for j := 0; j <= last; j++ {
		k, n := kindOf(r, j)
		if n > 0 {
			mix(&q, &r[j], float64(n), s.beta[j][k])
			longest, kind[j] = j, k
		}
		p[j] = q
	}
	// From the top down: what is replaced is not needed by the orders below.
	for k := last; k > s.safe; k-- {
		l := max(min(longest, k), s.safe)
		w := s.trust[k][l*kinds+kind[l]]
		for b := range p[k] {
			p[k][b] = w*p[l][b] + (1-w)*p[s.safe][b]
		}
	}
}

// Kinds of contexts are told apart by two numbers. Finer kinds (how one-sided the counts are, how much rarer the
// context is than the one shorter by a base) fit the bases they are learned from better and others worse.
const (
	countSteps = 44 // n: exact to 12, then a step an octave
	seenSteps  = 4  // how many of the four bases were seen, less one
	kinds      = countSteps * seenSteps
)

// kindOf is the kind of the context of order j, and how often it was seen.
func kindOf(r *row, j int) (kind int, n uint32) {
	seen := 0
	for _, c := range r[j] {
		n += c
		if c > 0 {
			seen++
		}
	}
	if n == 0 {
		return 0, 0
	}
	count := int(n)
	if n > 12 {
		count = 12 + bits.Len32(n) - bits.Len32(12) + 1
	}
	return count*seenSteps + seen - 1, n
}

// α and β are looked for from 2⁻⁸ to 2¹⁴ by halving 14 times: to 2^(22/2¹⁵), 0.05%.
const (
	lowest   = -8.0
	highest  = 14.0
	halvings = 14
)

// tuneBlend chooses β order by order, with the orders below already chosen, and then the trust of each model.
// For the sites of one kind the log-likelihood Σ log((c + βp)/(n + β)) rises to its peak and falls, in practice;
// the sign of its slope says on which side of the peak a β is. As function of log β the slope is
// Σ β·(p/(c + βp) − 1/(n + β)).
func tuneBlend(sites []site, order, safe int) blendSmoother {
	s := blendSmoother{make([][]float64, order+1), make([][]float64, order+1), safe}
	lower := make([][4]float64, len(sites))
	kind := make([]int32, len(sites))
	likelihood := make([][]float64, order+1) // of each site by each order of the chain
	top := make([]int32, len(sites))         // of each site, the longest context seen and its kind
	for i := range lower {
		lower[i] = uniform
	}
	for j := range s.beta {
		for i := range sites {
			k, _ := kindOf(&sites[i].counted, j)
			kind[i] = int32(k)
		}
		s.beta[j] = tuneOrder(sites, kind, lower, j)
		likelihood[j] = make([]float64, len(sites))
		for i := range sites {
			if k, n := kindOf(&sites[i].counted, j); n > 0 {
				mix(&lower[i], &sites[i].counted[j], float64(n), s.beta[j][k])
				top[i] = int32(j*kinds + k)
			}
			likelihood[j][i] = lower[i][sites[i].base]
		}
		if j > safe {
			s.trust[j] = tuneTrust(likelihood, top, safe, j)
		}
	}
	return s
}

// tuneTrust chooses the trust w of the model of order k: how far the chain is believed where it ends, for each
// place where it can end and kind of context there. log(w·chain + (1−w)·safe) is concave in w.
//
// Why it is needed: a context of 12 bases that was seen once may be there by chance, or as a part of a repeat of
// thousands. The chain's β for that kind is a compromise. Where 16 bases match it is a repeat; where 12 match and
// 13 do not it was chance, and what orders 9 to 12 said is best forgotten.
func tuneTrust(likelihood [][]float64, top []int32, safe, k int) []float64 {
	n := (k + 1) * kinds
	low, high, slope := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range high {
		high[i] = 1
	}
	for range halvings {
		for i := range slope {
			w := (low[i] + high[i]) / 2
			slope[i] = 0.5 * (1/w - 1/(1-w)) // of a Beta prior of half a site each way beyond the uniform one
		}
		for i, t := range top {
			if l := int(t) / kinds; l > safe {
				w := (low[t] + high[t]) / 2
				chain, base := likelihood[l][i], likelihood[safe][i]
				slope[t] += (chain - base) / (w*chain + (1-w)*base)
			}
		}
		for i := range slope {
			if w := (low[i] + high[i]) / 2; slope[i] > 0 {
				low[i] = w
			} else {
				high[i] = w
			}
		}
	}
	for i := range low {
		low[i] = (low[i] + high[i]) / 2
	}
	return low
}

// pull draws log₂ β towards 2 with the force of a site or so, so that kinds with next to no sites get a β of
// about 4 and not an end of the range.
const (
	pull       = .03
	pullCentre = 2
)

func tuneOrder(sites []site, kind []int32, lower [][4]float64, j int) []float64 {
	low, high := make([]float64, kinds), make([]float64, kinds)
	beta, slope := make([]float64, kinds), make([]float64, kinds)
	for k := range kinds {
		low[k], high[k] = lowest, highest
	}
	for range halvings {
		for k := range kinds {
			middle := (low[k] + high[k]) / 2
			beta[k], slope[k] = math.Exp2(middle), -pull*(middle-pullCentre)
		}
		for i := range sites {
			counted := &sites[i].counted[j]
			n := float64(counted[0] + counted[1] + counted[2] + counted[3])
			if n == 0 {
				continue
			}
			k, base := kind[i], sites[i].base
			c, p := float64(counted[base]), lower[i][base]
			slope[k] += beta[k] * (p/(c+beta[k]*p) - 1/(n+beta[k]))
		}
		for k := range kinds {
			if middle := (low[k] + high[k]) / 2; slope[k] > 0 {
				low[k] = middle
			} else {
				high[k] = middle
			}
		}
	}
	for k := range kinds {
		beta[k] = math.Exp2((low[k] + high[k]) / 2)
	}
	return beta
}
