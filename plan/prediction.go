package plan

import (
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// Prediction walks [model.Session.Predict] of one sequence of so many tokens without data.
func Prediction(s model.Spec, tokens, threads int) (Estimate, error) {
	s.Recompute = ""
	j := Job{Model: s, Lengths: []int{tokens}}
	if err := j.checkLengths(); err != nil {
		return Estimate{}, err
	}
	x := tensor.Exec{Threads: pool.Threads(threads), Pool: tensor.NewDryPool()}
	m, err := model.NewOf(s, model.Options{Pool: x.Pool})
	if err != nil {
		return Estimate{}, err
	}
	e := Estimate{Params: m.Count(), Tokens: tokens}
	e.Bytes.Weights = m.Bytes()
	if _, err := m.NewSession(x).Predict(batch(m.Spec(), j.Lengths), model.StepOptions{}); err != nil {
		return Estimate{}, err
	}
	e.Bytes.Scratch = x.Pool.Peak() - e.Bytes.Weights
	e.Bytes.runtime(tokens, 0)
	return e, nil
}
