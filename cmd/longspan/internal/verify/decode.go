package verify

import (
	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/tensor"
)

// decodeChecks give attention one token at a time, against the keys so far or with the state so far, and compare with the whole sequence
// at once.
func decodeChecks(o Options) []check {
	const tokens = 150
	var checks []check
	for _, text := range []string{
		"full", "window(40)", "window(9) | global(0)", performerText, "elu", "relu",
	} {
		m := ofText(text, true)
		for _, t := range dtypes {
			p := newProblem(t, 7, kvHeads, tokens)
			for _, l := range o.levels() {
				checks = append(checks, check{name: m.name, dtype: t.String(), level: l, run: func() (float64, float64, error) {
					want, err := m.run(p, 0)
					if err != nil {
						return 0, 0, err
					}
					got, err := steps(text, p)
					return relative(widen(got), widen(want.out)), bounds[t], err
				}})
			}
		}
	}
	return checks
}

// steps is the output of a causal mechanism over p, a token at a time.
func steps(text string, p problem) (tensor.Mat, error) {
	out := tensor.New(p.dtype, p.q.Rows, p.q.Cols)
	state, err := layerOf(text, true, kvHeads).NewState(nil, 0)
	for t := 0; t < p.q.Rows && err == nil; t++ {
		row := p.rows(t, t+1)
		err = state.Step(tensor.Exec{}, out.SliceRows(t, t+1), mechanism.In{In: attention.In{Q: row.q, K: row.k, V: row.v}})
	}
	return out, err
}
