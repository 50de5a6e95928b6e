package pattern

type causal struct{}

// Causal lets the query at position p see keys k ≤ p: those before it, and itself. Its text form is "causal".
func Causal() Pattern { return causal{} }

func (causal) Spans(dst []Span, q int, s Shape) []Span {
	return appendSpan(dst, 0, s.Offset+q+1, s.Tk)
}

func (causal) Check(s Shape) error { return s.Check() }
func (causal) String() string      { return "causal" }

var causalForm = form{name: "causal", about: "a query sees the keys before it and itself",
	build: func(arguments) Pattern { return Causal() }}

func (causal) sees(i int, _ Shape) func(int) bool { return func(k int) bool { return k <= i } }

// Retained is everything.
func (causal) Retained(dst []Span, n int) []Span { return appendSpan(dst, 0, n, n) }

// ReceptiveField is all that comes before.
func (causal) ReceptiveField() (ReceptiveField, error) { return ReceptiveField{Unbounded, 0, 1}, nil }
