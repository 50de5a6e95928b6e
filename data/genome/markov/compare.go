package markov

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/data/dna"
)

// Row is one order of a comparison: bits per base of the test by each smoothing.
type Row struct {
	Order      int
	Alpha      float64 // that Add chose
	Add        float64
	WittenBell float64
	Blend      float64
	Best       Smoothing // the one with the fewest bits on the bases to choose by, which is the one to quote
}

// Bits is what the best smoothing takes on the test.
func (r Row) Bits() float64 { return [...]float64{r.Add, r.WittenBell, r.Blend}[r.Best] }

// Compare fits all smoothings to train and measures them on test. It returns the rows of the orders 1 … order,
// and the number of bases scored. On E. coli all orders to 16 take a few seconds.
func Compare(s *dna.Sequence, train, test dna.Span, order int) (rows []Row, scored int, err error) {
	if order < 1 || order > MaxOrder {
		return nil, 0, fmt.Errorf("markov: a comparison up to order %d; expected 1 … %d", order, MaxOrder)
	}
	c := Config{Order: order, Train: []dna.Span{train}}
	counts, err := Count(piecesOf(s, c.Train), CountConfig{Order: order, BothStrands: true})
	if err != nil {
		return nil, 0, err
	}
	m := &Model{config: c, sequence: s, pieces: piecesOf(s, c.Train), counts: counts}
	sites, err := m.sample()
	if err != nil {
		return nil, 0, err
	}
	var smoothers [Blend + 1]smoother
	var onSites [Blend + 1][]float64
	for i := range smoothers {
		smoothers[i] = m.tune(Smoothing(i), sites)
		onSites[i] = bitsOfSites(smoothers[i], sites, order)
	}
	onTest, scored, err := m.measure(test, smoothers[:]...)
	if err != nil {
		return nil, 0, err
	}
	for j := 1; j <= order; j++ {
		row := Row{Order: j, Alpha: smoothers[Add].(addSmoother).alpha[j],
			Add: onTest[Add][j], WittenBell: onTest[WittenBell][j], Blend: onTest[Blend][j]}
		for i := range smoothers {
			if onSites[i][j] < onSites[row.Best][j] {
				row.Best = Smoothing(i)
			}
		}
		rows = append(rows, row)
	}
	return rows, scored, nil
}

// bitsOfSites is the sum of −log₂ probability of sites by each order.
func bitsOfSites(smooth smoother, sites []site, order int) []float64 {
	bits := make([]float64, order+1)
	var p byOrder
	for i := range sites {
		smooth.predict(&p, &sites[i].counted, order)
		for j := range bits {
			bits[j] -= math.Log2(p[j][sites[i].base])
		}
	}
	return bits
}
