package splice

import (
	"slices"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
)

// The classes of a base.
const (
	Neither  int32 = iota
	Acceptor       // the first base of an exon, behind an intron
	Donor          // the last base of an exon, before an intron
	classes
)

// ClassNames are the names of the classes, by number.
func ClassNames() []string { return []string{"neither", "acceptor", "donor"} }

// Candidates says of which classes base at of tokens may be by its neighbours: of a donor, before GT or GC; of an acceptor, behind AG.
// They are the ends of 99 of 100 introns.
func Candidates(tokens []int32, at int) (donor, acceptor bool) {
	if at+2 < len(tokens) && tokens[at+1] == int32(dna.G) {
		donor = tokens[at+2] == int32(dna.T) || tokens[at+2] == int32(dna.C)
	}
	acceptor = at >= 2 && tokens[at-2] == int32(dna.A) && tokens[at-1] == int32(dna.G)
	return donor, acceptor
}

// Targets writes the classes of the bases from position from of g on to dst. A base that can be no site by its neighbours, and is none, is
// data.Ignore: of those a model learns nothing. So are bases outside of the gene, and a base that is a donor and an acceptor.
func (g *Gene) Targets(dst []int32, from int) {
	tokens := make([]int32, len(dst)+4)
	g.padded(tokens, from-2)
	for i := range dst {
		dst[i] = data.Ignore
		if at := from + i; at < 0 || at >= g.Len() {
			continue
		}
		if donor, acceptor := Candidates(tokens, i+2); donor || acceptor {
			dst[i] = Neither
		}
	}
	mark := func(sites []int, class int32) {
		first, _ := slices.BinarySearch(sites, from)
		for _, at := range sites[first:] {
			if at-from >= len(dst) {
				return
			}
			dst[at-from] = class
		}
	}
	mark(g.Donors, Donor)
	mark(g.Acceptors, Acceptor)
	for _, at := range g.Donors {
		if _, both := slices.BinarySearch(g.Acceptors, at); both && at >= from && at-from < len(dst) {
			dst[at-from] = data.Ignore
		}
	}
}
