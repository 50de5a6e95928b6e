package data

// Answers are the names and units of a head's outputs, and what the head was trained on. A model folder has them.
type Answers struct {
	Classes   []string `json:"classes,omitempty"` // names of the classes of classify and tag, in order; nil: none
	Mean      float64  `json:"mean,omitempty"`    // of a regression: the answer is Mean + Deviation · output
	Deviation float64  `json:"deviation,omitempty"`
	Tokens    int      `json:"tokens,omitempty"` // longest sequence of training; 0: not known
}

// Value converts an output of a regression to the units of the data.
func (a Answers) Value(output float64) float64 {
	if a.Deviation == 0 {
		return output
	}
	return a.Mean + a.Deviation*output
}
