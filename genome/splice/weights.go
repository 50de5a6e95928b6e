package splice

import (
	"math"

	"github.com/longspan/longspan/data/dna"
)

// Weights are position weight matrices of the bases around donors and acceptors: the baseline that knows nothing but these bases (Staden
// 1984, doi:10.1093/nar/12.1Part2.505).
type Weights struct{ donor, acceptor matrix }

// matrix is log-odds of bases at the positions around a site, against candidates that are none. Position 0 is before bases before it.
type matrix struct {
	before int
	odds   [][4]float64
}

// The bases that decide: 3 of the exon and 6 of the intron at a donor, 20 of the intron and 3 of the exon at an acceptor (Yeo and Burge
// 2004, doi:10.1089/1066527041410418).
const (
	donorBefore, donorBases       = 2, 9
	acceptorBefore, acceptorBases = 20, 23
)

// FitWeights counts the bases around the sites and the other candidates of genes.
func FitWeights(genes []*Gene) *Weights {
	w := &Weights{matrix{donorBefore, make([][4]float64, donorBases)}, matrix{acceptorBefore, make([][4]float64, acceptorBases)}}
	counts := map[bool][2][][4]float64{} // by whether it is a site: donors, acceptors
	for _, site := range []bool{false, true} {
		counts[site] = [2][][4]float64{make([][4]float64, donorBases), make([][4]float64, acceptorBases)}
	}
	for _, g := range genes {
		tokens := w.around(g)
		targets := make([]int32, g.Len())
		g.Targets(targets, 0)
		for at, target := range targets {
			i := at + acceptorBefore
			donor, acceptor := Candidates(tokens, i)
			if donor {
				w.donor.count(counts[target == Donor][0], tokens, i)
			}
			if acceptor {
				w.acceptor.count(counts[target == Acceptor][1], tokens, i)
			}
		}
	}
	for kind, m := range []*matrix{&w.donor, &w.acceptor} {
		for i := range m.odds {
			sites, others := counts[true][kind][i], counts[false][kind][i]
			allSites, allOthers := 4.0, 4.0 // one of each base is added
			for b := range 4 {
				allSites, allOthers = allSites+sites[b], allOthers+others[b]
			}
			for b := range 4 {
				m.odds[i][b] = math.Log((sites[b]+1)/allSites) - math.Log((others[b]+1)/allOthers)
			}
		}
	}
	return w
}

// around is the bases of g with those that the matrices need on each side.
func (w *Weights) around(g *Gene) []int32 {
	tokens := make([]int32, g.Len()+2*acceptorBefore)
	g.padded(tokens, -acceptorBefore)
	return tokens
}

func (m *matrix) count(counts [][4]float64, tokens []int32, at int) {
	for i := range counts {
		if b := tokens[at-m.before+i]; b < int32(dna.N) {
			counts[i][b]++
		}
	}
}

func (m *matrix) score(tokens []int32, at int) (sum float64) {
	for i := range m.odds {
		if b := tokens[at-m.before+i]; b < int32(dna.N) {
			sum += m.odds[i][b]
		}
	}
	return sum
}

// Evaluate scores genes by the matrices.
func (w *Weights) Evaluate(genes []*Gene) Result {
	var e Evaluation
	for _, g := range genes {
		tokens := w.around(g)
		e.Add(g, func(at int) (donor, acceptor float64) {
			i := at + acceptorBefore
			return w.donor.score(tokens, i), w.acceptor.score(tokens, i)
		})
	}
	return e.Result()
}
