package evaluate

import (
	"math"

	"github.com/longspan/longspan/data/bed"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/genome/evaluate/stats"
)

// PlaceRow is a kind of place. Rows of named places overlap those of genes.
type PlaceRow struct {
	Place      string   `json:"place"`
	Bases      int      `json:"bases"`
	SNVs       int      `json:"snvs"`
	Expected   float64  `json:"expected"` // SNVs, by the share of matched substitutions that lie there
	Singletons int      `json:"singletons"`
	Common     int      `json:"common"`
	MeanSNV    *float64 `json:"mean_llr,omitempty"`         // of the model's score of the SNVs, both strands
	MeanDrawn  *float64 `json:"mean_llr_matched,omitempty"` // of the matched substitutions
	Matched    *float64 `json:"auroc_matched,omitempty"`    // of that score within the place
}

// places counts by place.
func (e *Evaluation) places() (rows []PlaceRow) {
	t, o := e.test, e.options
	first := len(t.snvs) + len(t.random) // of the matched
	for _, p := range placesOf(o.Region, o.Genes, o.Places) {
		row := PlaceRow{Place: p.name, Bases: bed.Overlap(p.spans, o.Region.Start, o.Region.End)}
		var at []int32
		drawn := 0
		for i, s := range t.items {
			if i >= len(t.snvs) && i < first || !bed.Has(p.spans, s.Pos) {
				continue
			}
			at = append(at, int32(i))
			if i >= first {
				drawn++
				continue
			}
			row.SNVs++
			row.add(t.snvs[i])
		}
		row.Expected = float64(drawn) * float64(len(t.snvs)) / float64(max(1, len(t.matched)))
		if t.opinions != nil {
			e.judge(&row, at)
		}
		rows = append(rows, row)
	}
	return rows
}

func (r *PlaceRow) add(s SNV) {
	if s.Singleton() {
		r.Singletons++
	}
	if s.Common() {
		r.Common++
	}
}

// judge fills the numbers of the model for the items of a place.
func (e *Evaluation) judge(row *PlaceRow, at []int32) {
	t := e.test
	d := stats.Design{Blocks: 1}
	var scores, snvs, drawn []float64
	for _, i := range at {
		v := t.opinions[i].llr()
		if int(i) < len(t.snvs) {
			snvs = append(snvs, v)
		} else {
			drawn = append(drawn, v)
		}
		scores = append(scores, v)
		d.Case, d.Block = append(d.Case, int(i) < len(t.snvs)), append(d.Block, 0)
		d.Stratum = append(d.Stratum, t.class(t.items[i]))
	}
	row.MeanSNV, row.MeanDrawn = mean(snvs), mean(drawn)
	if ranked, err := d.Rank(scores); err == nil && min(len(snvs), len(drawn)) >= fewest {
		if v := ranked.AUROC(nil); !math.IsNaN(v) {
			row.Matched = &v
		}
	}
}

// mean is nil of nothing.
func mean(values []float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	m := 0.0
	for _, v := range values {
		m += v / float64(len(values))
	}
	return &m
}

// Class is one of the 96 classes of substitutions: a base between its neighbours, by another, as the strand has it on which the base is C
// or T.
type Class struct {
	Name   string  `json:"name"`   // such as A[C>T]G
	SNVs   int     `json:"snvs"`   // of the region that is tested
	Places int     `json:"places"` // with these three bases
	Rate   float64 `json:"rate"`   // SNVs a place
}

// spectrum counts SNVs by class: by substitution first, then by the neighbours.
func (e *Evaluation) spectrum() (all []Class) {
	t := e.test
	var places [64]int
	for pos := t.region.Start; pos < t.region.End; pos++ {
		if code, ok := t.around(pos, 3); ok && t.known(pos) {
			code, _ = folded(code, 3, 0)
			places[code]++
		}
	}
	var snvs [256]int
	for _, s := range t.snvs {
		code, _ := t.around(s.Pos, 3)
		code, alt := folded(code, 3, s.Alt)
		snvs[4*code+int(alt)]++
	}
	for _, ref := range [...]dna.Base{dna.C, dna.T} {
		for alt := range dna.N {
			if alt == ref {
				continue
			}
			for flanks := range 16 {
				left, right := dna.Base(flanks>>2), dna.Base(flanks&3)
				code := int(left)<<4 | int(ref)<<2 | int(right)
				c := Class{Name: string([]byte{left.Letter(), '[', ref.Letter(), '>', alt.Letter(), ']', right.Letter()}),
					SNVs: snvs[4*code+int(alt)], Places: places[code]}
				c.Rate = float64(c.SNVs) / float64(max(1, c.Places))
				all = append(all, c)
			}
		}
	}
	return all
}

// Density is the number of SNVs along the region.
type Density struct {
	Window      int       `json:"window"`    // bases
	Seen        []int     `json:"seen"`      // SNVs of each window
	Predicted   []float64 `json:"predicted"` // by the 7-mer rates of the region to fit
	Correlation *float64  `json:"correlation,omitempty"`
}

// density counts SNVs by windows of some 10,000 bases, or of a twentieth of a short region. All are of one length, but for the last, which
// is shorter by less than their number: a window that is cut would seem to have few SNVs.
func (e *Evaluation) density(r *rates, t *part) {
	length := t.region.End - t.region.Start
	n := min(length, max(20, length/10_000))
	d := Density{Window: (length + n - 1) / n}
	n = (length + d.Window - 1) / d.Window
	d.Seen, d.Predicted = make([]int, n), make([]float64, n)
	for _, s := range t.snvs {
		d.Seen[(s.Pos-t.region.Start)/d.Window]++
	}
	other := make([]float64, 1<<(2*longest)) // the sum over the other bases
	for i, rate := range r.by[longest] {
		if i>>(2*(longest/2)+2)&3 != i&3 {
			other[i>>2] += rate
		}
	}
	for pos := t.region.Start; pos < t.region.End; pos++ {
		if code, ok := t.around(pos, longest); ok && t.known(pos) {
			code, _ = folded(code, longest, 0)
			d.Predicted[(pos-t.region.Start)/d.Window] += other[code]
		}
	}
	d.Correlation = correlation(d.Seen, d.Predicted)
	e.Density = d
}

// correlation is Pearson's; nil where one of the two does not vary.
func correlation(a []int, b []float64) *float64 {
	n := float64(len(a))
	var sa, sb, saa, sbb, sab float64
	for i := range a {
		x, y := float64(a[i]), b[i]
		sa, sb, saa, sbb, sab = sa+x, sb+y, saa+x*x, sbb+y*y, sab+x*y
	}
	va, vb := saa-sa*sa/n, sbb-sb*sb/n
	if va <= 1e-9 || vb <= 1e-9 {
		return nil
	}
	r := (sab - sa*sb/n) / math.Sqrt(va*vb)
	return &r
}
