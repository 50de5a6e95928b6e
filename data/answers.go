package data

// Answers is what turns the output of a head into the user's words. A model folder keeps it.
type Answers struct {
	Classes   []string `json:"classes,omitempty"` // names of the classes of classify and tag, in order; nil where they have none
	Mean      float64  `json:"mean,omitempty"`    // of a regression: the answer is Mean + Deviation · output
	Deviation float64  `json:"deviation,omitempty"`
}

// Value returns the number that an output of a regression stands for.
func (a Answers) Value(output float64) float64 {
	if a.Deviation == 0 {
		return output
	}
	return a.Mean + a.Deviation*output
}
