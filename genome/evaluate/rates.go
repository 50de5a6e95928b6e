package evaluate

import (
	"math"

	"github.com/longspan/longspan/data/dna"
)

// longest is the length of the longest k-mers whose rates are counted.
const longest = 7

// tally counts places and SNVs by the seven bases around them. Both strands count alike: the base in the middle is C or T.
type tally struct {
	places []float64 // 4⁷
	snvs   []float64 // 4⁷ times the other base
}

func newTally() *tally {
	n := 1 << (2 * longest)
	return &tally{make([]float64, n), make([]float64, 4*n)}
}

// folded is a k-mer with an alternate base in its middle, as the strand has it on which the middle is C or T.
func folded(code, k int, alt dna.Base) (int, dna.Base) {
	if middle := code >> (2 * (k / 2)) & 3; middle == int(dna.C) || middle == int(dna.T) {
		return code, alt
	}
	other := 0
	for range k {
		other = other<<2 | 3 - code&3
		code >>= 2
	}
	return other, alt.Complement()
}

// tallies counts a part, block by block of its folds.
func (t *part) tallies(fold func(pos int) int, folds int) []*tally {
	all := make([]*tally, folds)
	for i := range all {
		all[i] = newTally()
	}
	for pos := t.region.Start; pos < t.region.End; pos++ {
		if code, ok := t.around(pos, longest); ok && t.known(pos) {
			code, _ = folded(code, longest, 0)
			all[fold(pos)].places[code]++
		}
	}
	for _, s := range t.snvs {
		code, _ := t.around(s.Pos, longest)
		code, alt := folded(code, longest, s.Alt)
		all[fold(s.Pos)].snvs[4*code+int(alt)]++
	}
	return all
}

// sum adds tallies, without one: −1 is all.
func sum(all []*tally, without int) *tally {
	total := newTally()
	for i, t := range all {
		if i == without {
			continue
		}
		for j, n := range t.places {
			total.places[j] += n
		}
		for j, n := range t.snvs {
			total.snvs[j] += n
		}
	}
	return total
}

// inner is the tally of the k−2 bases in the middle of k-mers.
func (t *tally) inner(k int) *tally {
	n := 1 << (2 * (k - 2))
	small := &tally{make([]float64, n), make([]float64, 4*n)}
	for code, places := range t.places {
		middle := code >> 2 & (n - 1)
		small.places[middle] += places
		for alt := range 4 {
			small.snvs[4*middle+alt] += t.snvs[4*code+alt]
		}
	}
	return small
}

// rates has the rate of each substitution of the base in the middle of k-mers, for k = 1, 3, 5, 7: SNVs a place.
type rates struct {
	prior float64
	by    [longest + 1][]float64 // by k: 4·k-mer + alternate base
}

// newRates makes rates of counts. Each k-mer's rate is drawn to that of its middle as if prior more places had that one.
func newRates(t *tally, prior float64) *rates {
	r := &rates{prior: prior}
	counts := [longest + 1]*tally{longest: t}
	for k := longest; k > 1; k -= 2 {
		counts[k-2] = counts[k].inner(k)
	}
	for k := 1; k <= longest; k += 2 {
		r.by[k] = make([]float64, len(counts[k].snvs))
		for i, n := range counts[k].snvs {
			lower := 1e-3 // of nothing known
			if k > 1 {
				lower = r.by[k-2][4*(i>>4&(1<<(2*(k-2))-1))+i&3]
			}
			r.by[k][i] = (n + prior*lower) / (counts[k].places[i>>2] + prior)
		}
	}
	return r
}

// of is the logarithm of the rate of a substitution by the k bases around it.
func (r *rates) of(c *chart, s Substitution, k int) float64 {
	code, _ := c.around(s.Pos, k)
	code, alt := folded(code, k, s.Alt)
	return math.Log(r.by[k][4*code+int(alt)])
}

// likelihood is the Poisson log-likelihood of counts by the rates, but for a constant.
func (r *rates) likelihood(t *tally) (total float64) {
	for i, n := range t.snvs {
		places := t.places[i>>2]
		if i>>(2*(longest/2)+2)&3 == i&3 || places == 0 { // the base itself
			continue
		}
		rate := r.by[longest][i]
		total += n*math.Log(rate) - places*rate
	}
	return total
}

// fitRates fits rates to all folds, and to all but each. The prior is that of priors under which folds that were left out are likeliest.
func fitRates(folds []*tally) (all *rates, without []*rates) {
	priors := []float64{100, 300, 1000, 3000, 10_000}
	best, bestAt := math.Inf(-1), priors[0]
	rest := make([]*tally, len(folds))
	for i := range folds {
		rest[i] = sum(folds, i)
	}
	for _, prior := range priors {
		total := 0.0
		for i, fold := range folds {
			total += newRates(rest[i], prior).likelihood(fold)
		}
		if total > best {
			best, bestAt = total, prior
		}
	}
	for i := range folds {
		without = append(without, newRates(rest[i], bestAt))
	}
	return newRates(sum(folds, -1), bestAt), without
}
