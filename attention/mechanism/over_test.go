package mechanism

import (
	"strings"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// TestMode holds which mode Over takes, and why.
func TestMode(t *testing.T) {
	for _, x := range []struct {
		text    string
		heads   int
		ranks   int
		mode    string
		because string
	}{
		{"window(500)", 8, 4, Halo, "the fullest rank, 1, sees 1000 keys of others, of 16384"},
		{"full", 8, 4, Heads, "the fullest rank, 0, sees 12288 keys of others, of 16384"},
		{"full", 2, 4, Halo, "and 2 key/value heads are too few for 4 ranks"},
		{"full", 8, 1, Halo, "sees 0 keys of others"},
		{"performer", 8, 4, Sums, "the sums of linear attention do not grow"},
		{"nystrom", 8, 4, Heads, "landmarks are means over all rows"},
	} {
		s, err := parallel.NewShare(parallel.Dry(0, x.ranks), []int{16384})
		if err != nil {
			t.Fatal(err)
		}
		mode, why := Mode(layer(t, x.text, Config{Heads: x.heads, HeadDim: 8}), s)
		if mode != x.mode || !strings.Contains(why, x.because) {
			t.Errorf("%s, %d heads, %d ranks: %s, %s", x.text, x.heads, x.ranks, mode, why)
		}
	}
}

// TestOverRefuses holds the words of refusals.
func TestOverRefuses(t *testing.T) {
	s, err := parallel.NewShare(parallel.Dry(0, 2), []int{2000})
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Heads: 2, HeadDim: 8}
	cross := c
	cross.Cross = true
	for want, f := range map[string]func() (Core, error){
		"found cross-attention or a memory over 2 ranks": func() (Core, error) { return Over(layer(t, "full", cross), s) },
		`found mode "ring"`:                         func() (Core, error) { return OverMode(layer(t, "full", c), s, "ring") },
		`found mode "halo" for`:                     func() (Core, error) { return OverMode(layer(t, "elu", c), s, Halo) },
		`found mode "sums" for`:                     func() (Core, error) { return OverMode(layer(t, "full", c), s, Sums) },
		"expected linear attention":                 func() (Core, error) { return OverMode(layer(t, "nystrom", c), s, Sums) },
		"whose heads share a norm":                  func() (Core, error) { return Over(layer(t, "nystrom(one_norm=1)", c), s) },
		"expected heads that can be computed apart": func() (Core, error) { return OverMode(layer(t, "nystrom(one_norm=1)", c), s, Heads) },
		"found position 5000 in a sequence of 2000": func() (Core, error) { return Over(layer(t, "global(5000)", c), s) },
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, expected %q", err, want)
		}
	}
	if mode, why := Mode(layer(t, "full", cross), s); mode != "" || !strings.Contains(why, "cross-attention") {
		t.Errorf("found mode %q: %s", mode, why)
	}
	if _, err := HeadsOf(layer(t, "nystrom(one_norm=1)", c), 0, 1); err == nil || !strings.Contains(err.Error(), "share a norm") {
		t.Errorf("a head that shares a norm: %v", err)
	}
	core, err := OverMode(layer(t, "window(3)", c), s, Halo)
	if err != nil {
		t.Fatal(err)
	}
	m := tensor.New(tensor.F32, core.Queries(), 16)
	in := In{In: attention.In{Q: m, K: m.SliceRows(0, 5), V: m}}
	if err := core.Forward(tensor.Exec{}, Out{O: m}, in); err == nil || !strings.Contains(err.Error(), "found K of 5×16") {
		t.Errorf("found error %v", err)
	}
}
