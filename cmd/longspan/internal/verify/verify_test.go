package verify

import (
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/tensor"
)

func TestQuickPasses(t *testing.T) {
	last := 0
	results, err := Attention(Options{Quick: true, Progress: func(done, all int) {
		if done < last || done > all {
			t.Errorf("%d of %d done after %d", done, all, last)
		}
		last = done
	}})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, r := range results {
		seen[r.Group]++
		if !r.OK {
			t.Errorf("%+v", r)
		}
	}
	for _, g := range groups {
		if seen[g.name] == 0 {
			t.Errorf("no check of %s ran", g.name)
		}
	}
	if last != len(results) {
		t.Errorf("progress ended at %d of %d", last, len(results))
	}
}

// A check is worth nothing if it lets an error pass. One key more in the window, and one bit of one element, must show.
func TestChecksSeeSmallErrors(t *testing.T) {
	for _, dtype := range dtypes {
		p := newProblem(dtype, 1, kvHeads, batch...)
		got, err := flash("window(20)").run(p, 0)
		if err != nil {
			t.Fatal(err)
		}
		want, err := flash("window(21)").naive(p)
		if err != nil {
			t.Fatal(err)
		}
		if found := worst(got, want); found <= bounds[dtype] {
			t.Errorf("%s: one key more changes the result by %g, within the bound %g", dtype, found, bounds[dtype])
		}
	}
	p := newProblem(tensor.F32, 1, kvHeads, 30)
	got, err := flash("full").run(p, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := got.values()
	if d := difference(got.values(), want); d != 0 {
		t.Errorf("a result differs from itself by %g", d)
	}
	got.dk.Row(7)[3] = math.Nextafter32(got.dk.Row(7)[3], 9)
	if d := difference(got.values(), want); d == 0 {
		t.Error("a bit that changed was not seen")
	}
}

func TestRelative(t *testing.T) {
	for _, c := range []struct {
		got, want []float64
		error     float64
	}{
		{[]float64{1, 2}, []float64{1, 4}, 0.5},
		{[]float64{0, 0}, []float64{0, 0}, 0},
		{[]float64{math.NaN()}, []float64{1}, math.Inf(1)},
		{[]float64{math.Inf(1)}, []float64{math.Inf(1)}, math.Inf(1)},
	} {
		if e := relative(c.got, c.want); e != c.error {
			t.Errorf("relative(%v, %v) = %g, want %g", c.got, c.want, e, c.error)
		}
	}
}

func TestOnly(t *testing.T) {
	results, err := Attention(Options{Quick: true, Only: []string{"chunks"}})
	if err != nil || len(results) == 0 || results[0].Group != "chunks" {
		t.Errorf("%v, %v", results, err)
	}
	if _, err := Attention(Options{Only: []string{"chunk"}}); err == nil || !strings.Contains(err.Error(), "packed") {
		t.Errorf("an unknown group: %v", err)
	}
}
