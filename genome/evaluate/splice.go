package evaluate

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/genome/evaluate/stats"
)

// SpliceRow is a group of SNVs and a threshold: how many have a splice delta of at least that, beside what matched substitutions would.
type SpliceRow struct {
	Group     string          `json:"group"` // common, singleton or all
	Threshold float64         `json:"threshold"`
	SNVs      int             `json:"snvs"`     // with a delta
	Observed  int             `json:"observed"` // of them, at the threshold or above
	Expected  float64         `json:"expected"` // by the share of the matched substitutions of these SNVs
	Ratio     *stats.Interval `json:"ratio,omitempty"`
}

// Thresholds are those of SpliceAI (Jaganathan et al. 2019, doi:10.1016/j.cell.2018.12.015): high recall, recommended, high precision.
var Thresholds = []float64{0.2, 0.5, 0.8}

// Deltas are asked for by position: the largest splice delta of a substitution. ok is false where there is none, such as outside of genes.
type Deltas func(s Substitution) (delta float64, ok bool, err error)

// SpliceSites are the substitutions that AddSplice asks about: the SNVs of the region, and one matched substitution of each.
func (e *Evaluation) SpliceSites() []Substitution {
	all := make([]Substitution, 0, 2*len(e.test.snvs))
	for _, s := range e.test.snvs {
		all = append(all, s.Substitution)
	}
	return append(all, e.oneMatched()...)
}

// oneMatched is a matched substitution for each SNV: as many as there are SNVs, drawn from all without repeating a draw.
func (e *Evaluation) oneMatched() []Substitution {
	all := append([]Substitution(nil), e.test.matched...)
	data.Shuffle(data.NewRandom(e.options.Seed, drawSplice), all)
	return all[:min(len(all), len(e.test.snvs))]
}

// AddSplice compares SNVs with matched substitutions by their splice deltas: observed over expected, for common SNVs, singletons and all. A
// ratio below 1 says that people have fewer of these SNVs than the bases around them would make. The expected number of a group is its
// number of SNVs with a delta times the share of matched substitutions with a delta that are at the threshold.
func (e *Evaluation) AddSplice(of Deltas) error {
	type item struct {
		block  int
		delta  float64
		common bool
		single bool
		drawn  bool
	}
	var all []item
	start, block := e.options.Region.Start, e.options.Block
	add := func(s Substitution, i item) error {
		delta, ok, err := of(s)
		if err != nil || !ok {
			return err
		}
		i.block, i.delta = (s.Pos-start)/block, delta
		all = append(all, i)
		return nil
	}
	for _, s := range e.test.snvs {
		if err := add(s.Substitution, item{common: s.Common(), single: s.Singleton()}); err != nil {
			return err
		}
	}
	for _, s := range e.oneMatched() {
		if err := add(s, item{drawn: true}); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		return errors.New("evaluate: found no SNV with a splice delta; are the genes of this contig?")
	}
	blocks := (e.options.Region.End - start + block - 1) / block
	resamples, err := stats.NewResamples(blocks, e.options.Resamples, e.options.Seed)
	if err != nil {
		return err
	}
	for _, g := range []struct {
		name string
		in   func(item) bool
	}{
		{"common", func(i item) bool { return i.common }}, {"singleton", func(i item) bool { return i.single }},
		{"all", func(i item) bool { return true }},
	} {
		for _, at := range Thresholds {
			// Of each block: SNVs of the group, of them at the threshold; drawn ones, of them at the threshold.
			sums := make([][4]float64, blocks)
			for _, i := range all {
				k := 0
				if i.drawn {
					k = 2
				} else if !g.in(i) {
					continue
				}
				sums[i.block][k]++
				if i.delta >= at {
					sums[i.block][k+1]++
				}
			}
			e.Splice = append(e.Splice, spliceRow(g.name, at, sums, resamples))
		}
	}
	return nil
}

// spliceRow adds up blocks.
func spliceRow(group string, at float64, sums [][4]float64, resamples stats.Resamples) SpliceRow {
	total := func(weights []float64) (t [4]float64) {
		for b, s := range sums {
			w := 1.0
			if weights != nil {
				w = weights[b]
			}
			for k := range t {
				t[k] += w * s[k]
			}
		}
		return t
	}
	ratio := func(weights []float64) float64 {
		t := total(weights)
		return t[1] * t[2] / (t[0] * t[3])
	}
	t := total(nil)
	row := SpliceRow{Group: group, Threshold: at, SNVs: int(t[0]), Observed: int(t[1])}
	if t[2] > 0 {
		row.Expected = t[0] * t[3] / t[2]
	}
	if i, ok := stats.IntervalOf(ratio(nil), resamples.Of(ratio)); ok {
		row.Ratio = &i
	}
	return row
}

// String is such as "common SNVs at 0.5: 3 of 812, expected 9.4".
func (r SpliceRow) String() string {
	return fmt.Sprintf("%s SNVs at %g: %d of %d, expected %.1f", r.Group, r.Threshold, r.Observed, r.SNVs, r.Expected)
}
