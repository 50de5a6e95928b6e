package model

import "github.com/longspan/longspan/parallel"

// ClassScore counts the predictions of a class.
type ClassScore struct {
	Targets int64 `json:"targets"` // targets of the class
	Chosen  int64 `json:"chosen"`  // predictions of the class
	Correct int64 `json:"correct"` // correct predictions of the class
}

// ByClass is the scores of the last evaluation, by class. It is nil for heads other than classify and tag.
func (m *Model) ByClass() []ClassScore { return m.progress.byClass }

// ByClassOver is ByClass of an evaluation over the shards of a team, which all call it.
func (m *Model) ByClassOver(team parallel.Team) ([]ClassScore, error) {
	own := m.shares.get(team.All).byClass
	counts := make([]float64, 3*len(own)) // exact: far fewer than 2⁵³
	for i, c := range own {
		counts[3*i], counts[3*i+1], counts[3*i+2] = float64(c.Targets), float64(c.Chosen), float64(c.Correct)
	}
	if err := parallel.SumFloat64(team.All, "scores of classes", counts); err != nil || own == nil {
		return nil, err
	}
	all := make([]ClassScore, len(own))
	for i := range all {
		all[i] = ClassScore{int64(counts[3*i]), int64(counts[3*i+1]), int64(counts[3*i+2])}
	}
	return all, nil
}

// beginTally clears the scores for an evaluation.
func (p *progress) beginTally(h Head) {
	p.byClass, p.ranks = nil, nil
	if h.Kind == Classify || h.Kind == Tag {
		p.byClass = make([]ClassScore, h.Classes)
	}
}

// tally counts a target of the class want and the prediction best.
func (p *progress) tally(want, best int32) {
	if p.byClass == nil {
		return
	}
	p.byClass[want].Targets++
	p.byClass[best].Chosen++
	if want == best {
		p.byClass[want].Correct++
	}
}
