package model

// ClassScore counts the predictions of a class.
type ClassScore struct {
	Targets int64 `json:"targets"` // targets of the class
	Chosen  int64 `json:"chosen"`  // predictions of the class
	Correct int64 `json:"correct"` // correct predictions of the class
}

// ByClass is the scores of the last evaluation, by class. It is nil for heads other than classify and tag.
func (m *Model) ByClass() []ClassScore { return m.progress.byClass }

// beginTally clears the scores for an evaluation.
func (m *Model) beginTally() {
	m.progress.byClass = nil
	if m.spec.Head.Kind == Classify || m.spec.Head.Kind == Tag {
		m.progress.byClass = make([]ClassScore, m.spec.Head.Classes)
	}
}

// tally counts a target of the class want and the prediction best.
func (m *Model) tally(want, best int32) {
	if m.progress.byClass == nil {
		return
	}
	m.progress.byClass[want].Targets++
	m.progress.byClass[best].Chosen++
	if want == best {
		m.progress.byClass[want].Correct++
	}
}
