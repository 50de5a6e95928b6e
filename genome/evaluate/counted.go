package evaluate

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/genome/markov"
	"github.com/longspan/longspan/genome"
)

// contig reads a contig at two bits a base.
func contig(ref *fasta.Reference, c fasta.Contig) (*dna.Sequence, error) {
	const step = 1 << 20
	s := &dna.Sequence{Name: c.Name}
	var bases []dna.Base
	for at := 0; at < c.Length; at += step {
		var err error
		bases, err = ref.Bases(bases[:0], fasta.Window{Contig: c.Name, Start: at, End: min(at+step, c.Length)})
		if err != nil {
			return nil, err
		}
		s.Append(bases)
	}
	return s, nil
}

// outside are the spans of a contig without those that are held out.
func outside(c fasta.Contig, heldOut []genome.Region) []dna.Span {
	all := []dna.Span{{Start: 0, End: c.Length}}
	for _, h := range heldOut {
		if h.Contig.Name != c.Name {
			continue
		}
		var rest []dna.Span
		for _, s := range all {
			for _, part := range [...]dna.Span{{Start: s.Start, End: min(s.End, h.Start)}, {Start: max(s.Start, h.End), End: s.End}} {
				if part.Start < part.End {
					rest = append(rest, part)
				}
			}
		}
		all = rest
	}
	return all
}

// siteOrder is the order of the Markov model that scores substitutions.
const siteOrder = 10

// counted has how often each base followed each siteOrder bases, on both strands.
type counted []uint32

// pseudo is what is added to each of the four counts.
const pseudo = 1

// countSites counts spans of a contig.
func countSites(s *dna.Sequence, spans []dna.Span) counted {
	c := make(counted, 4<<(2*siteOrder))
	for _, span := range spans {
		for _, strand := range [...]dna.Strand{dna.Forward, dna.Reverse} {
			code, known := 0, 0
			s.EachChunk(span, strand, func(tokens []int32) {
				for _, t := range tokens {
					if t >= int32(dna.N) {
						known = 0
						continue
					}
					code = (code<<2 | int(t)) & (len(c) - 1)
					if known++; known > siteOrder {
						c[code]++
					}
				}
			})
		}
	}
	return c
}

// log is the log-probability of the last of siteOrder + 1 bases by those before it.
func (c counted) log(bases []dna.Base) float64 {
	code := 0
	for _, b := range bases {
		code = code<<2 | int(b)
	}
	n := 4.0 * pseudo
	for _, k := range c[code&^3 : code&^3+4] {
		n += float64(k)
	}
	return math.Log((float64(c[code]) + pseudo) / n)
}

// scores are log p(ALT) − log p(REF) of a substitution, summed over both strands: of its base alone, and with the siteOrder bases behind.
func (c counted) scores(t *chart, s Substitution) (site, sequence float64) {
	var with [2*siteOrder + 1]dna.Base
	for strand := range 2 {
		for i, sign := range [...]float64{-1, 1} {
			copy(with[:], t.bases[s.Pos-siteOrder-t.start:])
			with[siteOrder] = s.Ref
			if i == 1 {
				with[siteOrder] = s.Alt
			}
			if strand == 1 {
				dna.ReverseComplement(with[:])
			}
			for k := range siteOrder + 1 {
				log := sign * c.log(with[k:k+siteOrder+1])
				if k == 0 {
					site += log
				}
				sequence += log
			}
		}
	}
	return site, sequence
}

// Bits is bits a base: −log2 of the probability of the true base, the mean over a region's known bases. 2 is guessing blind.
type Bits struct {
	Of     string  `json:"of"`
	Region float64 `json:"region"` // that is tested
	Fit    float64 `json:"fit"`    // the region that is fitted to variants, which no model has seen either
	Both   float64 `json:"both"`   // the mean over the bases of the two
}

// markovBits fits Markov models to spans of a contig: the best order of those without a smoothing over orders, up to 11, and the blend of
// all orders up to order. The best order is chosen by the bits of both regions: that flatters it.
func markovBits(s *dna.Sequence, spans []dna.Span, order int, region, fit genome.Region) ([]Bits, error) {
	single, err := bitsByOrder(s, spans, markov.Config{Order: min(order, 11), Smoothing: markov.Add}, region, fit)
	if err != nil {
		return nil, err
	}
	best := 1
	for k := range single {
		if k > 0 && single[k].Both < single[best].Both {
			best = k
		}
	}
	blend, err := bitsByOrder(s, spans, markov.Config{Order: order, Smoothing: markov.Blend}, region, fit)
	if err != nil {
		return nil, err
	}
	single[best].Of = fmt.Sprintf("Markov, order %d alone", best)
	last := blend[len(blend)-1]
	last.Of = fmt.Sprintf("Markov, blend of orders up to %d", order)
	return []Bits{single[best], last}, nil
}

// bitsByOrder are the bits by each order of a model.
func bitsByOrder(s *dna.Sequence, spans []dna.Span, c markov.Config, region, fit genome.Region) ([]Bits, error) {
	c.Train = spans
	m, err := markov.Fit(s, c)
	if err != nil {
		return nil, fmt.Errorf("evaluate: the contig outside of what is held out: %w", err)
	}
	tested, n, err := m.BitsPerBase(dna.Span{Start: region.Start, End: region.End})
	if err != nil {
		return nil, err
	}
	fitted, k, err := m.BitsPerBase(dna.Span{Start: fit.Start, End: fit.End})
	if err != nil {
		return nil, err
	}
	all := make([]Bits, len(tested))
	for i := range all {
		all[i] = Bits{Region: tested[i], Fit: fitted[i], Both: (tested[i]*float64(n) + fitted[i]*float64(k)) / float64(n+k)}
	}
	return all, nil
}
