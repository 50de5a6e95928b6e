package evaluate

import (
	"fmt"

	"github.com/longspan/longspan/genome/evaluate/stats"
)

// The names of what is compared.
const (
	AgainstRandom  = "random"  // SNVs against substitutions drawn uniformly
	AgainstMatched = "matched" // … against ones of the same base between the same neighbours, by the same base
	AllTogether    = "pooled"  // … without strata: an SNV is compared with the matched substitutions of all SNVs
	CommonSingle   = "common"  // common SNVs against singletons
)

// contrast is cases and controls of a part.
type contrast struct {
	name   string
	items  []int32 // of the part
	design stats.Design
}

// fewest is the least number of cases, and of controls, of a contrast.
const fewest = 50

// contrasts are those of a part. Blocks have a length in bases. A contrast of too few items is left out; the note says so.
func (s *scored) contrasts(block int) (all []*contrast, notes []string) {
	n, random := len(s.snvs), len(s.random)
	against, matched, common := contrast{name: AgainstRandom}, contrast{name: AgainstMatched}, contrast{name: CommonSingle}
	for i := range s.items {
		switch {
		case i < n:
			s.put(&against, i, true, block)
			s.put(&matched, i, true, block)
			if v := s.snvs[i]; v.Common() || v.Singleton() {
				s.put(&common, i, v.Common(), block)
			}
		case i < n+random:
			s.put(&against, i, false, block)
		default:
			s.put(&matched, i, false, block)
		}
	}
	for _, i := range matched.items {
		matched.design.Stratum = append(matched.design.Stratum, s.class(s.items[i]))
	}
	pooled := matched
	pooled.name, pooled.design.Stratum = AllTogether, nil
	for _, c := range []*contrast{&matched, &pooled, &against, &common} {
		cases := 0
		for _, is := range c.design.Case {
			if is {
				cases++
			}
		}
		if controls := len(c.items) - cases; min(cases, controls) < fewest {
			notes = append(notes, fmt.Sprintf("%v: found %d cases and %d controls of the contrast %s, expected %d at least: it is left out",
				s.region, cases, controls, c.name, fewest))
			continue
		}
		all = append(all, c)
	}
	return all, notes
}

// put adds an item to a contrast.
func (s *scored) put(c *contrast, i int, isCase bool, block int) {
	d := &c.design
	c.items = append(c.items, int32(i))
	d.Case = append(d.Case, isCase)
	d.Block = append(d.Block, int32((s.items[i].Pos-s.region.Start)/block))
	d.Blocks = (s.region.End - s.region.Start + block - 1) / block
}

// pick are the values of a contrast's items.
func pick[E any](c *contrast, values []E) []E {
	all := make([]E, len(c.items))
	for k, i := range c.items {
		all[k] = values[i]
	}
	return all
}

// measured is the AUROC of a score, with that of each resample.
type measured struct {
	name      string
	kind      Kind
	value     float64
	resampled []float64
}

// measure measures a score by a contrast.
func (c *contrast) measure(of column, resamples stats.Resamples) (measured, error) {
	ranked, err := c.design.Rank(of.values)
	if err != nil {
		return measured{}, fmt.Errorf("evaluate: %s: %w", of.name, err)
	}
	return measured{of.name, of.kind, ranked.AUROC(nil), resamples.Of(ranked.AUROC)}, nil
}

// AUROC is how well a score tells cases from controls: the probability that a case has the higher score.
type AUROC struct {
	Contrast string `json:"contrast"`
	Score    string `json:"score"`
	Kind     Kind   `json:"kind"`
	stats.Interval
}

// Difference is the AUROC of a score less that of another, by the same resamples.
type Difference struct {
	Contrast string `json:"contrast"`
	Score    string `json:"score"`
	Against  string `json:"against"`
	stats.Interval
}

// compare measures all scores of a part by a contrast. fit is the contrast of the same name in the part to fit; nil: heads are left out.
func (r *Report) compare(test, fit *scored, c, of *contrast, resamples stats.Resamples) error {
	columns := make([]column, 0, len(test.columns)+3)
	for _, col := range test.columns {
		columns = append(columns, column{col.name, col.kind, pick(c, col.values)})
	}
	if of != nil {
		heads, err := r.heads(test, fit, c, of)
		if err != nil {
			return err
		}
		columns = append(columns, heads...)
	}
	all := map[string]measured{}
	best := measured{}
	for _, col := range columns {
		m, err := c.measure(col, resamples)
		if err != nil {
			return err
		}
		all[m.name] = m
		if (m.kind == Baseline || m.name == nameSurroundings) && (best.name == "" || m.value > best.value) {
			best = m
		}
		i, ok := stats.IntervalOf(m.value, m.resampled)
		if !ok {
			return fmt.Errorf("evaluate: found most resamples without cases or controls of %s, expected more SNVs, or shorter blocks", c.name)
		}
		r.Scores = append(r.Scores, AUROC{c.name, m.name, m.kind, i})
	}
	r.subtract(c.name, all[nameModel], best)
	r.subtract(c.name, all[nameHead], all[nameWithout])
	r.subtract(c.name, all[nameHead], best)
	return nil
}

// subtract reports the difference of two scores, if both are there.
func (r *Report) subtract(contrast string, a, b measured) {
	if a.name == "" || b.name == "" {
		return
	}
	if i, ok := stats.IntervalOf(a.value-b.value, stats.Differences(a.resampled, b.resampled)); ok {
		r.Differences = append(r.Differences, Difference{contrast, a.name, b.name, i})
	}
}

// Head is a regression that was fitted.
type Head struct {
	Contrast string  `json:"contrast"`
	Score    string  `json:"score"`
	Features int     `json:"features"`
	Items    int     `json:"items"`   // that it was fitted to
	Penalty  float64 `json:"penalty"` // chosen by cross-validation over blocks of them
}

// folds is the number of folds of cross-validation. Neighbouring blocks are in different ones.
const folds = 5

// heads are the scores of regressions that are fitted to one part and applied to another.
func (r *Report) heads(test, fit *scored, c, of *contrast) ([]column, error) {
	fold := make([]int32, len(of.items))
	for i, b := range of.design.Block {
		fold[i] = b % folds
	}
	var all []column
	for _, h := range []struct {
		name string
		with func(*scored) [][]float64
	}{
		{nameSurroundings, func(s *scored) [][]float64 { return s.beside }},
		{nameWithout, func(s *scored) [][]float64 { return s.without }},
		{nameHead, func(s *scored) [][]float64 { return s.with }},
	} {
		rows := h.with(fit)
		if rows == nil {
			continue
		}
		m, penalty, err := stats.CrossValidate(pick(of, rows), of.design.Case, fold, folds)
		if err != nil {
			return nil, fmt.Errorf("evaluate: %s, %s: %w", h.name, c.name, err)
		}
		r.Heads = append(r.Heads, Head{c.name, h.name, len(rows[0]), len(of.items), penalty})
		values := make([]float64, len(c.items))
		for i, row := range pick(c, h.with(test)) {
			values[i] = m.LogOdds(row)
		}
		all = append(all, column{h.name, Fitted, values})
	}
	return all, nil
}
