package pattern

type full struct{}

// Full lets every query see every key: Tq·Tk pairs. Its text form is "full".
func Full() Pattern { return full{} }

func (full) Spans(dst []Span, _ int, s Shape) []Span { return appendSpan(dst, 0, s.Tk, s.Tk) }
func (full) Check(s Shape) error                     { return s.Check() }
func (full) String() string                          { return "full" }

type none struct{}

// None lets no query see any key. It is what Or of no patterns is. Its text form is "none".
func None() Pattern { return none{} }

func (none) Spans(dst []Span, _ int, _ Shape) []Span { return dst }
func (none) Check(s Shape) error                     { return s.Check() }
func (none) String() string                          { return "none" }

var fullForm = form{name: "full", about: "every query sees every key", build: func(arguments) Pattern { return Full() }}

var noneForm = form{name: "none", about: "no query sees any key", build: func(arguments) Pattern { return None() }}

func (full) sees(int, Shape) func(int) bool { return func(int) bool { return true } }
func (none) sees(int, Shape) func(int) bool { return func(int) bool { return false } }

// Retained is everything for Full, and nothing for None.
func (full) Retained(dst []Span, n int) []Span { return appendSpan(dst, 0, n, n) }
func (none) Retained(dst []Span, _ int) []Span { return dst }

// ReceptiveField is unbounded for Full, and empty for None.
func (full) ReceptiveField() (ReceptiveField, error) {
	return ReceptiveField{Unbounded, Unbounded, 1}, nil
}
func (none) ReceptiveField() (ReceptiveField, error) { return ReceptiveField{0, 0, 1}, nil }
