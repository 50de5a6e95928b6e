package data

// Answers are the names and units of a head's outputs, and what texts the model was trained on. A model folder has them.
type Answers struct {
	Classes   []string `json:"classes,omitempty"` // names of the classes of classify and tag, in order; nil: none
	Mean      float64  `json:"mean,omitempty"`    // of a regression: the answer is Mean + Deviation · output
	Deviation float64  `json:"deviation,omitempty"`
	Tokens    int      `json:"tokens,omitempty"` // longest sequence of training; 0: not known

	// Of a model that gives vectors.
	Prompts   map[string]string `json:"prompts,omitempty"`    // texts that stand before the user's, by name, such as query and document
	Prompt    string            `json:"prompt,omitempty"`     // the name of the one that stands there where the user names none; empty: none
	LowerCase bool              `json:"lower_case,omitempty"` // texts are put into lower case before the tokenizer

	Target *Target `json:"target,omitempty"` // of an encoder-decoder: the texts that it writes; nil: nothing is known
}

// Value converts an output of a regression to the units of the data.
func (a Answers) Value(output float64) float64 {
	if a.Deviation == 0 {
		return output
	}
	return a.Mean + a.Deviation*output
}
