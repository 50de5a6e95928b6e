package verify

import (
	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/linear"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// decodeChecks give attention one token at a time, against the keys so far or with the state so far, and compare with the whole sequence
// at once.
func decodeChecks(o Options) []check {
	const tokens = 150
	var checks []check
	add := func(m mechanism, steps func(p problem) (tensor.Mat, error)) {
		for _, t := range dtypes {
			p := newProblem(t, 7, kvHeads, tokens)
			for _, l := range o.levels() {
				checks = append(checks, check{name: m.name, dtype: t.String(), level: l, run: func() (float64, float64, error) {
					want, err := m.run(p, 0)
					if err != nil {
						return 0, 0, err
					}
					got, err := steps(p)
					return relative(widen(got), widen(want.out)), bounds[t], err
				}})
			}
		}
	}
	for _, text := range []string{"causal", "causal & window(40)", "causal & (window(9) | global(0))"} {
		add(flash(text), func(p problem) (tensor.Mat, error) { return flashSteps(text, p) })
	}
	for _, f := range []linear.FeatureMap{linear.Performer, linear.Elu, linear.ReLU} {
		add(features(f, true), func(p problem) (tensor.Mat, error) { return linearSteps(f, p) })
	}
	return checks
}

// flashSteps is the output of attention over p, a token at a time.
func flashSteps(text string, p problem) (tensor.Mat, error) {
	out := tensor.New(p.dtype, p.q.Rows, p.q.Cols)
	mask, err := pattern.Parse(text)
	if err != nil {
		return out, err
	}
	c := attention.Config{Pattern: mask, Heads: heads, KVHeads: kvHeads, HeadDim: headDim}
	for t := range p.q.Rows {
		err := attention.Decode(tensor.Exec{}, c, attention.Out{O: out.SliceRows(t, t+1)}, attention.In{Q: p.q.SliceRows(t, t+1), K: p.k.SliceRows(0, t+1), V: p.v.SliceRows(0, t+1)})
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// linearSteps is the output of causal linear attention over p, a token at a time.
func linearSteps(f linear.FeatureMap, p problem) (tensor.Mat, error) {
	out := tensor.New(p.dtype, p.q.Rows, p.q.Cols)
	l, err := linear.New(linearConfig(f, true), []int{1})
	if err != nil {
		return out, err
	}
	state, err := l.NewState()
	for t := 0; t < p.q.Rows && err == nil; t++ {
		err = state.Step(tensor.Exec{}, out.SliceRows(t, t+1), attention.In{Q: p.q.SliceRows(t, t+1), K: p.k.SliceRows(t, t+1), V: p.v.SliceRows(t, t+1)})
	}
	return out, err
}
