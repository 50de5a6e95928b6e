package evaluate

import (
	"github.com/longspan/longspan/data/bed"
	"github.com/longspan/longspan/data/dna"
)

// widths are the bases around a position whose composition counts.
var widths = [...]int{200, 1000, 2 * reach}

// surroundings counts bases up to each position of a chart, so that any window takes two look-ups.
type surroundings struct {
	*chart
	places []place
	c, g   []int32 // of the bases before the i-th
	cpg    []int32 // that begin before it
	known  []int32
}

func newSurroundings(t *chart, places []place) *surroundings {
	n := len(t.bases)
	s := &surroundings{chart: t, places: places}
	for _, counts := range []*[]int32{&s.c, &s.g, &s.cpg, &s.known} {
		*counts = make([]int32, n+1)
	}
	is := func(yes bool) int32 {
		if yes {
			return 1
		}
		return 0
	}
	for i, b := range t.bases {
		s.c[i+1] = s.c[i] + is(b == dna.C)
		s.g[i+1] = s.g[i] + is(b == dna.G)
		s.known[i+1] = s.known[i] + is(b < dna.N)
		s.cpg[i+1] = s.cpg[i] + is(b == dna.C && i+1 < n && t.bases[i+1] == dna.G)
	}
	return s
}

// of are the features of a position that do not look at the bases beside it: for each width the share of G and C, and the CpG there
// over those that C and G alone would make; then 1 for each kind of place that it lies in, but for the last, which is other; then, for each
// named place, the composition again where the position lies in it: CpG of repeats mutate in their own way.
func (s *surroundings) of(pos int) []float64 {
	all := s.composition(pos)
	n := len(all)
	for _, p := range s.places[:max(0, len(s.places)-1)] {
		all = append(all, in(p, pos))
	}
	for _, p := range s.places {
		if !p.named {
			continue
		}
		for _, v := range all[:n] {
			all = append(all, in(p, pos)*v)
		}
	}
	return all
}

// composition is that of the bases around a position, for each width.
func (s *surroundings) composition(pos int) (all []float64) {
	for _, w := range widths {
		from, to := pos-w/2-s.start, pos+w/2-s.start
		known := float64(max(1, s.known[to]-s.known[from]))
		c, g := float64(s.c[to]-s.c[from]), float64(s.g[to]-s.g[from])
		// Half a CpG in place of none: a window without C or G says nothing.
		ratio := (float64(s.cpg[to]-s.cpg[from]) + 0.5) * known / (c*g + 0.5*known)
		all = append(all, (c+g)/known, min(ratio, 3))
	}
	return all
}

// in is 1 for a position in a place, else 0.
func in(p place, pos int) float64 {
	if bed.Has(p.spans, pos) {
		return 1
	}
	return 0
}
