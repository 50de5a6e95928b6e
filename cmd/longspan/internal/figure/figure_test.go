package figure_test

import (
	"slices"
	"testing"

	"github.com/longspan/longspan/cmd/longspan/internal/figure"
)

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		least, low, high float64
		want             []string
	}{
		{0.01, 1.9, 1.96, []string{"1.90", "1.91", "1.92", "1.93", "1.94", "1.95", "1.96"}},
		{0.005, 0.499, 0.521, []string{"0.500", "0.505", "0.510", "0.515", "0.520"}},
		{0.005, -0.04, 1.1, []string{"0.00", "0.25", "0.50", "0.75", "1.00"}},
		{0.01, 4180, 4640, []string{"4200", "4300", "4400", "4500", "4600"}},
	} {
		var got []string
		for _, tick := range figure.Ticks(c.least).Ticks(c.low, c.high) {
			got = append(got, tick.Label)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%g to %g by at least %g: %q, want %q", c.low, c.high, c.least, got, c.want)
		}
	}
}
