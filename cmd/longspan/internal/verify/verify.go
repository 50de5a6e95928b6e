// Package verify checks the promised equivalences of attention on this machine: fast kernels compute the definitions, and results
// that are promised to be equal have the same bits.
//
// It is no test suite. The tests of the packages go into every corner; this shows in seconds that the processor, the kernels
// chosen for it and the algorithms agree.
package verify

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/longspan/longspan/internal/cpu"
	"github.com/longspan/longspan/internal/kernel"
)

// Options selects the checks. The zero value checks everything.
type Options struct {
	Only     []string            // names of Groups; nil: all
	Quick    bool                // the level in use alone, and fewer patterns
	Progress func(done, all int) // receives the number of checks done and of all; may be nil
}

// Result is one check.
type Result struct {
	Group string  `json:"group"`
	Case  string  `json:"case"`
	Level string  `json:"level"` // of the kernels
	DType string  `json:"dtype"`
	Error float64 `json:"error"` // the largest, relative to the largest element; infinite where an element is not finite
	Bound float64 `json:"bound"` // of Error; 0: every bit must be the same
	OK    bool    `json:"ok"`
}

// check is one comparison. It returns the error found and its bound.
type check struct {
	group, name, dtype string
	level              cpu.Level
	run                func() (found, bound float64, err error)
}

// group makes its checks.
type group struct {
	name, about string
	checks      func(o Options) []check
}

var groups = []group{
	{"naive", "kernels compute the definition, forward and backward, at every level and type", naiveChecks},
	{"window", "a window as long as the sequence is full or causal attention, bit for bit", windowChecks},
	{"packed", "a packed batch gives what its sequences give one by one, bit for bit", packedChecks},
	{"threads", "any number of threads gives the same bits", threadChecks},
	{"chunks", "chunks that overlap by N·w give the bits of the whole, for N layers of window w", chunkChecks},
	{"decode", "decoding step by step gives what the whole sequence gives", decodeChecks},
	{"performer", "Performer's error falls with more features", performerChecks},
	{"nystrom", "Nyström's error falls with more landmarks", nystromChecks},
}

// Groups lists the names of the checks with a line on each.
func Groups() string {
	var b strings.Builder
	for _, g := range groups {
		fmt.Fprintf(&b, "  %-10s %s\n", g.name, g.about)
	}
	return b.String()
}

// Attention runs the checks. It switches the kernels' level meanwhile, so nothing else may compute. It returns an error if Only
// names an unknown group or an attention refuses to run; a check that fails is no error.
func Attention(o Options) ([]Result, error) {
	checks, err := o.choose()
	if err != nil {
		return nil, err
	}
	results := make([]Result, 0, len(checks))
	for i, c := range checks {
		if o.Progress != nil {
			o.Progress(i, len(checks))
		}
		r, err := c.result()
		if err != nil {
			return results, fmt.Errorf("verify: %s, %s: %w", c.group, c.name, err)
		}
		results = append(results, r)
	}
	if o.Progress != nil {
		o.Progress(len(checks), len(checks))
	}
	return results, nil
}

// choose lists the checks of the groups asked for.
func (o Options) choose() ([]check, error) {
	for _, name := range o.Only {
		if !slices.ContainsFunc(groups, func(g group) bool { return g.name == name }) {
			return nil, fmt.Errorf("verify: found group %q, expected one of:\n%s", name, strings.TrimRight(Groups(), "\n"))
		}
	}
	var checks []check
	for _, g := range groups {
		if o.Only != nil && !slices.Contains(o.Only, g.name) {
			continue
		}
		for _, c := range g.checks(o) {
			c.group = g.name
			checks = append(checks, c)
		}
	}
	return checks, nil
}

func (c check) result() (Result, error) {
	defer kernel.Use(c.level)()
	found, bound, err := c.run()
	return Result{c.group, c.name, c.level.String(), c.dtype, found, bound, found <= bound}, err
}

// levels lists the levels to check: all up to the one in use, or that one alone.
func (o Options) levels() []cpu.Level {
	inUse := kernel.Level()
	if o.Quick {
		return []cpu.Level{inUse}
	}
	var levels []cpu.Level
	for _, l := range cpu.Levels() {
		if l <= inUse {
			levels = append(levels, l)
		}
	}
	return levels
}

// relative is max|got − want| / max|want|, and +Inf where an element is not finite.
func relative(got, want []float64) float64 {
	worst, largest := 0.0, math.SmallestNonzeroFloat64
	for i, w := range want {
		d := math.Abs(got[i] - w)
		if math.IsNaN(d) || math.IsInf(d, 0) {
			return math.Inf(1)
		}
		worst, largest = max(worst, d), max(largest, math.Abs(w))
	}
	return worst / largest
}

// distance is ‖got − want‖ / ‖want‖.
func distance(got, want []float64) float64 {
	difference, norm := 0.0, 0.0
	for i, w := range want {
		difference += (got[i] - w) * (got[i] - w)
		norm += w * w
	}
	return math.Sqrt(difference / norm)
}
