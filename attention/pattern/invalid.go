package pattern

import "fmt"

// invalid is what a constructor returns for arguments out of range. It sees nothing and Check tells why.
type invalid struct {
	text string // as the caller asked for it
	err  error
}

// refuse returns the invalid pattern of a text form such as "window(-1)".
func refuse(text, found, expected, do string) Pattern {
	return invalid{text, fmt.Errorf("pattern: %s: found %s, expected %s; %s", clip(text), found, expected, do)}
}

// inRange reports whether lo ≤ every v ≤ MaxTokens.
func inRange(lo int, vs ...int) bool {
	for _, v := range vs {
		if v < lo || v > MaxTokens {
			return false
		}
	}
	return true
}

func (p invalid) Spans(dst []Span, _ int, _ Shape) []Span { return dst }
func (p invalid) Check(Shape) error                       { return p.err }
func (p invalid) String() string                          { return p.text }

func (p invalid) sees(int, Shape) func(int) bool          { return func(int) bool { return false } }
func (p invalid) Retained(dst []Span, _ int) []Span       { return dst }
func (p invalid) ReceptiveField() (ReceptiveField, error) { return ReceptiveField{}, p.err }
