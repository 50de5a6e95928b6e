package data

import "fmt"

// Split is a part of a data set: for training, for choosing a model, and for the final test.
type Split int

// The parts.
const (
	Train Split = iota
	Validation
	Test
)

var splitNames = [...]string{"train", "validation", "test"}

// String is train, validation or test.
func (s Split) String() string {
	if s < 0 || int(s) >= len(splitNames) {
		return fmt.Sprintf("split(%d)", int(s))
	}
	return splitNames[s]
}

// ParseSplit reads what String writes.
func ParseSplit(name string) (Split, error) {
	for i, n := range splitNames {
		if n == name {
			return Split(i), nil
		}
	}
	return 0, fmt.Errorf("data: the part %q is not known; use train, validation or test", name)
}
