// Package markov predicts each base of a genome from the k bases before it, k up to 18: the baseline for models of long contexts.
// It predicts a probability per base; the score is bits per base, −log₂ of the probability of the true base. A genome of random
// bases needs 2.
//
// An order-k model is any rule that looks at k bases only, so the best one is not a table of raw counts: at
// order 12 most contexts of a bacterial genome were seen once or never. Three ways to make probabilities of
// counts are here:
//
//   - Add: (c + α) / (n + 4α), with an α for each order. It looks at one order alone.
//   - WittenBell: each order is mixed with the order below, which weighs as much as the number of different
//     bases seen (Witten and Bell 1991, doi:10.1109/18.87000, method C).
//   - Blend: the same chain, (c + β·lower) / (n + β), with a β for each order and each kind of context: how often
//     it was seen, and how many of the four bases followed it. Then the chain is believed as far as the longest
//     context that was seen deserves, and an order with plenty of counts for the rest.
//
// α, β and that trust are chosen by bases that are counted too, each with its own count taken out again, and never by
// those that a model is judged by. README.md has the table for E. coli, and what was tried besides.
//
// Counts are of both strands unless asked otherwise: a gene lies on either, so the other strand is as good as
// a second genome.
package markov

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/data/dna"
)

// Smoothing is a way to make probabilities of counts.
type Smoothing int

// The ways, from the plainest to the strongest.
const (
	Add Smoothing = iota
	WittenBell
	Blend
)

// String is the name of s.
func (s Smoothing) String() string {
	switch s {
	case Add:
		return "add"
	case WittenBell:
		return "witten-bell"
	}
	return "blend"
}

// Config configures Fit.
type Config struct {
	Order     int        // the longest context, 0 … MaxOrder
	Smoothing Smoothing  // how counts become probabilities
	Train     []dna.Span // whose bases are counted
	OneStrand bool       // leave the other strand uncounted
}

// Model is a chain of Markov models of the orders 0 … Order.
type Model struct {
	config   Config
	sequence *dna.Sequence // of BitsPerBase and Bits
	pieces   []Piece       // that were counted
	counts   *Counts
	smooth   smoother
}

// byOrder is the probabilities of the bases by each order.
type byOrder [MaxOrder + 1][4]float64

// smoother makes the probabilities of the orders 0 … last of what was counted.
type smoother interface {
	predict(p *byOrder, r *row, last int)
}

// Fit learns a model of s. Cost: about a microsecond a counted base, and the memory of Count.
func Fit(s *dna.Sequence, c Config) (*Model, error) {
	return fit(&Model{config: c, sequence: s, pieces: piecesOf(s, c.Train)})
}

// fit counts the pieces of m and tunes its smoothing.
func fit(m *Model) (*Model, error) {
	c := m.config
	var err error
	if m.counts, err = Count(m.pieces, CountConfig{Order: c.Order, BothStrands: !c.OneStrand}); err != nil {
		return nil, err
	}
	sites, err := m.sample()
	if err != nil {
		return nil, err
	}
	m.smooth = m.tune(c.Smoothing, sites)
	return m, nil
}

// Order is the highest order of m.
func (m *Model) Order() int { return m.config.Order }

// Alphas are the α that Add chose for each order, or nil.
func (m *Model) Alphas() []float64 {
	if a, ok := m.smooth.(addSmoother); ok {
		return a.alpha
	}
	return nil
}

// BitsPerBase is the mean −log₂ probability of the bases of span, by each order 0 … Order, and how many bases
// were scored: all but N. The bases before span are context.
func (m *Model) BitsPerBase(span dna.Span) (bits []float64, scored int, err error) {
	all, scored, err := m.measure(span, m.smooth)
	if err != nil {
		return nil, 0, err
	}
	return all[0], scored, nil
}

// measure is BitsPerBase for several smoothings of the same counts at once.
func (m *Model) measure(span dna.Span, smoothers ...smoother) (bits [][]float64, scored int, err error) {
	bits = make([][]float64, len(smoothers))
	for i := range bits {
		bits[i] = make([]float64, m.config.Order+1)
	}
	var p byOrder
	err = m.visit(m.sequence, span, 1, func(_, base int, r *row, known int) {
		for i, smooth := range smoothers {
			smooth.predict(&p, r, known)
			for j := range bits[i] {
				bits[i][j] -= math.Log2(p[min(j, known)][base])
			}
		}
		scored++
	})
	if err != nil {
		return nil, 0, err
	}
	for i := range bits {
		for j := range bits[i] {
			bits[i][j] /= float64(max(scored, 1))
		}
	}
	return bits, scored, nil
}

// Bits fills dst with −log₂ of the probability of each base of span by order; NaN at N. len(dst) must be that of
// span.
func (m *Model) Bits(dst []float64, span dna.Span, order int) error {
	if order < 0 || order > m.config.Order {
		return fmt.Errorf("markov: order %d of a model of the orders 0 … %d", order, m.config.Order)
	}
	if len(dst) != span.Len() {
		return fmt.Errorf("markov: room for %d numbers for %d bases", len(dst), span.Len())
	}
	for i := range dst {
		dst[i] = math.NaN()
	}
	var p byOrder
	return m.visit(m.sequence, span, 1, func(at, base int, r *row, known int) {
		last := min(order, known)
		m.smooth.predict(&p, r, last)
		dst[at-span.Start] = -math.Log2(p[last][base])
	})
}

var uniform = [4]float64{0.25, 0.25, 0.25, 0.25}

// visit calls f for every step-th base of a span of s that is not N, with what was counted after the known bases
// before it.
func (m *Model) visit(s *dna.Sequence, span dna.Span, step int, f func(at, base int, r *row, known int)) error {
	if span.Start < 0 || span.End > s.Len() || span.Start > span.End {
		return fmt.Errorf("markov: the span %d … %d is not within the %d bases of %s", span.Start, span.End, s.Len(), s.Name)
	}
	const chunk = 1 << 16
	var r row
	tokens := make([]int32, chunk)
	w := walker{order: m.counts.order}
	begin := max(0, span.Start-m.counts.order) // context only, before span
	for at := begin; at < span.End; at += chunk {
		part := tokens[:min(chunk, span.End-at)]
		s.Tokens(part, at, dna.Forward)
		for i, base := range part {
			if base < 4 && at+i >= span.Start && (at+i)%step == 0 {
				m.counts.lookUp(&r, w.context, w.known)
				f(at+i, int(base), &r, w.known)
			}
			w.step(base)
		}
	}
	return nil
}

// site is a base to choose numbers by, with what was counted after the bases before it.
type site struct {
	counted row
	base    int
}

// maxSites is enough to choose a few hundred β for each order, and takes 80 MB.
const maxSites = 1 << 18

// sample returns up to maxSites of the counted bases, evenly spread, each with its own count taken out again:
// what the model would have known had it never seen this base (the deleted, or leave-one-out, estimate).
func (m *Model) sample() ([]site, error) {
	order, total := m.config.Order, 0
	for _, p := range m.pieces {
		total += max(0, p.Span.Len()-order)
	}
	if total == 0 {
		return nil, fmt.Errorf("markov: the spans to learn from hold no base after %d others", order)
	}
	step := (total + maxSites - 1) / maxSites
	sites := make([]site, 0, total/step+len(m.pieces))
	for _, p := range m.pieces {
		span := p.Span
		span.Start = min(span.Start+order, span.End) // the first bases of a span are not counted
		err := m.visit(p.Sequence, span, step, func(_, base int, r *row, known int) {
			if known < order {
				return
			}
			s := site{*r, base}
			s.counted.takeOut(base, order)
			sites = append(sites, s)
		})
		if err != nil {
			return nil, err
		}
	}
	return sites, nil
}
