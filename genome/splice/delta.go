package splice

import (
	"slices"

	"github.com/longspan/longspan/data/dna"
)

// Change is how much the probability of a site grows or falls by a variant, where it does so most.
type Change struct {
	Score float64 // 0 to 1
	At    int     // bases from the row's POS, along the reference; 0 where nothing changes
}

// Delta is what an allele does to the splice sites of a gene within Options.Distance bases of it.
type Delta struct {
	Gene                                             string
	AcceptorGain, AcceptorLoss, DonorGain, DonorLoss Change
}

// Largest is the largest of the four scores.
func (d *Delta) Largest() float64 {
	return max(d.AcceptorGain.Score, d.AcceptorLoss.Score, d.DonorGain.Score, d.DonorLoss.Score)
}

// window is a part of a contig, with REF or with an allele in it, and what the model says of it.
type window struct {
	tokens []int32      // of the sense strand
	sites  [][2]float32 // by the place on the contig's forward strand: probabilities of an acceptor and of a donor
}

// take turns probabilities by the place on the sense strand into those by the place on the contig. A base that can be no site by its
// neighbours has the probability 0.
func (w *window) take(rows func(i int) (Probabilities, error), strand dna.Strand) error {
	n := len(w.tokens)
	w.sites = make([][2]float32, n)
	for i := range n {
		donor, acceptor := Candidates(w.tokens, i)
		if !donor && !acceptor {
			continue
		}
		p, err := rows(i)
		if err != nil {
			return err
		}
		at := i
		if strand == dna.Reverse {
			at = n - 1 - i
		}
		if acceptor {
			w.sites[at][0] = p[Acceptor]
		}
		if donor {
			w.sites[at][1] = p[Donor]
		}
	}
	return nil
}

// change is an allele in a window: n bases of REF at place at of the window become m others.
type change struct{ at, n, m int }

// alternate is what the window with the allele says of place x of the window with REF. The bases of the two alleles belong together one by
// one from the left. A base of REF without a partner is deleted: it has the probability 0. Bases of ALT without a partner were inserted
// behind the last base of REF, which has the largest probability among itself and them. These are the rules of SpliceAI (Jaganathan et al.
// 2019; version 1.3.1) for the alleles that it scores, of which one is one base long.
func (c change) alternate(sites [][2]float32, x int) [2]float32 {
	switch i := x - c.at; {
	case i < 0:
		return sites[x]
	case i >= c.n:
		return sites[x+c.m-c.n]
	case i >= c.m:
		return [2]float32{}
	case i < c.n-1 || c.m <= c.n:
		return sites[x]
	}
	most := sites[x]
	for _, p := range sites[x+1 : c.at+c.m] {
		most[0], most[1] = max(most[0], p[0]), max(most[1], p[1])
	}
	return most
}

// compare is the delta of a gene: the greatest changes among places from … to−1 of the window. pos is the place of the row's POS.
func (c change) compare(g *Gene, start int, ref, alt [][2]float32, from, to, pos int) Delta {
	d := Delta{Gene: g.Name}
	for x := from; x < to; x++ {
		if at := start + x; at < g.Span.Start || at >= g.Span.End {
			continue // targets of a training lie in genes
		}
		r, a := ref[x], c.alternate(alt, x)
		for _, one := range []struct {
			best  *Change
			score float32
		}{{&d.AcceptorGain, a[0] - r[0]}, {&d.AcceptorLoss, r[0] - a[0]}, {&d.DonorGain, a[1] - r[1]}, {&d.DonorLoss, r[1] - a[1]}} {
			if float64(one.score) > one.best.Score {
				*one.best = Change{float64(one.score), x - pos}
			}
		}
	}
	return d
}

// mask takes out gains of sites that the annotation has, and losses of sites that it does not have.
func (d *Delta) mask(g *Gene, pos int) {
	has := func(sites []int, c Change) bool {
		_, ok := slices.BinarySearch(sites, g.position(pos+c.At))
		return ok
	}
	for _, one := range []struct {
		change *Change
		sites  []int
		gain   bool
	}{{&d.AcceptorGain, g.Acceptors, true}, {&d.AcceptorLoss, g.Acceptors, false}, {&d.DonorGain, g.Donors, true},
		{&d.DonorLoss, g.Donors, false}} {
		if has(one.sites, *one.change) == one.gain {
			one.change.Score = 0
		}
	}
}
