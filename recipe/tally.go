package recipe

import "github.com/longspan/longspan/model"

// ClassScore is how often a class was right, and how often it was taken for another.
type ClassScore struct {
	Targets int64 `json:"targets"` // of the class
	Chosen  int64 `json:"chosen"`  // targets for which the class was held to be the most probable
	Correct int64 `json:"correct"` // of these, those of the class
}

// ByClass is the last evaluation by class, of a model with the head classify or tag; nil of any other.
func (m *Model) ByClass() []ClassScore { return m.byClass }

// beginTally begins an evaluation.
func (m *Model) beginTally() {
	m.byClass = nil
	if m.config.Head == model.Classify || m.config.Head == model.Tag {
		m.byClass = make([]ClassScore, m.config.Classes)
	}
}

// tally counts a target of the class want that the model held to be best.
func (m *Model) tally(want, best int32) {
	if m.byClass == nil {
		return
	}
	m.byClass[want].Targets++
	m.byClass[best].Chosen++
	if want == best {
		m.byClass[want].Correct++
	}
}
