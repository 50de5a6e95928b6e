package stats

import (
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/internal/random"
)

// brute compares all pairs.
func brute(d *Design, scores, weights []float64) float64 {
	won, cases := map[int32]float64{}, map[int32]float64{}
	controls := map[int32]float64{}
	of := func(i int) int32 {
		if d.Stratum == nil {
			return 0
		}
		return d.Stratum[i]
	}
	for i, c := range d.Case {
		if !c {
			controls[of(i)] += weights[d.Block[i]]
			continue
		}
		cases[of(i)] += weights[d.Block[i]]
		for j := range d.Case {
			if d.Case[j] || of(i) != of(j) {
				continue
			}
			w := weights[d.Block[i]] * weights[d.Block[j]]
			switch {
			case scores[i] > scores[j]:
				won[of(i)] += w
			case scores[i] == scores[j]:
				won[of(i)] += w / 2
			}
		}
	}
	sum, n := 0.0, 0.0
	for s, c := range cases {
		if c > 0 && controls[s] > 0 {
			sum += won[s] / controls[s]
			n += c
		}
	}
	return sum / n
}

func TestAUROCEqualsAllPairs(t *testing.T) {
	r := random.NewSplitMix(1)
	for trial := range 200 {
		n, strata, blocks := 1+r.Below(60), 1+r.Below(4), 1+r.Below(5)
		d := &Design{Blocks: blocks}
		if trial%3 > 0 {
			d.Stratum = make([]int32, n)
		}
		scores := make([]float64, n)
		for i := range n {
			d.Case = append(d.Case, r.Below(3) == 0)
			d.Block = append(d.Block, int32(r.Below(blocks)))
			if d.Stratum != nil {
				d.Stratum[i] = int32(r.Below(strata))
			}
			scores[i] = float64(r.Below(6))
		}
		weights, ones := make([]float64, blocks), make([]float64, blocks)
		for i := range weights {
			weights[i], ones[i] = float64(r.Below(3)), 1
		}
		ranked, err := d.Rank(scores)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ got, want float64 }{
			{ranked.AUROC(weights), brute(d, scores, weights)}, {ranked.AUROC(nil), brute(d, scores, ones)},
		} {
			if math.IsNaN(c.got) != math.IsNaN(c.want) || math.Abs(c.got-c.want) > 1e-12 {
				t.Fatalf("trial %d: AUROC %g, all pairs %g", trial, c.got, c.want)
			}
		}
	}
}

// Of two normal distributions one deviation apart the area is Φ(1/√2).
func TestAUROCOfNormals(t *testing.T) {
	r := random.NewSplitMix(2)
	normal := func() float64 {
		u, v := float64(r.Below(1<<40)+1)/(1<<40), float64(r.Below(1<<40))/(1<<40)
		return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
	}
	d, scores := &Design{Blocks: 50}, []float64{}
	for i := range 20_000 {
		shift := float64(i % 2)
		d.Case, d.Block = append(d.Case, i%2 == 1), append(d.Block, int32(i/400))
		scores = append(scores, normal()+shift)
	}
	ranked, err := d.Rank(scores)
	if err != nil {
		t.Fatal(err)
	}
	want := 0.5 * math.Erfc(-0.5)
	got := ranked.AUROC(nil)
	if math.Abs(got-want) > 0.01 {
		t.Errorf("AUROC %.4f, want %.4f", got, want)
	}
	resamples, err := NewResamples(50, 400, 3)
	if err != nil {
		t.Fatal(err)
	}
	in, ok := IntervalOf(got, resamples.Of(ranked.AUROC))
	// The standard error of Hanley and McNeil 1982, doi:10.1148/radiology.143.1.7063747, of 10,000 and 10,000.
	q1, q2 := got/(2-got), 2*got*got/(1+got)
	se := math.Sqrt((got*(1-got) + 9999*(q1-got*got) + 9999*(q2-got*got)) / 1e8)
	if width := (in.High - in.Low) / 2 / 1.96; !ok || math.Abs(width/se-1) > 0.25 {
		t.Errorf("standard error %.5f of the resamples, %.5f of the formula; %+v", width, se, in)
	}
}

func TestIntervalOf(t *testing.T) {
	values := make([]float64, 101)
	for i := range values {
		values[i] = float64(100 - i)
	}
	if got, ok := IntervalOf(50, values); !ok || got != (Interval{50, 2.5, 97.5}) {
		t.Errorf("%+v, %v", got, ok)
	}
	nan := math.NaN()
	if got, ok := IntervalOf(1, []float64{nan, nan, nan, 1}); ok {
		t.Errorf("mostly without numbers: %+v", got)
	}
	if got, ok := IntervalOf(nan, values); ok {
		t.Errorf("no value: %+v", got)
	}
	if got := Differences([]float64{3, 2}, []float64{1, 5}); got[0] != 2 || got[1] != -3 {
		t.Errorf("differences %v", got)
	}
}

// A resample draws as many blocks as there are, each as often as the others in the mean.
func TestResamples(t *testing.T) {
	all, err := NewResamples(10, 2000, 7)
	if err != nil {
		t.Fatal(err)
	}
	mean := make([]float64, 10)
	for _, weights := range all {
		n := 0.0
		for i, w := range weights {
			n += w
			mean[i] += w / 2000
		}
		if n != 10 {
			t.Fatalf("a resample of %g blocks", n)
		}
	}
	for i, m := range mean {
		if math.Abs(m-1) > 0.1 {
			t.Errorf("block %d was drawn %g times", i, m)
		}
	}
	again, _ := NewResamples(10, 2000, 7)
	for i := range all {
		for j := range all[i] {
			if all[i][j] != again[i][j] {
				t.Fatal("the same seed drew other blocks")
			}
		}
	}
}

// A table of two features that are 0 or 1 has the log-odds of its cells; without a penalty to speak of the fit has them too.
func TestLogisticOfATable(t *testing.T) {
	var rows [][]float64
	var isCase []bool
	for _, cell := range []struct {
		x               float64
		cases, controls int
	}{{0, 20, 80}, {1, 60, 40}} {
		for i := range cell.cases + cell.controls {
			rows = append(rows, []float64{cell.x, 7}) // the second does not vary
			isCase = append(isCase, i < cell.cases)
		}
	}
	m, err := FitLogistic(rows, isCase, 1e-6)
	if err != nil {
		t.Fatal(err)
	}
	for x, want := range []float64{math.Log(20.0 / 80), math.Log(60.0 / 40)} {
		if got := m.LogOdds([]float64{float64(x), 7}); math.Abs(got-want) > 1e-4 {
			t.Errorf("log-odds of %d: %g, want %g", x, got, want)
		}
	}
}

// The gradient of the penalised log-likelihood is zero at the fit, by finite differences.
func TestLogisticIsAtItsPeak(t *testing.T) {
	r := random.NewSplitMix(5)
	var rows [][]float64
	var isCase []bool
	for range 300 {
		row := make([]float64, 3)
		for j := range row {
			row[j] = float64(r.Below(100)) * []float64{0.01, 1, 100}[j]
		}
		rows = append(rows, row)
		isCase = append(isCase, r.Below(100) < int(row[1]))
	}
	const l2 = 2.0
	m, err := FitLogistic(rows, isCase, l2)
	if err != nil {
		t.Fatal(err)
	}
	value := func() float64 {
		total := 0.0
		for i, row := range rows {
			z := m.LogOdds(row)
			if isCase[i] {
				z = -z
			}
			total -= softplus(z)
		}
		for _, w := range m.Weights {
			total -= l2 / 2 * w * w
		}
		return total
	}
	for j := range m.Weights {
		const h = 1e-4
		m.Weights[j] += h
		up := value()
		m.Weights[j] -= 2 * h
		down := value()
		m.Weights[j] += h
		if slope := (up - down) / (2 * h); math.Abs(slope) > 1e-4 {
			t.Errorf("slope %g of weight %d", slope, j)
		}
	}
}

// A feature of noise gets a strong penalty, and a feature that tells gets its weight.
func TestCrossValidate(t *testing.T) {
	r := random.NewSplitMix(6)
	var noise, tells [][]float64
	var isCase []bool
	var fold []int32
	for i := range 400 {
		c := r.Below(2) == 0
		x := float64(r.Below(100))
		if c {
			x += 60
		}
		noise, tells = append(noise, []float64{float64(r.Below(100))}), append(tells, []float64{x})
		isCase, fold = append(isCase, c), append(fold, int32(i/20%4))
	}
	m, l2, err := CrossValidate(noise, isCase, fold, 4)
	if err != nil || l2 < 10 || math.Abs(m.Weights[0]) > 0.2 {
		t.Errorf("noise: penalty %g, %+v, %v", l2, m, err)
	}
	m, l2, err = CrossValidate(tells, isCase, fold, 4)
	if err != nil || l2 > 10 || m.Weights[0] < 1 {
		t.Errorf("what tells: penalty %g, %+v, %v", l2, m, err)
	}
}

func TestRefusals(t *testing.T) {
	d := &Design{Case: []bool{true, false}, Block: []int32{0, 1}, Blocks: 2}
	_, short := d.Rank([]float64{1})
	_, nan := d.Rank([]float64{1, math.NaN()})
	d.Blocks = 1
	_, block := d.Rank([]float64{1, 2})
	_, few := NewResamples(4, 1000, 1)
	_, samples := NewResamples(5, 10, 1)
	_, one := FitLogistic([][]float64{{1}, {2}}, []bool{true, true}, 1)
	_, free := FitLogistic([][]float64{{1}, {2}}, []bool{true, false}, 0)
	_, ragged := FitLogistic([][]float64{{1}, {2, 3}}, []bool{true, false}, 1)
	_, inf := FitLogistic([][]float64{{1}, {math.Inf(1)}}, []bool{true, false}, 1)
	_, _, folds := CrossValidate([][]float64{{1}}, []bool{true}, nil, 2)
	for _, c := range []struct {
		err  error
		want string
	}{
		{short, "found 1 scores, 2 blocks and 0 strata of 2 items"}, {nan, "found no number as the score of item 1"},
		{block, "found block 1 of item 1, expected 0 to 0"}, {few, "found 4 blocks, expected at least 5"},
		{samples, "found 10 resamples, expected 100 to 100000"}, {one, "found 2 cases of 2 items"}, {free, "found a penalty of 0"},
		{ragged, "found 2 features of item 1, expected 1"}, {inf, "found the feature +Inf of item 1"},
		{folds, "1 rows and 0 folds of items in 2 folds"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%v, want %q", c.err, c.want)
		}
	}
}
