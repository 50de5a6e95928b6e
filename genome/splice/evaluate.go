package splice

import (
	"context"
	"slices"
)

// Result is how well sites of whole genes are found.
type Result struct {
	Genes    int      `json:"genes"`
	Bases    int      `json:"bases"`
	Donor    Accuracy `json:"donor"`
	Acceptor Accuracy `json:"acceptor"`
}

// Evaluation compares scores of the bases of genes with their sites.
type Evaluation struct {
	result          Result
	donor, acceptor Curve
}

// Add takes the scores of all bases of a gene, score(at) giving those of the donor and the acceptor at a position, in any unit. Bases that
// can be no sites by their neighbours are not asked for: they come last.
func (e *Evaluation) Add(g *Gene, score func(at int) (donor, acceptor float64)) {
	e.result.Genes++
	e.result.Bases += g.Len()
	e.donor.Sites(len(g.Donors))
	e.acceptor.Sites(len(g.Acceptors))
	tokens := make([]int32, g.Len()+4)
	g.padded(tokens, -2)
	for at := range g.Len() {
		isDonor, isAcceptor := Candidates(tokens, at+2)
		if !isDonor && !isAcceptor {
			continue
		}
		donor, acceptor := score(at)
		if isDonor {
			_, site := slices.BinarySearch(g.Donors, at)
			e.donor.Add(donor, site)
		}
		if isAcceptor {
			_, site := slices.BinarySearch(g.Acceptors, at)
			e.acceptor.Add(acceptor, site)
		}
	}
}

// Result is that of all genes together.
func (e *Evaluation) Result() Result {
	r := e.result
	r.Donor, r.Acceptor = e.donor.Accuracy(), e.acceptor.Accuracy()
	return r
}

// Evaluate predicts the sites of genes.
func Evaluate(ctx context.Context, p *Predictor, genes []*Gene) (Result, error) {
	var e Evaluation
	for _, g := range genes {
		all, err := p.Gene(ctx, g)
		if err != nil {
			return Result{}, err
		}
		e.Add(g, func(at int) (donor, acceptor float64) { return float64(all[at][Donor]), float64(all[at][Acceptor]) })
	}
	return e.Result(), nil
}
