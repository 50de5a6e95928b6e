package model

// ClassScore is how often a class was right, and how often it was taken for another.
type ClassScore struct {
	Targets int64 `json:"targets"` // of the class
	Chosen  int64 `json:"chosen"`  // targets for which the class was held to be the most probable
	Correct int64 `json:"correct"` // of these, those of the class
}

// ByClass is the last evaluation by class, of a model with the head classify or tag; nil of any other.
func (m *Model) ByClass() []ClassScore { return m.progress.byClass }

// beginTally begins an evaluation.
func (m *Model) beginTally() {
	m.progress.byClass = nil
	if m.spec.Head.Kind == Classify || m.spec.Head.Kind == Tag {
		m.progress.byClass = make([]ClassScore, m.spec.Head.Classes)
	}
}

// tally counts a target of the class want that the model held to be best.
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
